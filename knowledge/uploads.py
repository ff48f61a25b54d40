"""Files that experts upload in the admin: checked, kept for an hour, and brought into the base.

What `manage.py ingest` does, for somebody who waits for a page: with limits, and always as drafts.
"""

import io
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path, PurePath
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from knowledge import wiring
from knowledge.importers.base import UnreadableFileError
from knowledge.importers.files import SUFFIXES, KnowledgeFile, spooled
from knowledge.importers.package import opened_package
from knowledge.importers.rejects import Rejects
from knowledge.importers.report import Report, Tally
from knowledge.ingestion import Options, Run, StopError, ingest
from knowledge.models import Upload
from knowledge.storing import NO_HISTORY, History

UPLOAD_BYTES = 10 << 20
UPLOAD_ROWS = 50_000
UNPACKED_BYTES = 200 << 20
"""Of a workbook or document: what ten honest megabytes unpack to, and read within the time."""
UPLOAD_SECONDS = 60
"""nginx waits for twice as long; the last transaction must end, too."""
BREATH_ROWS = 250
BREATH_SECONDS = 0.001
"""How often, and for how long, the interpreter is left to the threads that visitors wait for."""
BATCH = 100
"""So few rows end within seconds even where each must be embedded."""
KEPT = timedelta(hours=1)


class NoUploadError(Exception):
    """The upload is somebody else's, too old, imported already, or never was."""


class TooManyRowsError(StopError):
    """The file has more rows than an upload may."""


class TooLargeInsideError(StopError):
    """The file's package would unpack to more than is read for an upload."""


class OutOfTimeError(StopError):
    """Reading the file, or comparing it with the base, takes longer than a page may."""


class BusyError(StopError):
    """Another import is running."""


class Limits:
    """Watches an ingest, and ends it where somebody would wait for a page too long."""

    def __init__(self) -> None:
        self._ends_at = time.monotonic() + UPLOAD_SECONDS

    def progress(self, done: int, total: int | None) -> None:
        if total is None and done > UPLOAD_ROWS:
            raise TooManyRowsError
        if done != total and time.monotonic() > self._ends_at:
            raise OutOfTimeError
        if done % BREATH_ROWS == 0:
            time.sleep(BREATH_SECONDS)

    def waiting(self) -> None:
        raise BusyError


def check(upload: Upload) -> Report:
    """What an import would change, its invalid rows left out. Stores nothing.

    Raises StopError, as the limit that it is, and EmbedderError when the settings lack something.
    """
    report = _ingested(upload, Options(dry_run=True, skip_invalid=True))
    if report.left_over:
        raise OutOfTimeError
    return report


def bring_in(upload: Upload, *, skip_invalid: bool, history: History = NO_HISTORY) -> Report:
    """Store the file's rows as drafts; if it could not be all of them, again goes on from there.

    Raises StopError and EmbedderError before anything is stored.
    """
    options = Options(skip_invalid=skip_invalid, largest_batch=BATCH, history=history)
    report = _ingested(upload, options)
    if not (report.left_over or report.invalid):
        upload.delete()
    return report


def _ingested(upload: Upload, options: Options) -> Report:
    with opened(upload) as file:
        return ingest(files=[file], embedder=wiring.embedder(), options=options, watcher=Limits())


def rejected_rows(upload: Upload) -> bytes:
    """The invalid rows as JSON Lines, to be corrected and uploaded under the same source.

    Raises StopError.
    """
    with opened(upload) as file, tempfile.TemporaryDirectory(prefix="expertline-") as folder:
        path = Path(folder, "rejects.jsonl")
        path.touch()
        with Rejects(lambda _source: path) as rejects:
            Run(options=Options(), tally=Tally(), watcher=Limits()).check([file], rejects)
        return path.read_bytes()


@contextmanager
def opened(upload: Upload) -> Iterator[KnowledgeFile]:
    """The upload as a file for the readers. Raises TooLargeInsideError."""
    suffix = PurePath(upload.name).suffix.lower()
    with spooled(
        io.BytesIO(upload.content),
        source=upload.source,
        file_format=SUFFIXES.get(suffix),
        name=upload.name,
    ) as file:
        if unpacked_bytes(file.path) > UNPACKED_BYTES:
            raise TooLargeInsideError
        yield file


def unpacked_bytes(path: Path) -> int:
    """0 for what is no package, or none that may be opened: the readers say why."""
    try:
        with opened_package(path) as package:
            return sum(member.file_size for member in package.archive.infolist())
    except UnreadableFileError:
        return 0


def keep(upload: Upload) -> None:
    """Store it in place of the user's last one. Those that nobody came back for go, too."""
    Upload.objects.filter(user=upload.user_id).delete()
    Upload.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    upload.save(force_insert=True)


def find(user: User, key: UUID) -> Upload:
    """The user's own upload. Raises NoUploadError."""
    kept = Upload.objects.filter(user=user, created_at__gte=timezone.now() - KEPT)
    upload = kept.filter(pk=key).first()
    if upload is None:
        raise NoUploadError
    return upload
