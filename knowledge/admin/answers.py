"""Answers: the list, the form, and trying a question."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import connection, models
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from knowledge.admin import caution, status_changes, upload
from knowledge.admin.answer_form import AnswerForm, QuestionFormSet
from knowledge.admin.bounded_list import BoundedListAdmin
from knowledge.admin.fields import PlainTextField, WebAddressField
from knowledge.admin.filters import OverdueFilter, SuspiciousFilter, WaitingFilter
from knowledge.admin.trial import TrialForm, trial
from knowledge.admin.wordings import QuestionInline
from knowledge.importers.rows import ANSWER_CHARACTERS, BASIS_CHARACTERS
from knowledge.models import Answer, Question, shortened
from knowledge.publishing import reword, waiting

if TYPE_CHECKING:
    from typing import TypedDict

    from django_stubs_ext import WithAnnotations

    class Columns(TypedDict):
        first_wording: str | None
        waits: bool

    ListedAnswer = WithAnnotations[Answer, Columns]

STATE = (
    *("status", "findable", "version", "updated_at"),
    *("uid", "source", "external_id", "created_at"),
)
LIMITS = {"text": ANSWER_CHARACTERS, "basis": BASIS_CHARACTERS}


@admin.register(Answer)
class AnswerAdmin(BoundedListAdmin):
    form = AnswerForm
    inlines = [QuestionInline]
    list_display = [
        *("title", "status", "findable", "due", "reviewed_at", "locale", "topic", "expert_name"),
        *("version", "updated_at"),
    ]
    list_filter = [
        *("status", SuspiciousFilter, WaitingFilter, OverdueFilter, "locale", "verbatim"),
        ("topic", admin.AllValuesFieldListFilter),
    ]
    list_per_page = 50
    search_fields = ["questions__text", "text", "source", "external_id"]
    search_help_text = _("Searches questions, answers, sources and ids for these words.")
    actions = ["publish", "withdraw", "archive", "build_search_entries"]
    readonly_fields = STATE
    fieldsets = [
        (_("The answer"), {"fields": ["text", "verbatim", "locale", "topic"]}),
        (
            _("Who says so"),
            {"fields": ["expert_name", "expert_role", "basis", "basis_url"]},
        ),
        (_("Review"), {"fields": ["reviewed_at", "review_by"]}),
        (_("State"), {"fields": STATE}),
    ]
    formfield_overrides = {
        models.CharField: {"form_class": PlainTextField},
        models.TextField: {"form_class": PlainTextField},
        models.URLField: {"form_class": WebAddressField, "assume_scheme": "https"},
    }

    class Media:
        css = {"all": ["knowledge/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Answer]:
        first = Question.objects.filter(answer=OuterRef("pk")).order_by("position", "id")
        answers: QuerySet[Answer] = super().get_queryset(request)
        return answers.annotate(
            first_wording=Subquery(first.values("text")[:1]),
            waits=Exists(waiting().filter(pk=OuterRef("pk"))),
        )

    @admin.display(description=_("title"), ordering="first_wording")
    def title(self, answer: "ListedAnswer") -> str:
        return shortened(answer.first_wording or answer.text)

    @admin.display(description=_("found by search"))
    def findable(self, answer: "ListedAnswer") -> str:
        if answer.suspicious:
            return format_html('<span class="attention">{}</span>', _("to be read first"))
        if answer.status != Answer.Status.PUBLISHED:
            return str(_("not published"))
        if answer.waits:
            return format_html('<span class="attention">{}</span>', _("waiting for its vector"))
        return str(_("yes"))

    @admin.display(description=_("review again by"), ordering=F("review_by").asc(nulls_last=True))
    def due(self, answer: Answer) -> str | None:
        if answer.review_by is None:
            return None
        day = date_format(answer.review_by)
        if not answer.overdue:
            return day
        return format_html('<span class="attention">{} ({})</span>', day, _("overdue"))

    def get_fieldsets(self, request: HttpRequest, obj: Answer | None = None) -> Any:
        return self.fieldsets if obj else self.fieldsets[:-1]

    def formfield_for_dbfield(
        self, db_field: "models.Field[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name in LIMITS:
            kwargs["max_length"] = LIMITS[db_field.name]
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Answer | None:
        """Where it may be changed (in a transaction), as others leave it; they wait in turn."""
        answer = super().get_object(request, object_id, from_field)
        if answer is None or not connection.in_atomic_block:
            return answer
        Answer.objects.select_for_update().filter(pk=answer.pk).first()
        return super().get_object(request, object_id, from_field)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        answer = context.get("original")
        if answer:
            context["subtitle"] = self.title(answer)
            context["caution"] = caution.notice(answer)
        if self.has_change_permission(request):
            context["status_buttons"] = status_changes.buttons(answer)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_formset(
        self, request: HttpRequest, form: Any, formset: QuestionFormSet, change: Any
    ) -> None:
        formset.save(commit=False)  # tells the history what changed; the rows are stored together
        reword(formset.instance, formset.wordings())

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        super().save_related(request, form, formsets, change)
        may = self.has_change_permission(request)
        wanted = status_changes.status_wanted(request) if may else None
        status_changes.store_edit(request, form.instance, wanted)

    def get_deleted_objects(
        self, objs: Sequence[Answer] | QuerySet[Answer], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Without its search entries, which go with it: they mean nothing to an expert."""
        names = [str(answer) for answer in objs]
        return names, {str(self.opts.verbose_name_plural): len(names)}, set(), []

    @admin.action(permissions=["change"], description=_("Publish"))
    def publish(self, request: HttpRequest, answers: QuerySet[Answer]) -> None:
        status_changes.give_status(request, answers, Answer.Status.PUBLISHED)

    @admin.action(permissions=["change"], description=_("Withdraw to draft"))
    def withdraw(self, request: HttpRequest, answers: QuerySet[Answer]) -> None:
        status_changes.give_status(request, answers, Answer.Status.DRAFT)

    @admin.action(permissions=["change"], description=_("Archive"))
    def archive(self, request: HttpRequest, answers: QuerySet[Answer]) -> None:
        status_changes.give_status(request, answers, Answer.Status.ARCHIVED)

    @admin.action(permissions=["change"], description=_("Build search entries again"))
    def build_search_entries(self, request: HttpRequest, answers: QuerySet[Answer]) -> None:
        status_changes.rebuild(request, answers)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.try_question)
        own = [path("try/", view, name="knowledge_answer_try"), *upload.urls(self)]
        return [*own, *super().get_urls()]

    def try_question(self, request: HttpRequest) -> HttpResponse:
        """By POST, so that a parent's words stay out of addresses and logs."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = TrialForm(request.POST or None)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Try a question"),
            "opts": self.opts,
            "media": self.media,
            "trial": trial(form),
            "form": form,
        }
        return TemplateResponse(request, "admin/knowledge/answer/try.html", context)
