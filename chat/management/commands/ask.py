"""`manage.py ask "…"`: one turn in the terminal."""

import asyncio
from contextlib import aclosing

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.commands import CommandError as BadTextError
from chat.commands import message_text
from chat.database import in_database
from chat.turn.events import Notice, Outcome, Restarted, Searching, TextDelta, TurnEvent
from chat.turn.loop import run_turn
from chat.turn_requests import turn_request
from chat.wiring import expert_search, language_model


class Command(BaseCommand):
    help = "Asks one question as a visitor would, and prints the reply as it streams."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("question")

    def handle(self, *_args: object, question: str, **_options: object) -> None:
        try:
            text = message_text(question)
        except BadTextError as error:
            raise CommandError(f"This cannot be asked: {error.code}.", returncode=2) from None
        outcome = asyncio.run(self.answer(text))
        if outcome.status != "done":
            raise CommandError(f"The reply failed: {outcome.error}.")

    async def answer(self, question: str) -> Outcome:
        request = await in_database(turn_request, question)
        outcome = Outcome(status="failed", error="internal")
        async with aclosing(run_turn(request, expert_search(), language_model())) as events:
            async for event in events:
                self.show(event)
                outcome = event if isinstance(event, Outcome) else outcome
        return outcome

    def show(self, event: TurnEvent) -> None:
        match event:
            case Searching():
                self.stderr.write(f"[searching: {event.question}]")
            case Notice():
                then = "trying again" if event.retry_ms else "the experts are quoted instead"
                self.stderr.write(f"[{event.code}: {then}]")
            case Restarted():
                self.stdout.write("")
                self.stderr.write(f"[{event.why}: the reply begins anew]")
            case TextDelta():
                self.stdout.write(event.text, ending="")
                self.stdout.flush()
            case Outcome():
                self.stdout.write("")
                for source in event.sources:
                    self.stdout.write(f"  source: {source.title} ({source.expert or 'unnamed'})")
                for suggestion in event.suggestions:
                    self.stdout.write(f"  also: {suggestion}")
