"""Which embedding space is searched: the database says, not the settings."""

import threading
import time

from django.db.models import Exists, OuterRef

from knowledge.models import AnswerVector, EmbeddingSpace

SEEN_SECONDS = 1.0
"""How long a process takes what it saw for true: a search costs no query more for it."""


def active_space() -> EmbeddingSpace | None:
    """The space that is searched; None while there is nothing to be found in any."""
    vectors = AnswerVector.objects.filter(space=OuterRef("pk"))
    return EmbeddingSpace.objects.filter(Exists(vectors), active=True).first()


class Sighting:
    """The active space's fingerprint as this process last saw it; "" for none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fingerprint = ""
        self._fresh_until = 0.0

    def fingerprint(self) -> str:
        """At most SEEN_SECONDS old. Blocks."""
        with self._lock:
            fresh = time.monotonic() < self._fresh_until
        if not fresh:
            self._look()
        return self._fingerprint

    def forget(self) -> None:
        """Look again at the next call."""
        with self._lock:
            self._fresh_until = 0.0

    def _look(self) -> None:
        began = time.monotonic()
        space = active_space()
        with self._lock:
            self._fingerprint = space.fingerprint if space else ""
            self._fresh_until = began + SEEN_SECONDS if space else 0.0


sighting = Sighting()
