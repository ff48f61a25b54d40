"""How late the event loop is: the sign of a call that blocks where it must not."""

import asyncio
import time

from chat.metrics import LOOP_LAG_SECONDS

BEAT_SECONDS = 0.5


async def measure_loop_lag() -> None:
    """Runs until it is cancelled."""
    try:
        while True:
            due = time.monotonic() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            LOOP_LAG_SECONDS.set(max(0.0, time.monotonic() - due))
    finally:
        LOOP_LAG_SECONDS.set(0)
