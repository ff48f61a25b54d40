"""What a search finds: what is certain, and what a question means after what was said before."""

import pytest

from chat.tools import findings
from knowledge import wiring
from knowledge.calibration import calibrate
from knowledge.models import EmbeddingSpace
from knowledge.retrieval import SearchResult, find, query
from tests.integration.curating import HAIRCUT, SLEEP, SilentEmbedder, stored

pytestmark = pytest.mark.django_db

SYNDROMES = ("Madelung disease", "Dravet syndrome", "Ondine's curse")
WHAT, INHERITED = "What is {}?", "Is {} inherited?"


def asked(question: str, *earlier: str) -> SearchResult:
    return find(query(question, wiring.embedder(), earlier=earlier))


def titles(result: SearchResult) -> list[str]:
    return [hit.title for hit in result.hits]


@pytest.fixture
def syndromes() -> None:
    """Two answers on each, in a space that was calibrated for a follow-up to be possible."""
    for name in SYNDROMES:
        stored(WHAT.format(name), text=f"{name} is rare.")
        stored(INHERITED.format(name), text=f"{name} often runs in families.")
    EmbeddingSpace.objects.update(spread=0.02, clear_bars={"en": 1.1})


@pytest.mark.usefixtures("syndromes")
@pytest.mark.parametrize("name", SYNDROMES)
def test_follow_up_is_about_what_was_said_before(name: str) -> None:
    found = asked("is it inherited?", f"tell me what {name} is")

    assert found.hits[0].title == INHERITED.format(name)


@pytest.mark.usefixtures("syndromes")
def test_second_follow_up_is_about_the_same() -> None:
    name = SYNDROMES[0]

    found = asked("is it inherited?", f"tell me what {name} is", "how do I pronounce it?")

    assert found.hits[0].title == INHERITED.format(name)


@pytest.mark.usefixtures("syndromes")
def test_answers_to_the_last_turn_alone_stay_among_the_first() -> None:
    alone = asked("is it inherited?")

    found = asked("is it inherited?", f"tell me what {SYNDROMES[0]} is")

    assert titles(alone)[0] in titles(found)[:2]
    assert [hit.rank for hit in found.hits] == list(range(1, len(found.hits) + 1))
    assert len(set(titles(found))) == len(found.hits)


@pytest.mark.usefixtures("syndromes")
def test_question_with_a_subject_of_its_own_keeps_it() -> None:
    question = "does Dravet syndrome run in families?"

    found = asked(question, f"tell me what {SYNDROMES[0]} is")

    assert found.hits[0].title == INHERITED.format("Dravet syndrome")


@pytest.mark.usefixtures("syndromes")
@pytest.mark.parametrize("question", ["tell me a joke", "book me a flight"])
def test_off_topic_question_borrows_no_subject(question: str) -> None:
    EmbeddingSpace.objects.update(bars={"en": 0.9})

    found = asked(question, f"tell me what {SYNDROMES[0]} is")

    assert (found.fit, found.certain) == ("none", False)


@pytest.mark.usefixtures("syndromes")
def test_question_asked_word_for_word_is_found_whatever_was_said_before() -> None:
    found = asked(INHERITED.format("dravet SYNDROME"), "tell me what Ondine's curse is")

    assert found.hits[0].exact
    assert (found.fit, found.certain) == ("clear", True)


def test_calibration_learns_what_is_the_experts_business_beyond_doubt() -> None:
    stored(SLEEP)
    stored(HAIRCUT, text="Let her play with the scissors.")

    learnt = calibrate(wiring.embedder())

    assert asked("My son won't sleep alone at night").certain
    assert not any(asked(other).certain for other in ("tell me a joke", "who won the match"))
    again = calibrate(SilentEmbedder())  # the examples are embedded once
    assert again.bars == learnt.bars
    assert again.certain_margins == learnt.certain_margins


def test_turn_is_told_what_is_certain_and_in_which_space() -> None:
    stored(SLEEP)

    told = findings(asked(SLEEP, "hello"), space="here")

    assert [answer.source.title for answer in told.answers] == [SLEEP]
    assert (told.fit, told.certain, told.space) == ("clear", True, "here")


def test_turn_gets_no_answer_that_does_not_fit() -> None:
    stored(SLEEP)
    EmbeddingSpace.objects.update(bars={"en": 1.1})

    assert findings(asked("Where do whales sleep?"), space="here").answers == ()
