"""What one schedule has made: tabs of two visitors, what they asked, and what must come of it."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

import psycopg

from tests.chat_client import Visitor, new_id
from tests.chat_reply import Frame
from tests.faults.cluster import Door
from tests.faults.schedule_provider import Faucet, FaucetServer, question_of
from tests.faults.schedule_proxy import Guillotine
from tests.faults.schedule_tab import ScheduledTab, Wire
from tests.openai_server import Received
from tests.serving import ChatServer

Connection = psycopg.Connection[tuple[Any, ...]]
Name = Literal["alice", "bob"]
NAMES: tuple[Name, ...] = ("alice", "bob")
Outlook = Literal["idle", "running", "unclear"]
ANSWERS: Mapping[Outlook, frozenset[str]] = {
    "idle": frozenset({"accepted"}),
    "running": frozenset({"busy"}),
    "unclear": frozenset({"accepted", "busy"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Lasts for many schedules, each of which has conversations of its own."""

    servers: Sequence[ChatServer]
    provider: FaucetServer
    visitors: Mapping[Name, Visitor]
    connection: Connection

    def status_of(self, turn: str) -> str:
        """As it is stored."""
        found = self.connection.execute("SELECT status FROM chat_turn WHERE id = %s", [turn])
        return str(found.fetchall()[0][0])


@dataclass(slots=True, kw_only=True, eq=False)
class Ask:
    """A `send` or `regenerate`. `must_stop`: it was stopped, and the provider had more to say."""

    name: str
    owner: Name
    command: Frame
    conversation: str
    question: str
    faucet: Faucet
    stops: int = 0
    must_stop: bool = False

    @property
    def id(self) -> str:
        return str(self.command["id"])


@dataclass(slots=True)
class World:
    """`told` is the schedule in words, for whoever has to find out what went wrong."""

    stage: Stage
    tabs: list[ScheduledTab] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)
    stack: ExitStack = field(default_factory=ExitStack)
    calls_before: int = 0
    """Of the provider, when the schedule began."""
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    # --- Tabs

    async def open(self, owner: Name, process: int) -> ScheduledTab:
        name = f"{owner}'s tab {next(self._numbers)}"
        tab = ScheduledTab(name, owner, self.stage.visitors[owner])
        self.tabs.append(tab)
        await self.come(tab, process)
        return tab

    async def come(self, tab: ScheduledTab, process: int) -> None:
        await self._go(tab, cleanly=False)
        tab.away = False
        if not await tab.come(self.stage.servers[process]):
            self.wrongs.append(f"{tab.name} could not connect to process {process}")
        self.tell(f"{tab.name} comes to process {process}")

    async def come_until_cut(self, tab: ScheduledTab, process: int, after_bytes: int) -> None:
        await self._go(tab, cleanly=False)
        server = self.stage.servers[process]
        proxy = self.stack.enter_context(Guillotine(server.port, after_bytes))
        tab.cut_off, tab.away = True, False
        await tab.come(Door(server=server, proxy=proxy))
        self.tell(f"{tab.name} comes to process {process}, to be cut after {after_bytes} bytes")

    async def go(self, tab: ScheduledTab, *, cleanly: bool) -> None:
        await self._go(tab, cleanly=cleanly)
        self.tell(f"{tab.name} goes {'and says so' if cleanly else 'without a word'}")

    async def _go(self, tab: ScheduledTab, *, cleanly: bool) -> None:
        if tab.wires and not tab.connected and not (tab.cut_off or tab.away):
            self.wrongs.append(f"{tab.name} was sent away")
        await tab.go(cleanly=cleanly)
        tab.cut_off = False
        tab.away = True

    # --- Asking

    async def ask(self, tab: ScheduledTab, after: Ask | None, *, patient: bool) -> Ask:
        """In a new conversation, or as the next message of the one of `after`."""
        fields: Frame = {"parent": None} if after is None else {}
        accepted = after and self.accepted(after)
        if accepted and after and after.owner == tab.owner:
            fields = {"parent": accepted["message"]}
        conversation = after.conversation if after and after.owner == tab.owner else new_id()
        return await self._send(tab, conversation, fields, patient=patient)

    async def edit(self, tab: ScheduledTab, ask: Ask, *, patient: bool) -> Ask | None:
        """A sibling of an earlier message."""
        if ask.owner != tab.owner or "parent" not in ask.command:
            return None
        fields = {"parent": ask.command["parent"]}
        return await self._send(tab, ask.conversation, fields, patient=patient)

    async def _send(
        self, tab: ScheduledTab, conversation: str, fields: Frame, *, patient: bool
    ) -> Ask:
        name = f"Q{next(self._numbers)}"
        question = f"{tab.owner} asks {name} {new_id()[:8]}"
        command = {"type": "send", "id": new_id(), "conversation": conversation, "text": question}
        ask = self._note(tab, name, command | fields, conversation, question)
        await self._say(tab, ask, patient=patient)
        return ask

    async def regenerate(self, tab: ScheduledTab, ask: Ask, *, patient: bool) -> Ask | None:
        accepted = self.accepted(ask)
        if accepted is None or ask.owner != tab.owner:
            return None
        name = f"R{next(self._numbers)} of {ask.name}"
        command = {"type": "regenerate", "id": new_id(), "message": accepted["message"]}
        again = self._note(tab, name, command, ask.conversation, ask.question)
        await self._say(tab, again, patient=patient)
        return again

    async def repeat(self, tab: ScheduledTab, ask: Ask, *, patient: bool) -> None:
        """The very same once more, on whichever tab."""
        if ask.owner == tab.owner:
            await self._say(tab, ask, patient=patient)

    def _note(
        self, tab: ScheduledTab, name: str, command: Frame, conversation: str, question: str
    ) -> Ask:
        faucet = self.stage.provider.faucet(question)
        owner: Name = "alice" if tab.owner == "alice" else "bob"
        ask = Ask(
            name=name,
            owner=owner,
            command=command,
            conversation=conversation,
            question=question,
            faucet=faucet,
        )
        self.asks.append(ask)
        return ask

    async def _say(self, tab: ScheduledTab, ask: Ask, *, patient: bool) -> None:
        expected = self.expected(ask)
        await tab.put(ask.command)
        answer = await tab.answer(ask.id) if patient and tab.connected else None
        code = code_of(answer)
        if answer and code not in expected:
            self.wrongs.append(f"{ask.name} on {tab.name} is {code}, not {sorted(expected)}")
        self.tell(f"{tab.name} says {ask.name}" + (f": {code}" if answer else ""))

    # --- What is known

    def wires(self) -> list[Wire]:
        return [wire for tab in self.tabs for wire in tab.wires]

    def accepted(self, ask: Ask) -> Frame | None:
        found = (frame for wire in self.wires() for frame in wire.heard(type="accepted", id=ask.id))
        return next(found, None)

    def unanswered(self, ask: Ask) -> bool:
        """Whether it was said without an answer, so that nobody knows what became of it."""
        return any(len(w.said(id=ask.id)) > len(w.answers(ask.id)) for w in self.wires())

    def ended(self, ask: Ask) -> bool:
        accepted = self.accepted(ask)
        turn = accepted and accepted["turn"]
        return any(turn in tab.replies and tab.replies[turn].end for tab in self.tabs if turn)

    def certainly_running(self, ask: Ask) -> bool:
        unhindered = not ask.stops and not ask.faucet.finished
        return unhindered and self.accepted(ask) is not None and not self.ended(ask)

    def outlook(self, conversation: str) -> Outlook:
        """Whether a turn runs there now, and goes on doing so."""
        asks = [ask for ask in self.asks if ask.conversation == conversation]
        if any(self.unanswered(ask) and not self.accepted(ask) for ask in asks):
            return "unclear"
        taken = [ask for ask in asks if self.accepted(ask)]
        if any(self.certainly_running(ask) for ask in taken):
            return "running"
        return "idle" if all(self.ended(ask) for ask in taken) else "unclear"

    def expected(self, ask: Ask) -> frozenset[str]:
        """What may be answered when it is said now."""
        if self.accepted(ask):
            return frozenset({"duplicate"})
        answers = ANSWERS[self.outlook(ask.conversation)]
        return answers | {"duplicate"} if self.unanswered(ask) else answers

    def calls(self) -> list[Received]:
        """The provider's, of this schedule."""
        questions = {ask.question for ask in self.asks}
        calls = self.stage.provider.requests[self.calls_before :]
        return [call for call in calls if question_of(call.body) in questions]

    def tell(self, line: str) -> None:
        self.told.append(line)


def code_of(answer: Frame | None) -> str:
    """`accepted`, `duplicate`, or the error's code."""
    if answer is None:
        return "unanswered"
    if answer["type"] == "error":
        return str(answer["code"])
    return "duplicate" if answer["duplicate"] else "accepted"
