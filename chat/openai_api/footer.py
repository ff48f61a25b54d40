"""What a reply says below itself to clients that show nothing but its text, in Markdown."""

import re

from chat.turn.events import Outcome, Source

HEADINGS = {"zh-hans": "回答专家", "en": "Answered by"}
"""By the language of the question."""
MARKUP = re.compile(r"([\\`*_\[\]<>#|~])")
FOOTER = re.compile(
    rf"\n\n---\n\n\*\*(?:{'|'.join(HEADINGS.values())})\*\*\n\n(?:- [^\n]*(?:\n|\Z))+\Z"
)


def offered_questions(outcome: Outcome) -> str:
    """The questions that a reply without an answer of its own asks its reader to choose from."""
    offers = outcome.grounding == "none" and outcome.finish == "stop"
    if not offers or not outcome.suggestions:
        return ""
    return "\n\n" + items(outcome.suggestions)


def footer(sources: tuple[Source, ...], language: str) -> str:
    """The experts that a reply rests on, with the titles of their answers; "" without any."""
    if not sources:
        return ""
    named = tuple(dict.fromkeys(line(source, language) for source in sources))
    return f"\n\n---\n\n**{HEADINGS[language]}**\n\n{items(named, escape=False)}"


def without_footer(text: str) -> str:
    """A reply as its writer wrote it: a model that reads footers begins to write them."""
    return FOOTER.sub("", text)


def line(source: Source, language: str) -> str:
    title = escaped(source.title)
    if not source.expert:
        return title
    expert, role = escaped(source.expert), escaped(source.role)
    if language == "zh-hans":
        return f"{expert}（{role}）：{title}" if role else f"{expert}：{title}"
    return f"{expert} ({role}): {title}" if role else f"{expert}: {title}"


def items(lines: tuple[str, ...], *, escape: bool = True) -> str:
    return "\n".join(f"- {escaped(each) if escape else each}" for each in lines)


def escaped(text: str) -> str:
    """One line without Markdown of its own."""
    return MARKUP.sub(r"\\\1", " ".join(text.split()))
