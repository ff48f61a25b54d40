"""What the page offers before anything was asked, and what it says of itself."""

from datetime import date
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client

from chat import conversations
from chat.models import Message, SiteText
from chat.site_texts import current_text, save_text
from chat.starting_questions import starting_questions
from chat.visitors import Identity
from knowledge.models import Answer, Question
from tests.integration.turn_rows import send

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forgotten() -> None:
    cache.clear()


def published(title: str, **columns: object) -> Answer:
    facts = {"text": "So.", "locale": "en", "status": Answer.Status.PUBLISHED, **columns}
    answer = Answer.objects.create(**facts)
    Question.objects.create(answer=answer, text=title, position=0)
    Question.objects.create(answer=answer, text=f"{title} In other words.", position=1)
    return answer


def given(answer: Answer, visitor: Identity) -> None:
    """The visitor asked something and was given this answer."""
    accepted = conversations.accept_send(visitor, send(f"My own words {uuid4()}"))
    sources = [{"answer": str(answer.uid), "text": answer.text}]
    Message.objects.filter(pk=accepted.message).update(sources=sources)


def somebody() -> Identity:
    return Identity(visitor=uuid4())


def test_most_asked_questions_come_first() -> None:
    rarely, often = published("Rarely asked?"), published("Often asked?")
    published("Never asked?")
    given(rarely, somebody())
    given(often, somebody())
    given(often, somebody())

    offered = starting_questions("en")

    assert offered == ("Often asked?", "Rarely asked?", "Never asked?")


def test_one_visitor_counts_once() -> None:
    pushed, liked = published("Pushed?"), published("Liked?")
    alice = somebody()
    for _ in range(3):
        given(pushed, alice)
    given(liked, somebody())
    given(liked, somebody())

    assert starting_questions("en")[0] == "Liked?"


def test_only_what_is_published_current_short_and_of_the_language_is_offered() -> None:
    published("Draft?", status=Answer.Status.DRAFT)
    published("Overdue?", review_by=date(2020, 1, 1))
    published("怎么办？", locale="zh-hans")
    published("Long" * 30)
    assert starting_questions("en") == ()

    published("Good?")

    assert starting_questions("en") == ("Good?",)
    assert starting_questions("zh-hans") == ("怎么办？",)


def test_topics_vary() -> None:
    for number in range(4):
        published(f"Sleep {number}?", topic="sleep")
    published("Food?", topic="food")

    assert "Food?" in starting_questions("en")[:2]


def test_page_without_knowledge_invents_no_questions(client: Client) -> None:
    page = client.get("/", headers={"Accept-Language": "en"})

    assert "For example" not in page.content.decode()


def test_page_shows_the_operators_words_and_never_their_html(client: Client) -> None:
    text = "**Call 000** <script>alert(1)</script> or [us](tel:000)."
    save_text(current_text("crisis", "en"), text, author=None)

    page = client.get("/", headers={"Accept-Language": "en"}).content.decode()

    assert "<strong>Call 000</strong>" in page
    assert 'href="tel:000"' in page
    assert "<script>alert" not in page


def test_same_text_is_not_saved_twice_and_versions_are_kept() -> None:
    first = save_text(current_text("about", "en"), "One.", author=None)

    assert save_text(current_text("about", "en"), "One.", author=None) is None
    save_text(current_text("about", "en"), "Two.", author=None)

    assert first
    assert [each.number for each in SiteText.objects.all()] == [2, 1]
    assert current_text("about", "en").text == "Two."
    assert current_text("about", "zh-hans").number == 0
