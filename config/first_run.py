"""What a new installation needs before it can serve, and an old one after an update."""

import secrets
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import transaction

from config.static_files import NotCollectedError, collect
from knowledge.advisory_locks import SET_UP_LOCK, when_free
from knowledge.calibration import calibrate_if_needed
from knowledge.embedders.base import EmbedderError
from knowledge.importers.files import knowledge_files
from knowledge.indexing import index_missing
from knowledge.ingestion import Options, ingest
from knowledge.models import Answer
from knowledge.storing import SAMPLE_SOURCE
from knowledge.wiring import embedder

ADMIN_NAME = "admin"

Tell = Callable[[str], None]


def set_up(tell: Tell) -> None:
    """Migrate, load the sample on an empty base, make the first admin. Safe to repeat.

    Processes that start at once take turns.
    """
    with when_free(SET_UP_LOCK, lambda: None):
        call_command("migrate", interactive=False, verbosity=0)
        collect_static_files(tell)
        load_sample(tell)
        make_findable(tell)
        make_admin(tell)


def collect_static_files(tell: Tell) -> None:
    """Without them pages work all the same, and load more slowly."""
    try:
        collect()
    except NotCollectedError:
        tell("Scripts and styles could not be compressed: pages will load more slowly.")


def load_sample(tell: Tell) -> None:
    if Answer.objects.exists():
        return
    tell("Loading the sample knowledge (not reviewed by a clinician). This takes a moment …")
    files = knowledge_files(settings.BASE_DIR / "sample", source=SAMPLE_SOURCE)
    with transaction.atomic():  # all of it or nothing: the next start looks for any answer
        report = ingest(files=files, embedder=embedder(), options=Options(publish=True))
        transaction.set_rollback(bool(report.errors))
    if report.errors:
        tell(f"The sample was not loaded: {report.errors[0].message}")
    else:
        tell(f"{report.published} sample answers are published.")


def make_findable(tell: Tell) -> None:
    """Complete the search entries; without its embedder the server starts all the same."""
    try:
        index_missing(embedder())
        calibrate_if_needed(embedder())
    except EmbedderError:
        tell("The embedder does not answer: searches will fail until it does.")


def make_admin(tell: Tell) -> None:
    """An account with a password that is shown this once, while there is none at all."""
    users = get_user_model()
    if users.objects.filter(is_superuser=True).exists():
        return
    password = secrets.token_urlsafe(12)
    users.objects.create_superuser(username=ADMIN_NAME, password=password)
    tell(f"Admin account made. Name: {ADMIN_NAME}  Password: {password}  (shown only now)")
