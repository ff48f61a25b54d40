"""Events of a language model, in the form that tests compare."""

from collections.abc import Sequence

from chat.turn.events import TextDelta
from chat.turn.language_model import ModelEvent


def merged(events: Sequence[ModelEvent | str]) -> list[ModelEvent | str]:
    """Adjacent text in one: what comes together in a read is told together."""
    result: list[ModelEvent | str] = []
    for event in events:
        last = result[-1] if result else None
        if isinstance(event, TextDelta) and isinstance(last, TextDelta):
            result[-1] = TextDelta(text=last.text + event.text)
        else:
            result.append(event)
    return result
