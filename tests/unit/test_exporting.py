"""A conversation as a file: its name, and the Markdown that people read."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from chat.exporting import MOST_CHARACTERS, file_name, markdown
from chat.transcripts import CitedAnswer, Said, Transcript

MORNING = datetime(2026, 11, 23, 8, 15, tzinfo=UTC)
SOURCE = CitedAnswer(
    title="Why does he bang his head?",
    expert="Dr. Young",
    role="Therapist",
    reviewed_at=date(2026, 5, 1),
    overdue=False,
    text="Protect the head.\n\n- Then look for the cause.",
    html="<p>Protect the head.</p>",
    url="https://example.org/a",
)
ASKED = Said(
    id=UUID(int=1),
    by_visitor=True,
    by_model=False,
    text="He bangs his head.\n# Why?",
    html="",
    at=MORNING,
    status="done",
    finish="",
    grounding="",
    sources=(),
)
ANSWERED = Said(
    id=UUID(int=2),
    by_visitor=False,
    by_model=True,
    text="First **protect** him.",
    html="<p>First <strong>protect</strong> him.</p>",
    at=MORNING,
    status="done",
    finish="stop",
    grounding="answer",
    sources=(SOURCE,),
)


def lines(*said: Said, title: str = "Head *banging*") -> list[str]:
    return markdown(Transcript(title=title, said=said)).splitlines()


def test_markdown_tells_who_said_what_and_whose_words_it_rests_on() -> None:
    told = "\n".join(lines(ASKED, ANSWERED))

    assert told.startswith("# Head \\*banging\\*\n")
    assert "## You · 2026-11-23 08:15 UTC\n\n> He bangs his head.\n> # Why?\n" in told
    assert "## Reply · 2026-11-23 08:15 UTC\n\nFirst **protect** him.\n" in told
    assert "**Why does he bang his head?**\\\nDr. Young, Therapist\\\nReviewed on " in told
    assert "\\\n<https://example.org/a>\n" in told
    assert "> Protect the head.\n>\n> - Then look for the cause." in told


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (ANSWERED, "*Written by AI from experts’ answers; it can be wrong. Not medical advice.*"),
        (
            replace(ANSWERED, by_model=False),
            "*No AI at work: experts are quoted word for word. Not medical advice.*",
        ),
    ],
    ids=["model", "experts"],
)
def test_markdown_tells_who_wrote_it(reply: Said, sentence: str) -> None:
    assert sentence in lines(ASKED, reply)


def test_words_that_the_reply_quotes_stand_once() -> None:
    quoting = replace(ANSWERED, text=f"An expert says:\n\n{SOURCE.text}")

    assert sum("Protect the head." in line for line in lines(quoting)) == 1


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (replace(SOURCE, reviewed_at=None), "Not reviewed yet"),
        (replace(SOURCE, overdue=True), "Due for another review"),
    ],
)
def test_review_is_told_as_it_is(source: CitedAnswer, sentence: str) -> None:
    assert any(sentence in line for line in lines(replace(ANSWERED, sources=(source,))))


@pytest.mark.parametrize(
    ("status", "sentence"),
    [("stopped", "*Stopped.*"), ("failed", "*This reply could not be finished.*")],
)
def test_reply_that_was_broken_off_says_so(status: str, sentence: str) -> None:
    assert sentence in lines(replace(ANSWERED, status=status, text=""))


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("孩子总是撞头怎么办？", "孩子总是撞头怎么办？.md"),
        ("Why?  And\nhow", "Why And how.md"),
        ("../../etc/passwd", "etc passwd.md"),
        ("..%2f..%2fetc", "%2f..%2fetc.md"),
        ("C:\\Windows\\x", "C Windows x.md"),
        ("/", "conversation.md"),
        ("", "conversation.md"),
        (". .", "conversation.md"),
        ("CON", "conversation CON.md"),
        ("nul.txt", "conversation nul.txt.md"),
        ("com1", "conversation com1.md"),
        ("a\x00b\r\nSet-Cookie: x", "a b Set-Cookie x.md"),
        ("photo\u202egpj.exe", "photo gpj.exe.md"),
        ("\u200b", "conversation.md"),
        ('a"b', "a b.md"),
        ("console", "console.md"),
    ],
)
def test_t46_name_leads_nowhere(title: str, name: str) -> None:
    assert file_name(title, "md") == name


def test_t46_name_is_not_endless() -> None:
    assert file_name("长" * 300, "json") == "长" * MOST_CHARACTERS + ".json"
