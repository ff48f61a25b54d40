"""Expert-only mode: quotes, offers or declines."""

import json
from pathlib import Path

import pytest

from chat.turn.prompt import CHINESE, ENGLISH
from tests.chat_client import ChatClient, Visitor
from tests.conftest import ANSWERS
from tests.serving import ChatServer


@pytest.fixture
async def carol(expert_server: ChatServer) -> Visitor:
    return await Visitor.arrive(expert_server)


async def test_clear_question_is_answered_in_the_experts_words(carol: Visitor) -> None:
    async with ChatClient(carol) as client:
        ended = await client.ask("My child does not speak yet. What can I do?")
        text = client.text_of(ended["turn"])

    (source,) = ended["sources"]
    assert source["text"] in text
    assert source["text"].startswith("Name what he looks at")
    assert "Dr. Alice Young" in text
    assert (ended["grounding"], ended["status"], ended["usage"]) == ("answer", "done", None)


async def test_verbatim_answer_is_marked_as_such(carol: Visitor) -> None:
    async with ChatClient(carol) as client:
        ended = await client.ask("孩子吞了纽扣电池怎么办？")

    assert ended["grounding"] == "verbatim"
    assert "立刻拨打120" in client.text_of(ended["turn"])


async def test_question_between_answers_brings_suggestions(carol: Visitor) -> None:
    async with ChatClient(carol) as client:
        ended = await client.ask("孩子挑食怎么办？")

    assert client.text_of(ended["turn"]) == CHINESE.several
    assert {"孩子只吃白米饭怎么办？", "孩子不吃蔬菜怎么办？"} <= set(ended["suggestions"])
    assert (ended["sources"], ended["grounding"]) == ([], "none")


async def test_suggestion_that_is_asked_is_answered(carol: Visitor) -> None:
    async with ChatClient(carol) as client:
        near = await client.ask("孩子挑食怎么办？")
        asked = near["suggestions"][0]

        ended = await client.ask(asked, conversation=client.conversation_of(near["turn"]))

    assert ended["sources"][0]["title"] == asked


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        ("How do I change the oil of a motorcycle?", ENGLISH.no_answer),
        ("今天的股票行情怎么样？", CHINESE.no_answer),
    ],
)
async def test_question_of_another_world_is_declined(
    carol: Visitor, question: str, reply: str
) -> None:
    async with ChatClient(carol) as client:
        ended = await client.ask(question)

    assert client.text_of(ended["turn"]) == reply
    assert (ended["finish"], ended["sources"]) == ("no_answer", [])


@pytest.mark.parametrize(
    ("words", "reply"), [("你好！", CHINESE.greeting), ("Thank you so much", ENGLISH.thanks)]
)
async def test_small_talk_is_no_question(carol: Visitor, words: str, reply: str) -> None:
    async with ChatClient(carol) as client:
        ended = await client.ask(words)
        kinds = client.reply(ended["turn"]).kinds

    assert client.text_of(ended["turn"]) == reply
    assert "searching" not in kinds


async def test_edited_answer_counts_from_the_very_next_question(
    carol: Visitor, tmp_path: Path
) -> None:
    question = "How do we begin toilet training?"
    rows = [json.loads(line) for line in ANSWERS.read_text().splitlines()]
    (toilet,) = [row for row in rows if row["questions"] == [question]]
    edited = tmp_path / ANSWERS.name
    edited.write_text(json.dumps(toilet | {"answer": "Begin in summer."}))
    async with ChatClient(carol) as client:
        before = await client.ask(question)

        ingested = carol.server.manage("ingest", str(edited), "--publish", "--quiet")
        after = await client.ask(question)

    assert ingested.returncode == 0, ingested.stderr
    assert before["sources"][0]["text"].startswith("Sit him down")
    assert after["sources"][0]["text"] == "Begin in summer."
    assert after["sources"][0]["version"] == before["sources"][0]["version"] + 1
    assert "Begin in summer." in client.text_of(after["turn"])
