"""Who was told that no expert has answered yet hears of the answer, once."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from chat import conversation_changes, conversations, turns
from chat.branches import end_of
from chat.commands import Notify, Regenerate, Subscribe
from chat.database import embedding_workers, in_database, in_embedder, workers
from chat.delta_log.bells import Changed
from chat.delta_log.memory import MemoryDeltaLog
from chat.late_answers import LONGEST_WAIT, LateAnswers
from chat.models import Conversation, Message
from chat.tools import KnowledgeSearch
from chat.turn.events import Outcome
from chat.turn.expert_search import SearchUnavailableError
from chat.wire_format import Accepted
from knowledge import publishing, wiring
from knowledge.embedders.base import Embedder
from knowledge.models import Answer
from tests.chat_client import ChatClient, Visitor, new_id
from tests.databases import database_url
from tests.experts import SearchOf
from tests.integration.curating import HAIRCUT, SLEEP, silent_embedder, stored
from tests.integration.turn_rows import ALICE, DONE, answered, asked, claimed, send
from tests.serving import ChatServer

OFF_TOPIC = "How do I change the oil of a motorcycle?"


@pytest.fixture
async def log(transactional_db: None, settings: Settings) -> AsyncIterator[MemoryDeltaLog]:
    """Worker threads of one connection each, closed in the end: the database is dropped then."""
    settings.DATABASE_THREADS = settings.EMBEDDING_THREADS = 1
    workers.cache_clear()
    embedding_workers.cache_clear()
    yield MemoryDeltaLog()
    await in_database(connections.close_all)
    await in_embedder(connections.close_all)
    for pool in (workers, embedding_workers):
        pool().shutdown()
        pool.cache_clear()


@pytest.fixture
def late(log: MemoryDeltaLog) -> LateAnswers:
    return late_answers(log)


def late_answers(log: MemoryDeltaLog) -> LateAnswers:
    return LateAnswers(log, KnowledgeSearch(embedder_in_use, lambda: None))


def embedder_in_use() -> Embedder:
    """Looked up with each search, for a test silences it."""
    return wiring.embedder()


def unanswered(text: str = SLEEP) -> Accepted:
    accepted = asked(text)
    turns.end(claimed(accepted.turn), Outcome(finish="no_answer"), "Not yet.", last_event=3)
    return accepted


def publish() -> Answer:
    return stored(SLEEP, text="Keep to one routine.", expert_name="Dr. Young")


def publish_haircut() -> Answer:
    """The draft of before."""
    publishing.publish(Answer.objects.filter(questions__text=HAIRCUT), wiring.embedder())
    return Answer.objects.get(questions__text=HAIRCUT)


def replies(accepted: Accepted) -> list[Message]:
    """Those beside each other below the question, the oldest first."""
    return list(Message.objects.filter(parent=accepted.id).order_by("created_at"))


async def test_published_answer_is_quoted_beside_the_reply(
    log: MemoryDeltaLog, late: LateAnswers
) -> None:
    accepted = await in_database(unanswered)
    before = await in_database(Conversation.objects.get, pk=accepted.conversation)
    bells: list[Changed] = []
    log.listen(accepted.conversation, bells.append)
    answer = await in_database(publish)

    assert [await late.tell_some(), await late.tell_some()] == [1, 0]

    after = await in_database(Conversation.objects.get, pk=accepted.conversation)
    seen = Subscribe(conversation=accepted.conversation, rev=before.rev, turn=None)
    news = await in_database(conversations.view, ALICE, seen)
    waiting, told = news.messages
    assert (waiting.id, waiting.notice_wanted) == (accepted.message, False)
    assert (told.parent, told.status, told.finish) == (accepted.id, "done", "stop")
    assert (told.grounding, told.notice_wanted) == ("answer", False)
    assert "Keep to one routine." in told.text
    assert "Dr. Young" in told.text
    (source,) = (await in_database(replies, accepted))[1].sources
    assert (source["answer"], source["expert"]) == (str(answer.uid), "Dr. Young")
    assert bells == [Changed(conversation=accepted.conversation, rev=before.rev + 1)]
    assert after.updated_at > before.updated_at


async def test_two_processes_at_once_tell_once(log: MemoryDeltaLog, late: LateAnswers) -> None:
    accepted = await in_database(unanswered)
    await in_database(publish)
    other = late_answers(log)

    told = await asyncio.gather(late.tell_some(), other.tell_some())

    assert sum(told) == 1
    assert len(await in_database(replies, accepted)) == 2


def switch_off(accepted: Accepted) -> None:
    conversations.take_note(ALICE, Notify(id=accepted.id, message=accepted.message, wanted=False))


def delete(accepted: Accepted) -> None:
    conversation_changes.delete(ALICE, accepted.conversation)


def ask_again_and_be_answered(accepted: Accepted) -> None:
    again = conversations.accept_regenerate(
        ALICE, Regenerate(id=accepted.turn, message=accepted.message)
    )
    turns.end(claimed(again.turn), DONE, "Because.", last_event=3)


def wait_too_long(accepted: Accepted) -> None:
    long_ago = timezone.now() - LONGEST_WAIT
    Message.objects.filter(pk=accepted.message).update(created_at=long_ago)


@pytest.mark.parametrize("act", [switch_off, delete, ask_again_and_be_answered, wait_too_long])
async def test_who_does_not_wait_is_not_told(
    late: LateAnswers, act: Callable[[Accepted], None]
) -> None:
    waiting = await in_database(unanswered)
    accepted = await in_database(unanswered)
    await in_database(act, accepted)
    before = len(await in_database(replies, accepted))
    await in_database(publish)

    assert await late.tell_some() == 1

    assert len(await in_database(replies, waiting)) == 2
    assert len(await in_database(replies, accepted)) == before


async def test_conversation_in_which_a_turn_runs_is_told_after_it(late: LateAnswers) -> None:
    accepted = await in_database(unanswered)
    running = await in_database(asked, "And what else?", after=accepted)
    await in_database(publish)

    meanwhile = await late.tell_some()
    claim = await in_database(claimed, running.turn)
    await in_database(turns.end, claim, DONE, "This.", last_event=3)

    assert (meanwhile, await late.tell_some()) == (0, 1)


async def test_conversation_goes_on_from_what_was_said_since(late: LateAnswers) -> None:
    accepted = await in_database(unanswered)
    since = await in_database(answered, "Something else", "So.", after=accepted)
    await in_database(publish)

    told = await late.tell_some()

    conversation = await in_database(Conversation.objects.get, pk=accepted.conversation)
    left = await in_database(end_of, conversation, None)
    next_send = replace(send("And then?", conversation=conversation.pk), continues=True)
    going_on = await in_database(conversations.accept_send, ALICE, next_send)
    question = await in_database(Message.objects.get, pk=going_on.id)
    assert told == 1
    assert left is not None
    assert (left.pk, question.parent_id) == (since.message, since.message)


async def test_answer_to_something_else_is_told_to_nobody(late: LateAnswers) -> None:
    accepted = await in_database(unanswered, OFF_TOPIC)
    await in_database(publish)

    assert await late.tell_some() == 0

    assert [each.notice_wanted for each in await in_database(replies, accepted)] == [True]


async def test_answer_that_was_there_before_is_told_to_nobody(late: LateAnswers) -> None:
    answer = await in_database(publish)
    long_ago = timezone.now() - timedelta(hours=1)
    await in_database(Answer.objects.filter(pk=answer.pk).update, updated_at=long_ago)
    accepted = await in_database(unanswered)
    await in_database(stored, HAIRCUT)

    assert await late.tell_some() == 0

    assert len(await in_database(replies, accepted)) == 1


async def test_answered_question_is_told_nothing_more(late: LateAnswers) -> None:
    accepted = await in_database(answered, SLEEP, "Because.")
    await in_database(publish)

    assert await late.tell_some() == 0

    assert len(await in_database(replies, accepted)) == 1


async def test_question_is_searched_again_only_after_something_was_published(
    log: MemoryDeltaLog,
) -> None:
    search = SearchOf({})
    late = LateAnswers(log, search)
    await in_database(unanswered, OFF_TOPIC)
    searches = []

    for change in (lambda: None, publish, lambda: stored(HAIRCUT, publish=False), publish_haircut):
        await in_database(change)
        await late.tell_some()
        await late.tell_some()
        searches.append(len(search.questions))

    assert searches == [0, 1, 1, 2]


async def test_while_the_embedder_is_silent_nobody_is_forgotten(late: LateAnswers) -> None:
    await in_database(unanswered)
    await in_database(publish)

    with silent_embedder(), pytest.raises(SearchUnavailableError):
        await late.tell_some()

    assert await late.tell_some() == 1


async def test_server_tells_by_itself(database: str, tmp_path: Path) -> None:
    answers = tmp_path / "answers.jsonl"
    row = {"id": "oil", "question": OFF_TOPIC, "answer": "Ask a mechanic.", "expert": "Dr. Young"}
    answers.write_text(json.dumps(row))
    with ChatServer(settings={"DATABASE_URL": database_url(database)}) as server:
        alice = await Visitor.arrive(server)
        async with ChatClient(alice) as client:
            talk = new_id()
            ended = await client.ask(OFF_TOPIC, conversation=talk)
        server.stop()  # or it might tell before it is restarted
        assert server.manage("ingest", str(answers), "--publish", "--quiet").returncode == 0

        server.start()
        server.wait_for_log("late answers told: 1")

        async with ChatClient(alice) as client:
            await client.subscribe(talk)
            sync = await client.frame("sync", conversation=talk)
    question, waiting, told = sync["messages"]
    assert (ended["finish"], waiting["finish"], told["finish"]) == ("no_answer",) * 2 + ("stop",)
    assert told["parent"] == question["id"]
    assert "Ask a mechanic." in told["text"]
