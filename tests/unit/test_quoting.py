"""Expert-only mode: one clear answer is quoted, near ones are offered, nothing is made up."""

from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.turn.citations import SUGGESTIONS
from chat.turn.events import Found, Outcome, Searching, TextDelta, TurnEvent
from chat.turn.expert_search import ExpertSearch, FoundAnswer
from chat.turn.prompt import CHINESE, ENGLISH, Texts
from chat.turn.quoting import pieces, quote_experts
from chat.turn.record import TurnRecord
from chat.turn.request import TurnRequest
from tests.experts import NOTHING, ScriptedSearch, UnavailableSearch, answer, clear, near

BANGING = answer("孩子撞头怎么办", "抱住他。\n\n- 垫上软垫\n- 记下时间")
SLEEP = answer("How can my child sleep?", "Keep the evenings calm.", expert="Ann", role="nurse")
both_languages = pytest.mark.parametrize(
    ("texts", "question"),
    [
        pytest.param(CHINESE, "孩子撞头怎么办？", id="Chinese"),
        pytest.param(ENGLISH, "What can I do?", id="English"),
    ],
)


async def events_of(question: str, texts: Texts, search: ExpertSearch) -> list[TurnEvent]:
    request = TurnRequest(question=question, texts=texts)
    async with aclosing(quote_experts(request, search, TurnRecord())) as events:
        return [event async for event in events]


async def quoted(found: FoundAnswer, texts: Texts) -> str:
    return text_of(await events_of("question?", texts, ScriptedSearch(clear(found))))


def text_of(events: list[TurnEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@both_languages
async def test_visitors_own_words_are_searched(texts: Texts, question: str) -> None:
    search = ScriptedSearch(clear(BANGING, SLEEP))

    events = await events_of(question, texts, search)

    assert events[:2] == [Searching(question=question), Found(hits=2)]
    assert search.questions == [question]


async def test_clear_answer_is_quoted_word_for_word_with_its_expert() -> None:
    assert await quoted(BANGING, CHINESE) == (
        "以下是专家对「孩子撞头怎么办」的回答，原文引用：\n\n"
        "抱住他。\n\n- 垫上软垫\n- 记下时间\n\n"
        "——李医生（儿科医生）"
    )
    assert await quoted(SLEEP, ENGLISH) == (
        "This is an expert's answer to “How can my child sleep?”, quoted word for word:\n\n"
        "Keep the evenings calm.\n\n"
        "— Ann (nurse)"
    )


async def test_other_answers_are_suggested_after_a_quote() -> None:
    search = ScriptedSearch(clear(BANGING, SLEEP))

    events = await events_of("孩子撞头怎么办？", CHINESE, search)

    assert events[-1] == Outcome(
        grounding="answer", sources=(BANGING.source,), suggestions=(SLEEP.source.title,)
    )


async def test_verbatim_answer_says_so() -> None:
    verbatim = answer("抽搐怎么办", verbatim=True)

    *_, outcome = await events_of("抽搐怎么办", CHINESE, ScriptedSearch(clear(verbatim)))

    assert outcome == Outcome(grounding="verbatim", sources=(verbatim.source,))


@pytest.mark.parametrize(
    ("expert", "role", "texts", "signature"),
    [
        pytest.param("李医生", "", CHINESE, "\n\n——李医生", id="Chinese, no role"),
        pytest.param("Ann", "", ENGLISH, "\n\n— Ann", id="English, no role"),
        pytest.param("", "nurse", ENGLISH, "Calm.", id="no expert"),
    ],
)
async def test_quote_is_signed_with_what_is_known(
    expert: str, role: str, texts: Texts, signature: str
) -> None:
    text = await quoted(answer("sleep", "Calm.", expert=expert, role=role), texts)

    assert text.endswith(signature)


async def test_title_may_hold_braces() -> None:
    assert "“{title} {0}”" in await quoted(answer("{title} {0}"), ENGLISH)


async def test_answer_without_a_title_is_named_by_its_beginning() -> None:
    assert "“Calm evenings.”" in await quoted(answer("", "Calm evenings."), ENGLISH)


@both_languages
async def test_near_answers_are_offered_and_none_is_quoted(texts: Texts, question: str) -> None:
    events = await events_of(question, texts, ScriptedSearch(near(BANGING, SLEEP)))

    assert text_of(events) == texts.several
    assert events[-1] == Outcome(suggestions=(BANGING.source.title, SLEEP.source.title))


async def test_at_most_three_different_titles_are_suggested() -> None:
    titles = ["一", "一", "", "二", "三", "四"]
    search = ScriptedSearch(near(*[answer(title) for title in titles]))

    *_, outcome = await events_of("什么？", CHINESE, search)

    assert isinstance(outcome, Outcome)
    assert outcome.suggestions == ("一", "二", "三")
    assert len(outcome.suggestions) == SUGGESTIONS


@both_languages
async def test_nothing_found_is_said_openly(texts: Texts, question: str) -> None:
    events = await events_of(question, texts, ScriptedSearch(NOTHING))

    assert text_of(events) == texts.no_answer
    assert events[-1] == Outcome(finish="no_answer")


@both_languages
async def test_unavailable_search_fails_openly(texts: Texts, question: str) -> None:
    events = await events_of(question, texts, UnavailableSearch())

    assert text_of(events) == texts.unavailable
    assert events[-1] == Outcome(status="failed", error="internal")


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        pytest.param("你好！", CHINESE.greeting, id="greeting, Chinese"),
        pytest.param("谢谢您", CHINESE.thanks, id="thanks, Chinese"),
        pytest.param("再见", CHINESE.farewell, id="farewell, Chinese"),
        pytest.param("Hello", ENGLISH.greeting, id="greeting, English"),
        pytest.param("Thank you!", ENGLISH.thanks, id="thanks, English"),
        pytest.param("Bye bye", ENGLISH.farewell, id="farewell, English"),
    ],
)
async def test_small_talk_is_answered_without_a_search(said: str, reply: str) -> None:
    texts = CHINESE if reply in vars_of(CHINESE) else ENGLISH
    search = ScriptedSearch(clear(BANGING))

    events = await events_of(said, texts, search)

    assert events == [TextDelta(text=reply), Outcome()]
    assert search.questions == []


def vars_of(texts: Texts) -> tuple[str, ...]:
    return (texts.greeting, texts.thanks, texts.farewell)


@given(st.text(st.sampled_from("答a。！？!?\n😀 "), max_size=400))
def test_pieces_of_a_quote_are_its_exact_words(text: str) -> None:
    deltas = list(pieces(text))

    assert "".join(delta.text for delta in deltas) == text
    assert all(delta.text for delta in deltas)
