"""“Import from a file”: an expert chooses a file, sees what it would change, and imports it."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _

from knowledge import uploads
from knowledge.admin.upload_form import UploadForm
from knowledge.admin.upload_history import UploadHistory
from knowledge.admin.upload_problems import in_words
from knowledge.admin.upload_report import ShownReport
from knowledge.embedders.base import EmbedderError
from knowledge.importers.report import Report
from knowledge.ingestion import StopError
from knowledge.models import Answer, Upload
from knowledge.recalibration import recalibration

if TYPE_CHECKING:
    AnswerAdmin = admin.ModelAdmin[Answer]
else:
    AnswerAdmin = admin.ModelAdmin

View = Callable[..., HttpResponse]
CHOOSE = "admin:knowledge_answer_import"
CHOSEN = "admin:knowledge_answer_import_chosen"
STOPPED = {
    uploads.TooManyRowsError: _(
        "The file has more than 50,000 rows. Divide it, or have it loaded with “manage.py ingest”,"
        " which has no such limit."
    ),
    uploads.TooLargeInsideError: _(
        "Unpacked, the file has more than 200 MiB. Divide it, or leave out what is no text."
    ),
    uploads.OutOfTimeError: _(
        "Reading the file takes longer than a minute. Divide it, or have it loaded with “manage.py"
        " ingest”, which has no such limit."
    ),
    uploads.BusyError: _("Another import is running. Nothing was imported; try again later."),
}
"""By the limit: what to say."""
NO_EMBEDDER = _("The program that makes texts searchable does not respond.")
NO_UPLOAD = _(
    "This file is not here any more: it was imported, or chosen more than an hour ago, or you chose"
    " another one since. Choose it again."
)
NO_ROWS = _("There are no questions and answers in this file.")
NOTHING_IMPORTED = _(
    "Nothing was imported, because some rows cannot be. Correct the file, or tick that they are to"
    " be left out."
)


def urls(site_admin: AnswerAdmin) -> list[URLPattern]:
    def allowed(view: View) -> View:
        return site_admin.admin_site.admin_view(partial(permitted, site_admin, view))

    return [
        path("import/", allowed(choose), name="knowledge_answer_import"),
        path("import/<uuid:key>/", allowed(chosen), name="knowledge_answer_import_chosen"),
        path("import/<uuid:key>/rejects/", allowed(rejects), name="knowledge_answer_rejects"),
    ]


def permitted(
    site_admin: AnswerAdmin, view: View, request: HttpRequest, **names: UUID
) -> HttpResponse:
    """The view's response, to those who may add and change answers."""
    if not (site_admin.has_add_permission(request) and site_admin.has_change_permission(request)):
        raise PermissionDenied
    try:
        return view(site_admin, request, **names)
    except uploads.NoUploadError:
        messages.error(request, NO_UPLOAD)
        return redirect(CHOOSE)


def choose(site_admin: AnswerAdmin, request: HttpRequest) -> HttpResponse:
    """The form and, by POST, what the file would change."""
    posted = request.method == "POST"
    form = UploadForm(request.POST if posted else None, request.FILES if posted else None)
    if form.is_valid():
        upload = Upload(
            user=user_of(request),
            name=form.cleaned_data["file"].name,
            source=form.cleaned_data["source"],
            content=form.cleaned_data["file"].read(),
        )
        report = checked(upload, form)
        if report:
            uploads.keep(upload)
            return page_of_check(site_admin, request, upload, report)
    context = {"title": _("Import from a file"), "form": form}
    return page(site_admin, request, "upload", context)


def checked(upload: Upload, form: UploadForm) -> Report | None:
    """None, with an error in the form, when nothing of the file can be imported."""
    try:
        report = uploads.check(upload)
    except (StopError, EmbedderError) as error:
        form.add_error("file", sentence(error))
        return None
    if not report.files:
        error_at = report.errors[0]
        told = {"line": error_at.line, "problem": in_words(error_at.message)}
        form.add_error("file", _("The file cannot be read (line %(line)d): %(problem)s") % told)
        return None
    if not report.read:
        form.add_error("file", NO_ROWS)
        return None
    return report


def sentence(error: StopError | EmbedderError) -> Any:
    return STOPPED[type(error)] if isinstance(error, StopError) else NO_EMBEDDER


def chosen(site_admin: AnswerAdmin, request: HttpRequest, key: UUID) -> HttpResponse:
    """What a file that was chosen would change or, by POST, has changed."""
    upload = uploads.find(user_of(request), key)
    try:
        if request.method != "POST":
            return page_of_check(site_admin, request, upload, uploads.check(upload))
        report = uploads.bring_in(
            upload,
            skip_invalid="skip_invalid" in request.POST,
            history=UploadHistory(user_of(request), upload.name),
        )
    except (StopError, EmbedderError) as error:
        messages.error(request, sentence(error))
        return redirect(CHOOSE if request.method != "POST" else request.path)
    if report.refused:
        messages.error(request, NOTHING_IMPORTED)
        return redirect(request.path)
    if report.updated_published:
        transaction.on_commit(recalibration.ask)
    return page_of_import(site_admin, request, upload, report, key)


def rejects(_site_admin: AnswerAdmin, request: HttpRequest, key: UUID) -> HttpResponse:
    """The rows that cannot be imported, as a file."""
    upload = uploads.find(user_of(request), key)
    try:
        content = uploads.rejected_rows(upload)
    except StopError as error:
        messages.error(request, sentence(error))
        return redirect(CHOSEN, key=key)
    name = content_disposition_header(as_attachment=True, filename=f"{upload.source}.rejects.jsonl")
    return HttpResponse(
        content, content_type="application/jsonl", headers={"Content-Disposition": name}
    )


def page_of_check(
    site_admin: AnswerAdmin, request: HttpRequest, upload: Upload, report: Report
) -> HttpResponse:
    title = _("Check before the import")
    context = {"title": title, "upload": upload, "shown": ShownReport(report)}
    return page(site_admin, request, "upload_checked", context)


def page_of_import(
    site_admin: AnswerAdmin, request: HttpRequest, upload: Upload, report: Report, key: UUID
) -> HttpResponse:
    title = _("Imported in part") if report.left_over else _("Imported")
    shown = ShownReport(report)
    context = {"title": title, "upload": upload, "shown": shown, "key": key}
    return page(site_admin, request, "upload_done", context)


def page(
    site_admin: AnswerAdmin, request: HttpRequest, name: str, context: dict[str, Any]
) -> HttpResponse:
    shared = site_admin.admin_site.each_context(request)
    everything = {**shared, "opts": site_admin.opts, "media": site_admin.media, **context}
    return TemplateResponse(request, f"admin/knowledge/answer/{name}.html", everything)


def user_of(request: HttpRequest) -> User:
    """Whom the admin let in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
