"""A reply being written: ids that never skip, blocks, limits, and what its end says."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.delta_log.base import LoggedEvent
from chat.delta_log.memory import MemoryDeltaLog
from chat.reply import (
    DELTA_CHARACTERS,
    MAX_CHARACTERS,
    SPARING_CHARACTERS,
    SPARING_EVENTS,
    Reply,
    ReplyTooLongError,
)
from chat.turn.cursor import START, Cursor
from chat.turn.events import Block, Ended, Outcome, Restarted, Searching, TextDelta
from chat.turn.utf16 import utf16_cut, utf16_length
from chat.wire_format import checksum

TURN = UUID("0197a1b2-0000-7000-8000-000000000001")


class Log(MemoryDeltaLog):
    @property
    def written(self) -> list[LoggedEvent]:
        with self.follow(TURN) as tail:
            return list(tail.after(START))


@pytest.fixture
def log() -> Log:
    log = Log()
    log.own(TURN, 1, lambda: None)
    return log


async def test_ids_of_events_never_skip(log: Log) -> None:
    reply = Reply(TURN, 2, log)

    await reply.add(Restarted(keep=0, why="worker_lost"))
    await reply.add(Searching(question="撞头"))
    await reply.add(TextDelta(text="一\n\n二\n"))
    await reply.close_blocks()
    await reply.end(Outcome(), rev=3)

    assert [each.cursor for each in log.written] == [Cursor(2, n) for n in range(1, 7)]
    assert reply.count == 6


async def test_block_follows_the_text_that_finished_it(log: Log) -> None:
    reply = Reply(TURN, 1, log)

    for text in ("一\n", "\n二", "\n"):
        await reply.add(TextDelta(text=text))
    await reply.close_blocks()

    assert [each.event for each in log.written] == [
        TextDelta(text="一\n"),
        TextDelta(text="\n二"),
        Block(start=0, end=3, html="<p>一</p>\n"),
        TextDelta(text="\n"),
        Block(start=3, end=5, html="<p>二</p>\n"),
    ]


async def test_end_tells_how_to_check_the_text(log: Log) -> None:
    reply = Reply(TURN, 1, log)
    await reply.add(TextDelta(text="好"))
    await reply.add(TextDelta(text="😀"))

    await reply.end(Outcome(), rev=3)

    ended = Ended(outcome=Outcome(), rev=3, length=3, sha256=checksum("好😀"))
    assert log.written[-1].event == ended


async def test_restart_takes_all_text_back(log: Log) -> None:
    reply = Reply(TURN, 1, log)
    await reply.add(TextDelta(text="x" * MAX_CHARACTERS))

    await reply.add(Restarted(keep=0, why="upstream"))
    await reply.add(TextDelta(text="二"))
    await reply.close_blocks()

    assert reply.text == "二"
    assert log.written[-1].event == Block(start=0, end=1, html="<p>二</p>\n")


async def test_megabyte_in_one_delta_is_logged_in_pieces(log: Log) -> None:
    reply = Reply(TURN, 1, log)
    text = "x" * MAX_CHARACTERS

    await reply.add(TextDelta(text=text))

    pieces = [each.event.text for each in log.written if isinstance(each.event, TextDelta)]
    assert "".join(pieces) == text == reply.text
    assert max(map(len, pieces)) == DELTA_CHARACTERS


async def test_reply_that_grows_too_long_is_cut(log: Log) -> None:
    reply = Reply(TURN, 1, log)
    await reply.add(TextDelta(text="一"))

    with pytest.raises(ReplyTooLongError):
        await reply.add(TextDelta(text="x" * MAX_CHARACTERS))

    assert reply.text == "一" + "x" * (MAX_CHARACTERS - 1)


def copied(events: list[LoggedEvent]) -> tuple[str, list[Block]]:
    """The text and the blocks of a reader who follows the protocol."""
    text, blocks = "", list[Block]()
    for logged in events:
        match logged.event:
            case TextDelta():
                text += logged.event.text
            case Block():
                blocks.append(logged.event)
            case Restarted():
                text = utf16_cut(text, logged.event.keep)
                blocks = [block for block in blocks if block.end <= logged.event.keep]
    return text, blocks


PIECES = st.sampled_from(["一", "\n\n", "- 二\n", "😀", "**三**", "\n", "```\n", "x" * 50])


@given(st.lists(PIECES, max_size=8), st.lists(PIECES, max_size=8), st.data())
async def test_reader_of_a_restarted_reply_has_its_text_in_blocks(
    first: list[str], second: list[str], data: st.DataObject
) -> None:
    log = Log()
    reply = Reply(TURN, 1, log)
    for piece in first:
        await reply.add(TextDelta(text=piece))
    kept = "".join(first)[: data.draw(st.integers(0, len("".join(first))))]

    await reply.add(Restarted(keep=utf16_length(kept), why="upstream"))
    for piece in second:
        await reply.add(TextDelta(text=piece))
    await reply.close_blocks()

    text, blocks = copied(log.written)
    assert text == reply.text == kept + "".join(second)
    assert [block.start for block in blocks] == [0, *(block.end for block in blocks)][: len(blocks)]
    assert (blocks[-1].end if blocks else 0) == utf16_length(text)


async def test_very_many_small_pieces_become_fewer_events(log: Log) -> None:
    reply = Reply(TURN, 1, log)

    for number in range(30_000):
        await reply.add(TextDelta(text=str(number % 10)))
    await reply.add(Searching(question="?"))
    await reply.add(TextDelta(text="end"))
    await reply.close_blocks()

    texts = [each.event.text for each in log.written if isinstance(each.event, TextDelta)]
    assert "".join(texts) == reply.text == "0123456789" * 3_000 + "end"
    assert len(log.written) < SPARING_EVENTS + 20_000 / SPARING_CHARACTERS + 100
    assert [each.cursor.n for each in log.written] == list(range(1, reply.count + 1))


async def test_text_that_waits_comes_before_what_follows_it(log: Log) -> None:
    reply = Reply(TURN, 1, log)
    for _ in range(SPARING_EVENTS):
        await reply.add(TextDelta(text="一"))

    await reply.add(TextDelta(text="二"))
    assert reply.text.endswith("一")
    await reply.add(Restarted(keep=2, why="upstream"))

    before, last = [each.event for each in log.written][-2:]
    assert last == Restarted(keep=2, why="upstream")
    assert isinstance(before, TextDelta)
    assert before.text.endswith("二")
    assert reply.text == "一一"
