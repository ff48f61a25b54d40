"""Which answers a reply is said to rest on: those it cites, else those whose words it has."""

import pytest

from chat.turn.citations import Citations
from chat.turn.expert_search import FoundAnswer
from tests.experts import answer, certain, clear, near

BANGING = answer("撞头", "先抱住孩子，保护他的头，再看看发生了什么。")
SLEEP = answer("睡觉", "睡前一小时关掉屏幕，固定上床的时间。")
SCHOOL = answer("学校", "先去学校看一天，和老师谈谈。")


def citing(*numbers: int, found: tuple[FoundAnswer, ...] = (BANGING, SLEEP, SCHOOL)) -> Citations:
    citations = Citations()
    citations.add(near(*found))
    citations.show(found)
    for number in numbers:
        citations.cite(number)
    return citations


def test_cited_answers_are_the_sources_in_the_order_of_their_citation() -> None:
    assert citing(3, 1, 3).used("好") == (SCHOOL.source, BANGING.source)


def test_number_that_no_answer_has_is_no_source() -> None:
    assert citing(9, 2).used("好") == (SLEEP.source,)


@pytest.mark.parametrize(
    ("reply", "sources"),
    [
        pytest.param("先抱住孩子，保护好他的头。", (BANGING.source,), id="one"),
        pytest.param(
            "先抱住孩子，保护他的头。睡前一小时关掉屏幕。", (BANGING.source, SLEEP.source), id="two"
        ),
        pytest.param("好的。", (), id="none"),
        pytest.param("", (), id="no words"),
    ],
)
def test_uncited_reply_rests_on_the_answers_whose_words_it_has(
    reply: str, sources: tuple[object, ...]
) -> None:
    assert citing().used(reply) == sources


def test_uncited_reply_rests_on_the_answer_that_clearly_fits() -> None:
    citations = Citations()
    citations.add(clear(BANGING, SLEEP))

    assert citations.used("睡前一小时关掉屏幕。") == (BANGING.source,)


def test_uncited_reply_rests_on_an_answer_that_certainly_fits() -> None:
    citations = Citations()
    citations.add(certain(BANGING, SLEEP))

    assert citations.used("好的。") == (BANGING.source,)


def test_answer_that_the_model_was_not_given_cannot_be_cited() -> None:
    citations = Citations()
    citations.add(near(BANGING, SLEEP))
    citations.show([BANGING])
    citations.cite(2)

    assert citations.numbers == {1}
    assert citations.used("好的。") == ()


def test_marks_of_text_that_is_taken_back_do_not_count() -> None:
    citations = citing(2)

    citations.forget_marks()

    assert not citations.marked


def test_suggestions_are_the_neighbours_of_what_was_used() -> None:
    citations = citing(1)

    assert citations.suggestions(citations.used("好")) == ("睡觉", "学校")


def test_links_may_lead_where_the_experts_links_lead() -> None:
    linked = answer("热线", "请看 https://help.example/a 和 www.line.example。")

    assert citing(found=(linked,)).hosts == {"help.example", "line.example"}


def test_turn_without_a_search_rests_on_nothing() -> None:
    assert Citations().used("您好！") == ()
