"""What the scripted provider says to whatever is asked: a story that tells its question."""

from tests.openai_replies import JsonObject
from tests.openai_script import Answer, Step

SENTENCES = 12
PIECES = 24
PACE_SECONDS = 0.03


def story(question: str, *, sentences: int = SENTENCES, in_paragraph: int = 4) -> str:
    """Another text for every question, in paragraphs, so that blocks are finished on the way."""
    told = [f"{question} has part {number}." for number in range(1, sentences + 1)]
    starts = range(0, sentences, in_paragraph)
    paragraphs = [" ".join(told[start : start + in_paragraph]) for start in starts]
    return "\n\n".join(paragraphs)


def storyteller(body: JsonObject) -> Step:
    """About a second of text for the last question. Never calls a tool."""
    asked = [message["content"] for message in body["messages"] if message["role"] == "user"]
    return Answer(story(asked[-1]), pieces=PIECES, pace=PACE_SECONDS)
