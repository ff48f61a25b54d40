"""How far an ingest is, for somebody who watches."""

import sys

from tqdm import tqdm


class ProgressBar:
    """A bar on standard error, or nothing where nobody would see it move."""

    def __init__(self, *, quiet: bool) -> None:
        hidden = quiet or not sys.stderr.isatty()
        self._bar = tqdm(desc="Checking", unit=" rows", disable=hidden, leave=False, miniters=1)

    def progress(self, done: int, total: int | None) -> None:
        if total != self._bar.total:
            self._bar.set_description("Storing", refresh=False)
            self._bar.reset(total)
        self._bar.update(done - self._bar.n)

    def waiting(self) -> None:
        self._bar.write("Another ingest is running; waiting for its end.", file=sys.stderr)

    def close(self) -> None:
        self._bar.close()
