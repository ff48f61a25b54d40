"""What follows a change by hand, beside the requests: bars learnt again, an index if it is time."""

import logging
import threading

from django.db import DatabaseError, connection

from knowledge import wiring
from knowledge.advisory_locks import CALIBRATION_LOCK, if_free
from knowledge.calibration import calibrate_if_needed
from knowledge.embedders.base import EmbedderError
from knowledge.spaces import ensure_index, space_of

logger = logging.getLogger(__name__)


class Recalibration:
    """At most one thread a process, which ends when nobody has asked again.

    If it fails or the process ends first, the bars stay as they are until the next change or start.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = False
        self._thread: threading.Thread | None = None

    def ask(self) -> None:
        """Soon calibrate if the base has changed enough. Returns at once; call after the commit."""
        with self._lock:
            self._asked = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="calibration", daemon=True)
                self._thread.start()

    def wait(self, seconds: float) -> None:
        """Until what was asked for is done."""
        with self._lock:
            thread = self._thread
        if thread:
            thread.join(seconds)

    def _run(self) -> None:
        try:
            while self._taken():
                recalibrate()
        except (EmbedderError, DatabaseError) as error:
            logger.warning("calibration failed: %s", type(error).__name__)
        finally:
            connection.close()
            with self._lock:
                self._thread = None

    def _taken(self) -> bool:
        with self._lock:
            asked, self._asked = self._asked, False
            return asked


def recalibrate() -> None:
    """If the base has changed enough, and no other process is at it."""
    with if_free(CALIBRATION_LOCK) as free:
        if free:
            embedder = wiring.embedder()
            calibrate_if_needed(embedder)
            ensure_index(space_of(embedder))


recalibration = Recalibration()
