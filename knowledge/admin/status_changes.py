"""Publishing and withdrawing by hand: doing it, noting it, telling the expert."""

from collections.abc import Sequence

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from knowledge import publishing, wiring
from knowledge.embedders.base import EmbedderError
from knowledge.indexing import batches
from knowledge.models import Answer
from knowledge.recalibration import recalibration

Status = Answer.Status

BUTTONS = {
    "_publish": (Status.PUBLISHED, _("Save and publish")),
    "_withdraw": (Status.DRAFT, _("Save and withdraw to draft")),
    "_archive": (Status.ARCHIVED, _("Save and archive")),
}
"""By the name of a form's button: the status that it gives, and what it says."""

HISTORY = {
    Status.PUBLISHED: "Published.",
    Status.DRAFT: "Withdrawn to draft.",
    Status.ARCHIVED: "Archived.",
}
NAMED = 5
SAVED_WAITING = _(
    "Your changes are saved, but visitors are not given this answer yet: the program that makes"
    " texts searchable does not respond. Later, tick the answer in the list and run “Build search"
    " entries again”."
)
SAVED_UNPUBLISHED = _(
    "Your changes are saved, but the answer is not published: the program that makes texts"
    " searchable does not respond. Try again later."
)
READ_FIRST = _(
    "These must be read first, one by one; open each and publish it from its own page: %s"
)
STOPPED = _(
    "The program that makes texts searchable does not respond, so not everything was done. Try"
    " again later."
)


def status_wanted(request: HttpRequest) -> Answer.Status | None:
    """The status that the pressed button of the form gives, if it gives one."""
    return next((status for name, (status, label) in BUTTONS.items() if name in request.POST), None)


def buttons(answer: Answer | None) -> list[tuple[str, object]]:
    """Names and labels of those that make sense: a new answer can only be published."""
    useless = {answer.status} if answer else {Status.DRAFT, Status.ARCHIVED}
    return [(name, label) for name, (status, label) in BUTTONS.items() if status not in useless]


def store_edit(request: HttpRequest, answer: Answer, wanted: Answer.Status | None) -> None:
    """After the columns and wordings of a form were stored, in the same transaction."""
    was = answer.status
    try:
        publishing.store_edit(answer, wiring.embedder(), wanted)
    except EmbedderError:
        messages.warning(request, SAVED_WAITING if was == Status.PUBLISHED else SAVED_UNPUBLISHED)
        return
    if wanted and wanted != was:
        note(request, [answer], wanted)
        tell(request, 1, wanted)
        transaction.on_commit(recalibration.ask)


def give_status(request: HttpRequest, answers: QuerySet[Answer], status: Answer.Status) -> None:
    """A batch at a time: what was done before the embedder failed is kept."""
    if status == Status.PUBLISHED:
        warn_of_suspicious(request, answers)
    changed = 0
    try:
        for keys in batches(list(answers.values_list("pk", flat=True))):
            changed += give_status_to_batch(request, keys, status)
    except EmbedderError:
        messages.error(request, STOPPED)
    tell(request, changed, status)
    transaction.on_commit(recalibration.ask)


@transaction.atomic
def give_status_to_batch(request: HttpRequest, keys: Sequence[int], status: Answer.Status) -> int:
    chosen = Answer.objects.filter(pk__in=keys)
    others = list(chosen.exclude(status=status))
    if status == Status.PUBLISHED:
        others = [answer for answer in others if not answer.suspicious]
    changed = publishing.give_status(chosen, status, wiring.embedder())
    note(request, others, status)
    return changed


def warn_of_suspicious(request: HttpRequest, answers: QuerySet[Answer]) -> None:
    """Name those that are not published together with others."""
    held = answers.exclude(suspicious="").exclude(status=Status.PUBLISHED)
    titles = [str(answer) for answer in held[:NAMED]]
    if titles:
        more = ["…"] if held.count() > NAMED else []
        messages.warning(request, READ_FIRST % " · ".join([*titles, *more]))


def rebuild(request: HttpRequest, answers: QuerySet[Answer]) -> None:
    """Build the search entries of the published ones among these answers again."""
    built = 0
    published = answers.filter(status=Status.PUBLISHED)
    try:
        for keys in batches(list(published.values_list("pk", flat=True))):
            publishing.reindex(keys, wiring.embedder())
            built += len(keys)
    except EmbedderError:
        messages.error(request, STOPPED)
    text = ngettext(
        "The search entries of %d published answer were built.",
        "The search entries of %d published answers were built.",
        built,
    )
    messages.info(request, text % built)


def note(request: HttpRequest, answers: Sequence[Answer], status: Answer.Status) -> None:
    """In the history that the admin keeps of each answer."""
    user = request.user.pk or 0  # never 0: the admin lets only users in
    LogEntry.objects.log_actions(user, answers, CHANGE, HISTORY[status])


def tell(request: HttpRequest, changed: int, status: Answer.Status) -> None:
    match status:
        case Status.PUBLISHED:
            text = ngettext("%d answer is now published.", "%d answers are now published.", changed)
        case Status.DRAFT:
            text = ngettext("%d answer is now a draft.", "%d answers are now drafts.", changed)
        case _:
            text = ngettext("%d answer is now archived.", "%d answers are now archived.", changed)
    messages.info(request, text % changed)
