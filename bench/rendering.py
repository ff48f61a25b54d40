"""CPU time of rendering hostile Markdown at the size cap, against ordinary prose of that length.

Run as `make bench`. Figures are medians of five runs in one process; read the ratios, not the
milliseconds: machines are noisy.
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chat.rendering import LARGEST_BLOCK, BlockWriter, blocks_of

RUNS = 5
PROSE = "先保证安全，再看原因。**记下**发生前有什么、做了什么、之后得到了什么。\n\n"
BOMBS = ["[", "![[]()", "[\n", "*a", "a@b.co ", "http://a.b/", "<", "&#x", "`", "> ", "- ", "|-"]
LINES = ["a\n", "- a\n", "[\n", "\n"]


def main() -> None:
    prose = milliseconds(partial(rendered, PROSE))
    row("prose", prose, prose)
    for bomb in BOMBS:
        row(repr(bomb), milliseconds(partial(rendered, bomb)), prose)
    for line in LINES:
        row(f"{line!r}, one a delta", milliseconds(partial(streamed, line)), prose)


def rendered(unit: str) -> None:
    blocks_of.cache_clear()
    blocks_of((unit * LARGEST_BLOCK)[: LARGEST_BLOCK - 1])


def streamed(line: str) -> None:
    writer = BlockWriter()
    for _ in range(LARGEST_BLOCK // len(line)):
        writer.add(line)
    writer.close()


def milliseconds(work: Callable[[], None]) -> float:
    times = []
    for _ in range(RUNS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return statistics.median(times) * 1000


def row(name: str, cost: float, prose: float) -> None:
    sys.stdout.write(f"{name:24} {cost:9.2f} ms {cost / prose:8.1f} x prose\n")


if __name__ == "__main__":
    main()
