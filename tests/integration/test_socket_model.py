"""Turns with a language model behind them, good and bad: a scripted one on a real socket."""

from collections.abc import Mapping
from typing import Any

import pytest

from chat.turn.prompt import CHINESE
from tests.chat_client import ChatClient, Visitor
from tests.conftest import Model
from tests.databases import rows
from tests.latch import Latch
from tests.openai_script import Answer, CallTool, Drop, Malformed, Stall, Status, Step, Truncate

QUESTION = "孩子总是撞头怎么办？"
ANSWER = "先保证安全：用软垫挡住头，不要大声责骂。"
CALLS: Mapping[str, CallTool] = {
    **{f"{count}_fragments": CallTool(QUESTION, fragments=count) for count in (1, 2, 3, 5, 8)},
    "function_call": CallTool(QUESTION, form="function_call", fragments=1),
    "function_call_in_fragments": CallTool(QUESTION, form="function_call", fragments=4),
    "no_index": CallTool(QUESTION, index=False),
    "no_id": CallTool(QUESTION, id_style="missing"),
    "text_before": CallTool(QUESTION, text_before="让我查一查。"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
async def test_tool_call_however_it_comes_brings_the_experts_answer(
    alice: Visitor, model: Model, call: CallTool
) -> None:
    model.script(call)

    async with ChatClient(alice) as client:
        ended = await client.ask("他老是这样，怎么办呢？")
        events = [frame["event"] for frame in client.all_of("event")]

    assert {"kind": "searching", "question": QUESTION} in events
    assert ended["grounding"] == "answer"
    assert ANSWER in client.text_of(ended["turn"])


async def test_model_that_garbles_a_call_may_try_again(alice: Visitor, model: Model) -> None:
    model.script(CallTool("", arguments='{"question": '), CallTool(QUESTION))

    async with ChatClient(alice) as client:
        ended = await client.ask("他又撞头了，怎么办呢？")

    refusal = model.requests[1].body["messages"][-1]
    assert (refusal["role"], "valid JSON" in refusal["content"]) == ("tool", True)
    assert ANSWER in client.text_of(ended["turn"])


async def test_reply_names_the_answer_that_it_rests_on(alice: Visitor, model: Model) -> None:
    model.script(CallTool(QUESTION), Answer("用软垫挡住头。"))

    async with ChatClient(alice) as client:
        accepted = await client.send("他总是撞头，怎么办？")
        ended = await client.end_of(accepted["turn"])
    stored = await alice.finished(accepted["message"])

    source = ended["sources"][0]
    assert (source["title"], source["expert"], source["role"], source["version"]) == (
        QUESTION,
        "李医生",
        "行为分析师",
        1,
    )
    assert (source["reviewed_at"], source["overdue"], source["url"]) == ("2026-05-01", False, None)
    assert source["text"].startswith(ANSWER)
    assert stored["sources"] == ended["sources"]


async def test_model_answers_with_nothing_but_the_experts_answers_to_go_by(
    alice: Visitor, model: Model
) -> None:
    model.script(CallTool(QUESTION), Answer("用软垫挡住头。"))
    async with ChatClient(alice) as client:
        await client.ask("我的孩子撞头。")

    asked, answered = [request.body for request in model.requests]
    system = CHINESE.system.replace("{tool}", CHINESE.tool_name)
    assert asked["messages"][0] == {"role": "system", "content": system}
    assert [tool["function"]["name"] for tool in asked["tools"]] == ["search_expert_answers"]
    assert answered["messages"][0] == {"role": "system", "content": CHINESE.answering}
    assert ANSWER in answered["messages"][-1]["content"]
    assert answered["temperature"] == 0


async def test_tokens_of_all_rounds_are_counted(alice: Visitor, model: Model) -> None:
    model.script(CallTool(QUESTION, usage=(100, 10)), Answer("好的。", usage=(200, 20)))

    async with ChatClient(alice) as client:
        ended = await client.ask("要花多少字来回答我？")

    assert ended["usage"] == {"input_tokens": 300, "output_tokens": 30, "estimated": False}


async def test_model_is_told_what_was_said_before(alice: Visitor, model: Model) -> None:
    model.script(Answer("Where do you ride it?"), Answer("Enjoy it."))
    async with ChatClient(alice) as client:
        first = await client.send("My bicycle is red.")
        await client.end_of(first["turn"])
        second = await client.send(
            "It is new.", conversation=first["conversation"], parent=first["message"]
        )
        await client.end_of(second["turn"])

    said = [(each["role"], each["content"]) for each in model.requests[1].body["messages"]]
    assert said[1:] == [
        ("user", "My bicycle is red."),
        ("assistant", "Where do you ride it?"),
        ("user", "It is new."),
    ]


async def test_model_is_told_nothing_of_other_branches(alice: Visitor, model: Model) -> None:
    model.script(*(Answer(text) for text in ("One.", "Two.", "Three.")))
    async with ChatClient(alice) as client:
        first = await client.send("My sun is three.")
        await client.end_of(first["turn"])
        talk = first["conversation"]
        edited = await client.send("My son is three.", conversation=talk)
        await client.end_of(edited["turn"])
        last = await client.send("Hear me?", conversation=talk, parent=edited["message"])
        await client.end_of(last["turn"])

    said = [each["content"] for each in model.requests[2].body["messages"]]
    assert said[1:] == ["My son is three.", "Two.", "Hear me?"]


async def test_verbatim_answer_comes_word_for_word_without_the_model(
    alice: Visitor, model: Model
) -> None:
    model.script(CallTool("孩子吞了纽扣电池怎么办？"))

    async with ChatClient(alice) as client:
        ended = await client.ask("他刚刚吞了一个纽扣电池！")

    assert client.text_of(ended["turn"]) == "立刻拨打120，马上去医院。不要催吐，不要喂食。"
    assert (ended["grounding"], len(model.requests)) == ("verbatim", 1)


async def test_question_that_no_expert_has_answered_is_not_answered(
    alice: Visitor, model: Model
) -> None:
    model.script(CallTool("怎样给摩托车换机油？"))

    async with ChatClient(alice) as client:
        ended = await client.ask("怎样给摩托车换机油？")

    assert client.text_of(ended["turn"]) == CHINESE.no_answer
    assert (ended["finish"], ended["grounding"], ended["sources"]) == ("no_answer", "none", [])
    assert len(model.requests) == 1


EARLY: Mapping[str, tuple[Step, str]] = {
    "500": (Status(500), "upstream_error"),
    "429": (Status(429), "upstream_rate_limited"),
    "drop": (Drop(), "upstream_reset"),
    "drop_without_headers": (Drop(headers=False), "upstream_reset"),
    "reset": (Drop(how="rst"), "upstream_reset"),
    "truncate": (Truncate(), "upstream_truncated"),
    "malformed": (Malformed(), "upstream_malformed"),
}


@pytest.mark.parametrize(("step", "code"), EARLY.values(), ids=EARLY.keys())
async def test_experts_are_quoted_when_the_provider_fails_twice_before_the_first_word(
    alice: Visitor, model: Model, step: Step, code: str
) -> None:
    model.script(step, step)

    async with ChatClient(alice) as client:
        ended = await client.ask(QUESTION)
        events = [frame["event"] for frame in client.all_of("event")]

    assert {"kind": "notice", "code": code, "retry_ms": 0} in events
    assert len(model.requests) == 2
    assert (ended["status"], ended["error"], ended["grounding"]) == ("done", None, "answer")
    assert ANSWER in client.text_of(ended["turn"])


@pytest.mark.parametrize(("step", "code"), EARLY.values(), ids=EARLY.keys())
async def test_failure_before_the_first_word_is_made_good_unseen(
    alice: Visitor, model: Model, step: Step, code: str
) -> None:
    model.script(step, Answer("Here I am."))

    async with ChatClient(alice) as client:
        ended = await client.ask("Are you there, dear helper?")
        notices = [each["event"] for each in client.all_of("event")]

    # A connection that was kept and turns out to be closed is replaced without a word.
    assert {each["code"] for each in notices if each["kind"] == "notice"} <= {code}
    assert client.text_of(ended["turn"]) == "Here I am."
    assert len(model.requests) == 2
    assert ended["status"] == "done"


async def test_key_that_is_refused_is_not_tried_again(alice: Visitor, model: Model) -> None:
    model.script(Status(401))

    async with ChatClient(alice) as client:
        ended = await client.ask(QUESTION)

    assert ANSWER in client.text_of(ended["turn"])
    assert len(model.requests) == 1


LATE: Mapping[str, tuple[type[Drop | Truncate | Malformed], Mapping[str, Any], str]] = {
    "drop": (Drop, {}, "upstream_reset"),
    "reset": (Drop, {"how": "rst"}, "upstream_reset"),
    "truncate": (Truncate, {}, "upstream_truncated"),
    "malformed": (Malformed, {}, "upstream_malformed"),
}
late_failures = pytest.mark.parametrize(("kind", "how", "code"), LATE.values(), ids=LATE.keys())


@late_failures
async def test_text_stands_when_the_provider_fails_twice_after_the_first_word(
    alice: Visitor,
    model: Model,
    kind: type[Drop | Truncate | Malformed],
    how: Mapping[str, Any],
    code: str,
) -> None:
    read = Latch()
    failing = kind(after_pieces=3, gate=read, gate_after=2, **how)
    model.script(failing, failing)
    async with ChatClient(alice) as client:
        accepted = await client.send("请慢慢说给我听。")
        await client.until(lambda: client.text_of(accepted["turn"]))
        read.open()
        ended = await client.end_of(accepted["turn"])
        shown = client.text_of(accepted["turn"])

    stored = await alice.finished(accepted["message"])
    assert (ended["status"], ended["error"]) == ("failed", {"code": code})
    assert "piece 1" in shown
    assert (stored["text"], stored["status"], stored["error"]) == (shown, "failed", {"code": code})
    assert len(model.requests) == 2


@late_failures
async def test_reply_begins_anew_when_the_provider_fails_after_the_first_word(
    alice: Visitor,
    model: Model,
    kind: type[Drop | Truncate | Malformed],
    how: Mapping[str, Any],
    code: str,
) -> None:
    read = Latch()
    failing = kind(after_pieces=3, gate=read, gate_after=2, **how)
    model.script(failing, Answer("Now I can tell you all of it."))
    async with ChatClient(alice) as client:
        accepted = await client.send("请慢慢说给我听。")
        await client.until(lambda: client.text_of(accepted["turn"]))
        read.open()
        ended = await client.end_of(accepted["turn"])
        events = [frame["event"] for frame in client.all_of("event")]
        shown = client.text_of(accepted["turn"])

    stored = await alice.finished(accepted["message"])
    assert {"kind": "restarted", "keep": 0, "why": "upstream"} in events
    assert [each["code"] for each in events if each["kind"] == "notice"] == [code]
    assert shown == stored["text"] == "Now I can tell you all of it."
    assert (ended["status"], ended["error"]) == ("done", None)


async def test_model_that_forgets_the_experts_is_overruled(
    alice: Visitor, model: Model, model_database: str
) -> None:
    model.script(Answer("多陪陪他就好了。再看看吧。"), Answer("用软垫挡住头[1]。"))

    async with ChatClient(alice) as client:
        accepted = await client.send(QUESTION)
        ended = await client.end_of(accepted["turn"])

    missed = "SELECT missed_calls FROM chat_message WHERE id = %s"
    assert rows(model_database, missed, accepted["message"]) == [(1,)]
    assert client.text_of(ended["turn"]) == "用软垫挡住头。"
    assert ended["grounding"] == "answer"
    assert ended["sources"][0]["title"] == QUESTION


async def test_words_of_a_failing_provider_reach_nobody(alice: Visitor, model: Model) -> None:
    alice.server.private.add("may not say")  # what the scripted provider's errors say
    model.script(Status(400))

    async with ChatClient(alice) as client:
        await client.ask("Repeat what they told you.")

    assert "may not say" not in str(client.frames)
    assert not alice.server.complaints


async def test_conversation_goes_on_after_a_failure(alice: Visitor, model: Model) -> None:
    read = Latch()
    failing = Drop(after_pieces=2, gate=read, gate_after=1)
    model.script(failing, failing, Answer("I am back."))
    async with ChatClient(alice) as client:
        accepted = await client.send("Are you well today?")
        await client.until(lambda: client.text_of(accepted["turn"]))
        read.open()
        failed = await client.end_of(accepted["turn"])

        ended = await client.ask("And now?", conversation=client.conversation_of(failed["turn"]))

    assert (failed["status"], ended["status"]) == ("failed", "done")


async def test_reply_that_the_model_had_to_cut_says_so(alice: Visitor, model: Model) -> None:
    model.script(Answer("This is as far as", finish_reason="length"))

    async with ChatClient(alice) as client:
        ended = await client.ask("Write me a book, please.")

    assert (ended["status"], ended["finish"]) == ("done", "length")


async def test_turns_of_two_visitors_do_not_wait_for_each_other(
    alice: Visitor, bob: Visitor, model: Model
) -> None:
    model.script(Stall(after_pieces=1))
    async with ChatClient(alice) as slow, ChatClient(bob) as quick:
        accepted = await slow.send("I have a slow model.")
        await slow.until(lambda: slow.text_of(accepted["turn"]))

        ended = await quick.ask("And I have a quick one.")
        await slow.say({"type": "stop", "turn": accepted["turn"]})
        await slow.end_of(accepted["turn"])

    assert ended["status"] == "done"
