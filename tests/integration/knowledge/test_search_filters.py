"""Which published answers a question may find: by language, by topic, by the day of the review."""

from datetime import date, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from knowledge import publishing, wiring
from knowledge.models import Answer
from knowledge.retrieval import search
from tests.integration.curating import SLEEP, stored

pytestmark = pytest.mark.django_db

TODAY = timezone.now().date


def found(question: str = SLEEP, topic: str = "") -> set[str]:
    return {hit.text for hit in search(question, wiring.embedder(), topic=topic).hits}


def answer(
    text: str, *, topic: str = "", locale: str = "en", review_by: date | None = None
) -> None:
    """One that nothing but these tells from the others."""
    made = stored(SLEEP, text=text)
    Answer.objects.filter(pk=made.pk).update(topic=topic, locale=locale, review_by=review_by)


def test_all_are_found_where_nothing_is_asked_of_them() -> None:
    answer("a", topic="sleep", locale="zh-hans", review_by=TODAY() - timedelta(days=1))
    answer("b")

    assert found() == {"a", "b"}


def test_topic_leaves_no_other_answer() -> None:
    answer("a", topic="sleep")
    answer("b", topic="food")

    assert found(topic="food") == {"b"}
    assert found(topic="school") == set()


def test_answers_in_the_other_language_can_be_left_out(settings: Settings) -> None:
    settings.ANSWER_LANGUAGES = "same"
    answer("a", locale="zh-hans")
    answer("b", locale="en")

    assert found() == {"b"}
    assert found("孩子晚上不睡觉怎么办？") == {"a"}


def test_overdue_answers_can_be_withheld(settings: Settings) -> None:
    settings.WITHHOLD_OVERDUE = True
    answer("a", review_by=TODAY() - timedelta(days=1))
    answer("b", review_by=TODAY())
    answer("c")

    assert found() == {"b", "c"}


def test_nobody_takes_the_place_of_one_that_may_be_found() -> None:
    """Neither among the nearest vectors nor among those with the same terms."""
    for number in range(120):
        answer(f"Other {number}", topic="food")
    for name in ("a", "b"):
        made = stored("What helps against bad dreams?", text=name)
        Answer.objects.filter(pk=made.pk).update(topic="sleep")

    assert found(topic="sleep") == {"a", "b"}


def test_withdrawn_answers_are_not_found_by_topic_either() -> None:
    answer("a", topic="sleep")
    publishing.withdraw(Answer.objects.all(), Answer.Status.ARCHIVED)

    assert found(topic="sleep") == set()
