"""What carrying live replies through Redis costs, reconnects in a crowd, and takeovers.

Run as `make bench`. Servers, Postgres, Redis and the provider are processes of this machine; the
provider's words are the moments at which they were sent, by the clock that all share. The reader
is on the process that writes the reply, or on another. Everything is measured in one run, on a
machine that has other things to do: read the ratios, not the milliseconds.
"""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.delivery_reconnects import compare_reconnects
from bench.delivery_stage import stage
from bench.delivery_streams import compare_streams
from bench.delivery_takeovers import measure_takeovers


def main() -> None:
    with stage() as ready:
        with ready.modes() as modes:
            asyncio.run(compare_streams(modes))
            asyncio.run(compare_reconnects(modes))
        asyncio.run(measure_takeovers(ready))


if __name__ == "__main__":
    main()
