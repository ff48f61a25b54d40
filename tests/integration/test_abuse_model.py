"""A language model that misbehaves: what it calls, how often, and what it claims to cite."""

import json
from collections.abc import Mapping
from itertools import repeat

import pytest

from chat.turn.prompt import CHINESE, TOOL_NAME
from chat.turn.toolbox import QUESTION_CHARACTERS
from tests.chat_client import ChatClient, Visitor
from tests.chat_reply import Frame
from tests.conftest import Model
from tests.databases import rows
from tests.openai_replies import JsonObject
from tests.openai_script import Answer, Body, CallTool, Step

QUESTION = "孩子总是撞头怎么办？"
ANSWER = "先保证安全：用软垫挡住头，不要大声责骂。"
OTHER_WORLD = "怎样给摩托车换机油？"
SQL = "孩子总是撞头'; DELETE FROM knowledge_answer; --"
ARGUMENTS: Mapping[str, JsonObject] = {
    "many": {"question": QUESTION, "k": 10**9},
    "fewer than none": {"question": QUESTION, "top_k": -1},
    "tenant": {"question": QUESTION, "tenant": "another"},
    "drafts": {"question": QUESTION, "status": "draft"},
    "another name": {"query": QUESTION},
    "list": {"question": [QUESTION]},
    "object": {"question": {"$ne": None}},
}


def searched_in(client: ChatClient) -> list[str]:
    events = [frame["event"] for frame in client.all_of("event")]
    return [event["question"] for event in events if event["kind"] == "searching"]


def background_of(body: JsonObject) -> list[JsonObject]:
    """The answers that the model was given with the last call's result."""
    return list(json.loads(body["messages"][-1]["content"])["answers"])


async def told(visitor: Visitor, words: str) -> tuple[ChatClient, Frame, str]:
    async with ChatClient(visitor) as client:
        ended = await client.ask(words)
    return client, ended, client.text_of(ended["turn"])


@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=ARGUMENTS.keys())
async def test_t72_arguments_that_were_not_offered_go_back_to_the_model(
    alice: Visitor, model: Model, arguments: JsonObject
) -> None:
    model.script(CallTool("", arguments=json.dumps(arguments)), CallTool(QUESTION))

    client, ended, text = await told(alice, "他总撞头，有什么法子？")

    result = model.requests[1].body["messages"][-1]
    assert list(json.loads(result["content"])) == ["error"]
    assert searched_in(client) == [QUESTION]
    assert ANSWER in text
    assert ended["status"] == "done"


async def test_t72_sql_is_words(alice: Visitor, model: Model, model_database: str) -> None:
    count = "SELECT count(*) FROM knowledge_answer"
    before = rows(model_database, count)
    model.script(CallTool(SQL))

    client, _, text = await told(alice, "他总撞头，有什么法子？")

    assert searched_in(client) == [SQL]
    assert rows(model_database, count) == before
    assert ANSWER in text


async def test_t72_long_question_is_cut(alice: Visitor, model: Model) -> None:
    model.script(CallTool(QUESTION * 10_000))

    client, ended, _ = await told(alice, "他总撞头，有什么法子？")

    assert [len(question) for question in searched_in(client)] == [QUESTION_CHARACTERS]
    assert 1 <= len(background_of(model.requests[1].body)) <= 8
    assert ended["status"] == "done"


@pytest.mark.parametrize(
    "call",
    [
        CallTool(QUESTION, name=TOOL_NAME),
        CallTool(QUESTION, name="delete_answers"),
        CallTool("", name=TOOL_NAME, arguments="{"),
    ],
    ids=["search", "unknown tool", "bad arguments"],
)
async def test_t77_model_that_calls_for_ever_is_stopped_after_four_rounds(
    alice: Visitor, model: Model, call: Step
) -> None:
    model.script(*repeat(call, 10))

    client, ended, text = await told(alice, QUESTION)

    notices = [frame["event"] for frame in client.all_of("event")]
    assert ["tools" in each.body for each in model.requests] == [True, True, True, False]
    assert [each["code"] for each in notices if each["kind"] == "notice"] == ["limit"]
    assert text.startswith(CHINESE.quoted.replace("{title}", QUESTION))
    assert ANSWER in text
    assert (ended["status"], ended["sources"][0]["title"]) == ("done", QUESTION)


async def test_t77_only_eight_of_many_calls_are_run(alice: Visitor, model: Model) -> None:
    model.script(crowd_of_calls(30))

    client, ended, _ = await told(alice, "他总撞头，有什么法子？")

    results = [
        json.loads(message["content"])
        for message in model.requests[1].body["messages"]
        if message["role"] == "tool"
    ]
    assert len(searched_in(client)) == 8
    assert ["error" in result for result in results] == [False] * 8 + [True] * 22
    assert ended["status"] == "done"


def crowd_of_calls(count: int) -> Body:
    calls = [
        {
            "index": number,
            "id": f"call_{number}",
            "function": {
                "name": TOOL_NAME,
                "arguments": json.dumps({"question": f"{number}岁的孩子撞头"}),
            },
        }
        for number in range(count)
    ]
    choice = {"index": 0, "delta": {"tool_calls": calls}, "finish_reason": "tool_calls"}
    return Body(b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\ndata: [DONE]\n\n")


@pytest.mark.parametrize(
    "marks", ["[1][99]", "【1】【99】", "[99]"], ids=["beside a good one", "Chinese", "alone"]
)
async def test_t78_citation_of_what_was_not_found_is_dropped(
    alice: Visitor, model: Model, marks: str
) -> None:
    model.script(CallTool(QUESTION), Answer(f"用软垫挡住头{marks}。"))

    _, ended, text = await told(alice, "他总撞头，有什么法子？")

    assert text.startswith("用软垫挡住头")
    assert [source["title"] for source in ended["sources"]] == [QUESTION]
    assert ended["grounding"] == "answer"


async def test_t78_citation_of_an_earlier_turn_is_dropped(alice: Visitor, model: Model) -> None:
    model.script(CallTool(QUESTION), Answer("用软垫挡住头[1]。"), Answer("不客气[1]。"))
    async with ChatClient(alice) as client:
        first = await client.ask("他总撞头，有什么法子？")

        second = await client.ask("谢谢！", conversation=client.conversation_of(first["turn"]))

    assert (len(first["sources"]), second["sources"]) == (1, [])
    assert second["grounding"] == "none"


async def test_t78_nothing_found_is_told_in_the_approved_words(
    alice: Visitor, model: Model
) -> None:
    model.script(CallTool(OTHER_WORLD), Answer("每五千公里换一次[1]。"))

    _, ended, text = await told(alice, OTHER_WORLD)

    assert text == CHINESE.no_answer
    assert (ended["finish"], ended["grounding"], ended["sources"]) == ("no_answer", "none", [])
    assert len(model.requests) == 1


async def test_t78_model_that_finds_nothing_fitting_says_so_in_the_approved_words(
    alice: Visitor, model: Model
) -> None:
    model.script(CallTool(QUESTION), Answer("[0]"))

    _, ended, text = await told(alice, "他总撞头，有什么法子？")

    assert text == CHINESE.no_answer
    assert (ended["finish"], ended["grounding"], ended["sources"]) == ("no_answer", "none", [])
