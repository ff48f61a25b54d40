"""What may follow what on one socket, and what all sockets must have been told alike."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.chat_reply import Frame, cursor_of
from tests.faults.schedule_tab import Wire

START = "0-0"


@dataclass(slots=True)
class Chains:
    """Where each turn's frames stand on one socket, and where they may begin anew.

    They may do so once for each `accepted` (from the beginning) and each `sync` (from the cursor
    that its `subscribe` named): what is under way of an earlier subscription may still come. A
    snapshot stands for a subscription that is over at once, and so ends no earlier one.
    """

    places: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    beginnings: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    subscribed: defaultdict[str, deque[Frame]] = field(default_factory=lambda: defaultdict(deque))

    def take(self, frame: Frame) -> str | None:
        """What is wrong with it."""
        match frame["type"]:
            case "accepted":
                self.beginnings[frame["turn"]].append(START)
            case "sync":
                return self._begin(frame)
            case "snapshot":
                return self._jump(frame)
            case "text" | "event" | "end":
                return self._go_on(frame)
        return None

    def _begin(self, sync: Frame) -> str | None:
        if not self.subscribed[sync["conversation"]]:
            return "a sync that nobody asked for"
        asked = self.subscribed[sync["conversation"]].popleft()["turn"]
        if sync["turn"]:
            turn = sync["turn"]["id"]
            cursor = asked["cursor"] if asked and asked["id"] == turn else START
            self.beginnings[turn].append(cursor)
        return None

    def _jump(self, snapshot: Frame) -> str | None:
        turn = snapshot["turn"]
        if turn not in self.places and not self.beginnings[turn]:
            return "a snapshot that nobody asked for"
        self.places[turn].append(snapshot["cursor"])
        return None

    def _go_on(self, frame: Frame) -> str | None:
        turn, after = frame["turn"], frame["after"]
        places, begun = self.places[turn], self.beginnings[turn]
        if after in places:
            places.remove(after)
        elif after in begun:
            places.clear()
            del begun[: begun.index(after) + 1]
        else:
            return f"{after} does not continue {sorted(places)}"
        places.append(frame["cursor"])
        return wrong_step(frame)


def wrong_step(frame: Frame) -> str | None:
    """Text may stand for several events; everything else is one, and each attempt counts from 1."""
    before, now = cursor_of(frame["after"]), cursor_of(frame["cursor"])
    step = now[1] - before[1] if now[0] == before[0] else now[1]
    if step < 1 or (step > 1 and frame["type"] != "text"):
        return f"one {frame['type']} goes from {frame['after']} to {frame['cursor']}"
    return None


def broken_chains(wire: Wire) -> Iterator[str]:
    """The first one, with what was said and heard before it."""
    chains = Chains()
    for position, (way, frame) in enumerate(wire.entries):
        if way == "heard":
            if wrong := chains.take(frame):
                before = wire.entries[max(0, position - 12) : position + 1]
                yield "\n    ".join([wrong, *(f"{way} {brief(each)}" for way, each in before)])
                return
        elif frame["type"] == "subscribe":
            chains.subscribed[frame["conversation"]].append(frame)


@dataclass(slots=True)
class Tale:
    """One turn as all sockets were told it: the text's length at each cursor, and each event.

    `text` is what is stored in the end. Without takeovers no text is ever taken back.
    """

    text: str
    lengths: dict[str, int] = field(default_factory=lambda: {START: 0})
    events: dict[str, Frame] = field(default_factory=dict)

    def take(self, frame: Frame) -> str | None:
        """What is wrong with it."""
        if frame["type"] == "snapshot":
            return self._measure(frame["cursor"], frame["text"], at=0)
        if frame["after"] not in self.lengths:
            return f"{frame['after']} was told to nobody"
        at = self.lengths[frame["after"]]
        if frame["type"] == "text":
            return self._measure(frame["cursor"], frame["text"], at=at)
        if self.events.setdefault(frame["cursor"], frame) != frame:
            return f"{frame['cursor']} was told in two ways"
        return self._measure(frame["cursor"], "", at=at)

    def _measure(self, cursor: str, text: str, *, at: int) -> str | None:
        end = at + len(text)
        if self.text[at:end] != text:
            return f"until {cursor} it says {text!r} and not {self.text[at:end]!r}"
        if self.lengths.setdefault(cursor, end) != end:
            return f"{cursor} stands at {end} and at {self.lengths[cursor]}"
        return None


def contradictions(text: str, frames: Iterable[Frame]) -> Iterator[str]:
    """Between what different sockets were told of one turn, and what is stored."""
    tale = Tale(text)
    for frame in sorted(frames, key=lambda each: cursor_of(each["cursor"])):
        if wrong := tale.take(frame):
            yield wrong


def brief(frame: Frame) -> str:
    """Without what no schedule depends on."""
    shown = ("type", "turn", "after", "cursor", "rev", "duplicate", "code", "id")
    return " ".join(f"{key}={str(frame[key])[:80]}" for key in shown if key in frame)
