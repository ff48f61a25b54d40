"""/v1 as OpenAI's own client sees it: the experts are a model like any other."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionChunk

from chat.turn.prompt import CHINESE
from tests.api_keys import new_key, use_of
from tests.conftest import Model
from tests.latch import Latch
from tests.openai_script import Answer, Drop
from tests.serving import ChatServer

SOON_SECONDS = 2
SHOWN_PIECES = 40
"""More than is held back: what is shown already is not begun anew in a stream."""
QUESTION = "What shall I do when he runs away?"
HEAD = "孩子总是撞头怎么办？"
Messages = list[Any]  # what the client takes is a union of a dozen typed dictionaries


def asked(text: str) -> Messages:
    return [{"role": "user", "content": text}]


@pytest.fixture
def key(model_server: ChatServer, model_database: str) -> str:
    model_server.private.update({QUESTION, HEAD})
    return new_key(model_database, server=model_server)


@pytest.fixture
async def client(model_server: ChatServer, key: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        base_url=f"{model_server.url}/v1", api_key=key, max_retries=0, timeout=20
    ) as client:
        yield client


@pytest.fixture
async def experts(expert_server: ChatServer, expert_database: str) -> AsyncIterator[AsyncOpenAI]:
    """A client of the server that has no model behind it."""
    key = new_key(expert_database, server=expert_server)
    async with AsyncOpenAI(base_url=f"{expert_server.url}/v1", api_key=key) as client:
        yield client


async def streamed(
    client: AsyncOpenAI, messages: Messages, **options: Any
) -> list[ChatCompletionChunk]:
    stream = await client.chat.completions.create(
        model="expertline", messages=messages, stream=True, **options
    )
    return [chunk async for chunk in stream]


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)


def extension_of(value: Any) -> dict[str, Any]:
    """The field of ours on an object of the client."""
    extension: dict[str, Any] = value.model_extra["expertline"]
    return extension


async def test_models_are_the_one(client: AsyncOpenAI) -> None:
    listed = [each async for each in client.models.list()]

    one = await client.models.retrieve("expertline")

    assert [(each.id, each.object, each.owned_by) for each in listed] == [
        ("expertline", "model", "expertline")
    ]
    assert one == listed[0]


async def test_reply_comes_whole_with_its_sources(client: AsyncOpenAI) -> None:
    completion = await client.chat.completions.create(model="expertline", messages=asked(HEAD))

    [choice] = completion.choices
    extension = extension_of(choice.message)
    assert "先保证安全" in (choice.message.content or "")
    assert (choice.finish_reason, choice.message.role) == ("stop", "assistant")
    assert (completion.object, completion.model) == ("chat.completion", "expertline")
    assert (extension["grounding"], extension["finish"]) == ("answer", "stop")
    assert (extension["sources"][0]["title"], extension["sources"][0]["expert"]) == (HEAD, "李医生")


async def test_usage_is_that_of_all_rounds(client: AsyncOpenAI) -> None:
    completion = await client.chat.completions.create(model="expertline", messages=asked(HEAD))

    usage = completion.usage

    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (24, 12, 36)


async def test_stream_has_role_text_end_and_usage_in_this_order(
    client: AsyncOpenAI, model: Model
) -> None:
    model.script(Answer("Hold him. Then wait.", pieces=2))

    first, *deltas, last, usage = await streamed(
        client, asked(QUESTION), stream_options={"include_usage": True}
    )

    assert (first.choices[0].delta.role, first.choices[0].delta.content) == ("assistant", "")
    assert text_of(deltas) == "Hold him. Then wait."
    assert [each.choices[0].finish_reason for each in (first, *deltas, last)][-2:] == [None, "stop"]
    assert extension_of(last)["grounding"] == "none"
    assert (usage.choices, usage.usage and usage.usage.total_tokens) == ([], 18)
    assert {each.id for each in (first, *deltas, last, usage)} == {first.id}


async def test_usage_is_not_sent_to_those_who_do_not_ask(client: AsyncOpenAI) -> None:
    chunks = await streamed(client, asked(HEAD))

    assert [each.usage for each in chunks] == [None] * len(chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert extension_of(chunks[-1])["sources"][0]["title"] == HEAD


async def test_text_is_passed_on_while_the_model_still_writes(
    client: AsyncOpenAI, model: Model
) -> None:
    gate = Latch()
    model.script(Answer("Hold him. Then wait.", pieces=2, gate=gate, gate_after=1))

    stream = await client.chat.completions.create(
        model="expertline", messages=asked(QUESTION), stream=True
    )
    chunks = aiter(stream)
    first = [await anext(chunks), await anext(chunks)]
    held = not gate.is_open()
    gate.open()
    rest = [chunk async for chunk in chunks]

    assert (held, text_of(first), text_of(rest)) == (True, "Hold him.", " Then wait.")


def test_synchronous_client_is_answered_alike(model_server: ChatServer, key: str) -> None:
    with OpenAI(base_url=f"{model_server.url}/v1", api_key=key) as client:
        models = [each.id for each in client.models.list()]
        completion = client.chat.completions.create(model="expertline", messages=asked(HEAD))
        stream = client.chat.completions.create(
            model="expertline", messages=asked(HEAD), stream=True
        )
        text = text_of(list(stream))

    assert models == ["expertline"]
    assert completion.choices[0].message.content == text


async def test_client_that_streams_into_an_object_gets_the_whole_reply(
    client: AsyncOpenAI,
) -> None:
    async with client.chat.completions.stream(model="expertline", messages=asked(HEAD)) as stream:
        completion = await stream.get_final_completion()

    assert "先保证安全" in (completion.choices[0].message.content or "")


async def test_what_was_said_before_is_history_and_system_messages_are_not(
    client: AsyncOpenAI, model: Model
) -> None:
    model.script(Answer("Three."))
    messages: Messages = [
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "Two."},
        {"role": "developer", "content": "Speak like a pirate."},
        {"role": "user", "content": [{"type": "text", "text": QUESTION}]},
    ]

    await client.chat.completions.create(model="expertline", messages=messages)

    received = await model.request(1)
    _, *said = [(each["role"], each["content"]) for each in received.body["messages"]]
    assert said == [("user", "One?"), ("assistant", "Two."), ("user", QUESTION)]
    assert "pirate" not in str(received.body)


async def test_options_of_other_models_are_ignored(client: AsyncOpenAI, model: Model) -> None:
    model.script(Answer("Hold him."))
    tool: Any = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}

    completion = await client.chat.completions.create(
        model="expertline",
        messages=asked(QUESTION),
        stop=["him"],
        temperature=2,
        max_tokens=1,
        n=1,
        tools=[tool],
        extra_body={"top_k": 5, "keep_alive": "5m", "seed": 2**60},
    )

    assert completion.choices[0].message.content == "Hold him."


async def test_no_answer_ends_like_any_other(client: AsyncOpenAI) -> None:
    question = "Which stock should I buy next week?"

    completion = await client.chat.completions.create(model="expertline", messages=asked(question))

    [choice] = completion.choices
    assert (choice.finish_reason, extension_of(choice.message)["sources"]) == ("stop", [])


@pytest.mark.parametrize(("reason", "shown"), [("length", "length"), ("stop", "stop")])
async def test_finish_of_the_model_is_passed_on(
    client: AsyncOpenAI, model: Model, reason: str, shown: str
) -> None:
    model.script(Answer("Hold him.", finish_reason=reason))

    completion = await client.chat.completions.create(model="expertline", messages=asked(QUESTION))

    assert completion.choices[0].finish_reason == shown


# --- Without a model


async def test_experts_answer_without_a_model_and_cost_nothing(experts: AsyncOpenAI) -> None:
    completion = await experts.chat.completions.create(model="expertline", messages=asked(HEAD))

    assert "先保证安全" in (completion.choices[0].message.content or "")
    assert completion.usage is not None
    assert completion.usage.total_tokens == 0


async def test_questions_to_choose_from_stand_in_the_text(experts: AsyncOpenAI) -> None:
    chunks = await streamed(experts, asked("孩子挑食怎么办？"))

    text = text_of(chunks)

    assert text.startswith(f"{CHINESE.several}\n\n- ")
    assert "- 孩子只吃白米饭怎么办？" in text.splitlines()
    assert "孩子只吃白米饭怎么办？" in extension_of(chunks[-1])["suggestions"]


async def test_client_that_shows_our_field_is_not_told_twice(experts: AsyncOpenAI) -> None:
    completion = await experts.chat.completions.create(
        model="expertline",
        messages=asked("孩子挑食怎么办？"),
        extra_body={"expertline": {"footer": False}},
    )

    assert completion.choices[0].message.content == CHINESE.several


# --- The footer


async def test_footer_names_the_experts_when_the_request_wants_it(client: AsyncOpenAI) -> None:
    chunks = await streamed(client, asked(HEAD), extra_body={"expertline": {"footer": True}})

    assert text_of(chunks).endswith(f"**回答专家**\n\n- 李医生（行为分析师）：{HEAD}")


async def test_footer_of_a_key_can_be_refused_by_a_request(
    model_server: ChatServer, model_database: str
) -> None:
    key = new_key(model_database, server=model_server, footer=True)
    refusal = {"expertline": {"footer": False}}

    async with AsyncOpenAI(base_url=f"{model_server.url}/v1", api_key=key) as client:
        texts = [
            text_of(await streamed(client, asked(HEAD), extra_body=body)) for body in ({}, refusal)
        ]

    assert ["回答专家" in text for text in texts] == [True, False]


async def test_footers_of_earlier_replies_are_not_shown_to_the_model(
    client: AsyncOpenAI, model: Model
) -> None:
    model.script(Answer("Three."))
    footer = "\n\n---\n\n**Answered by**\n\n- Dr. Li: Banging\n- Dr. Wang: Sleep"
    messages: Messages = [
        *asked("One?"),
        {"role": "assistant", "content": f"Two.{footer}"},
        *asked(QUESTION),
    ]

    await client.chat.completions.create(model="expertline", messages=messages)

    received = await model.request(1)
    assert [each["content"] for each in received.body["messages"]][2] == "Two."


# --- What is counted


async def test_use_of_a_key_is_counted(
    client: AsyncOpenAI, model_database: str, key: str, model: Model
) -> None:
    model.script(Answer("Hold him.", usage=(100, 10)), Answer("Then wait.", usage=(50, 5)))

    await streamed(client, asked(QUESTION))
    await client.chat.completions.create(model="expertline", messages=asked(QUESTION))

    input_tokens, output_tokens, last_used_at = await use_of(model_database, key, requests=2)
    assert (input_tokens, output_tokens) == (150, 15)
    assert last_used_at is not None


# --- When things fail


async def test_caller_who_leaves_lets_the_provider_go_and_is_counted(
    client: AsyncOpenAI, model: Model, model_database: str, key: str
) -> None:
    model.script(Answer("On and on and on.", gate=Latch(), gate_after=1))

    stream = await client.chat.completions.create(
        model="expertline", messages=asked(QUESTION), stream=True
    )
    request = await model.request(1)
    await stream.close()

    async with asyncio.timeout(SOON_SECONDS):
        await request.disconnected.wait()
    assert await use_of(model_database, key, requests=1)


async def test_caller_who_leaves_before_the_whole_reply_lets_the_provider_go(
    client: AsyncOpenAI, model: Model
) -> None:
    model.script(Answer("On and on and on.", gate=Latch(), gate_after=1))
    waiting = asyncio.create_task(
        client.chat.completions.create(model="expertline", messages=asked(QUESTION))
    )
    request = await model.request(1)

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    async with asyncio.timeout(SOON_SECONDS):
        await request.disconnected.wait()


async def test_whole_reply_that_is_begun_anew_has_nothing_of_the_first_try(
    client: AsyncOpenAI, model: Model
) -> None:
    model.script(Drop(after_pieces=SHOWN_PIECES), Answer("Hold him."))

    completion = await client.chat.completions.create(model="expertline", messages=asked(QUESTION))

    assert completion.choices[0].message.content == "Hold him."


async def test_stream_that_breaks_off_ends_in_an_error(client: AsyncOpenAI, model: Model) -> None:
    model.script(Drop(after_pieces=SHOWN_PIECES))

    with pytest.raises(openai.APIError) as caught:
        await streamed(client, asked(QUESTION))

    assert caught.value.message == "The reply broke off. Try again."
    assert caught.value.code == "upstream_reset"
