"""How soon the page is of use on a slow phone: `python bench/page_load.py [--url http://…]`.

As Lighthouse's “slow 4G”: 150 ms a round trip, 1.6 Mbit/s down, 0.75 up, a processor four times
slower, and an empty cache. Chromium itself slows down what comes from this machine.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.browser.chromium import launch
from tests.browser.transfers import Transfers
from tests.serving import ChatServer

RUNS = 7
SLOW_4G = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
SLOWER_PROCESSOR = 4
MARKS = """() => {
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    const usable = performance.getEntriesByName("usable")[0];
    return paint && usable ? [paint.startTime, usable.startTime, performance.now()] : null;
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Milliseconds from the address to each moment, and what had been sent by the last."""

    shown: float
    """The composer is there and can be typed into."""
    usable: float
    """The script is there: a message can be sent."""
    welcomed: float
    """The socket is open."""
    requests: int
    sent_bytes: int


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures how soon the page is of use.")
    parser.add_argument("--url", help="a running server that was set up")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument(
        "--slower", type=float, default=SLOWER_PROCESSOR, help="how many times the processor is"
    )
    options = parser.parse_args()
    with site(options.url) as url, sync_playwright() as playwright:
        browser = launch(playwright)
        loads = [load(browser, url, options.slower) for _ in range(options.runs + 1)][1:]
        browser.close()
    for name in ("shown", "usable", "welcomed"):
        times = sorted(getattr(each, name) for each in loads)
        tell(f"{name:<9} {median(times):5.0f} ms  ({times[0]:.0f} to {times[-1]:.0f})")
    last = loads[-1]
    tell(f"{last.requests} requests, {last.sent_bytes / 1024:.1f} KiB")


@contextmanager
def site(url: str | None) -> Iterator[str]:
    if url:
        yield url
        return
    with ChatServer(set_up=True) as server:
        yield server.url


def load(browser: Browser, url: str, slower: float) -> Load:
    context = browser.new_context(
        locale="zh-CN", viewport={"width": 360, "height": 740}, service_workers="block"
    )
    page = context.new_page()
    session = context.new_cdp_session(page)
    transfers = Transfers(session)
    session.send("Network.emulateNetworkConditions", SLOW_4G)
    session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    page.goto(url, wait_until="commit")
    page.wait_for_selector("[data-mode]:not([hidden])")
    shown, usable, welcomed = page.evaluate(MARKS)
    result = Load(
        shown=shown,
        usable=usable,
        welcomed=welcomed,
        requests=len(transfers.sizes),
        sent_bytes=sum(transfers.sizes.values()),
    )
    context.close()
    return result


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
