"""Prompts and texts: what each language uses, every version, and the page to edit them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from chat.admin.prompt_form import SECTIONS, PromptForm, form_of, label_of
from chat.admin.prompt_trial import Trial, tried
from chat.admin.text_diff import changes
from chat.models import PromptVersion
from chat.prompts import (
    SavedMeanwhileError,
    current_texts,
    missing_placeholders,
    save_version,
    texts_before,
    texts_of,
    unknown_placeholders,
)
from chat.turn.prompt import Texts, texts_for
from knowledge.admin.read_only import ReadOnlyAdmin
from knowledge.models import Locale
from knowledge.plain_text import language_of

if TYPE_CHECKING:
    from typing import TypedDict

    from django.contrib.admin.options import _FieldOpts
    from django_stubs_ext import WithAnnotations

    class Columns(TypedDict):
        latest: int

    ListedVersion = WithAnnotations[PromptVersion, Columns]

LIST = "admin:chat_promptversion_changelist"
TEXT_FIELDSETS: list[tuple[Any, "_FieldOpts"]] = [
    (title, {"fields": names}) for title, names in SECTIONS
]
NOT_SAVED = _("Nothing was saved: somebody saved other texts meanwhile.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """`version` is the one in use, None where it is the built-in texts."""

    locale: str
    label: Any
    version: PromptVersion | None


@admin.register(PromptVersion)
class PromptVersionAdmin(ReadOnlyAdmin):
    list_display = ["name", "locale", "in_use", "note", "author", "created_at"]
    list_filter = ["locale"]
    list_select_related = ["author"]
    ordering = ["-created_at"]
    fieldsets = [
        (None, {"fields": ["locale", "number", "note", "author", "created_at"]}),
        *TEXT_FIELDSETS,
    ]

    class Media:
        css = {"all": ["chat/admin.css"]}

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or may_save(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PromptVersion]:
        same = PromptVersion.objects.filter(locale=OuterRef("locale")).order_by("-number")
        versions: QuerySet[PromptVersion] = super().get_queryset(request)
        return versions.annotate(latest=Subquery(same.values("number")[:1]))

    @admin.display(description=_("version"), ordering="number")
    def name(self, version: PromptVersion) -> str:
        return str(version)

    @admin.display(description=_("in use"), boolean=True)
    def in_use(self, version: "ListedVersion") -> bool:
        return version.number == version.latest

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "title": capfirst(self.opts.verbose_name_plural),
            "languages": languages(),
            "may_save": may_save(request),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        version: ListedVersion = context["original"]
        context["changes"] = changes(texts_before(version), texts_of(version))
        context["may_reuse"] = may_save(request) and not self.in_use(version)
        context["seen"] = f"{version.locale}/{version.latest}"
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        edit, try_texts = self.guarded(self.edit), self.guarded(self.try_texts)
        built_in = self.guarded(require_POST(self.use_built_in))
        again = self.guarded(require_POST(self.use_again))
        return [
            path("edit/<str:locale>/", edit, name="prompts_edit"),
            path("edit/<str:locale>/try/", try_texts, name="prompts_try"),
            path("edit/<str:locale>/built-in/", built_in, name="prompts_built_in"),
            path("<int:key>/again/", again, name="prompts_again"),
            *super().get_urls(),
        ]

    def guarded(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        """For those who may save, and for languages that there are."""

        def guard(request: HttpRequest, **named: Any) -> HttpResponse:
            if not may_save(request):
                raise PermissionDenied
            if named.get("locale", Locale.ENGLISH) not in Locale.values:
                raise Http404
            return view(request, **named)

        return self.admin_site.admin_view(guard)

    def edit(self, request: HttpRequest, locale: str) -> HttpResponse:
        if request.method != "POST":
            return self.page(request, locale, form_of(current_texts(locale)))
        form = PromptForm(request.POST)
        if form.is_valid():
            texts, note = form.texts(), form.cleaned_data["note"]
            if self.saved(request, locale, texts, note):
                for warning in warnings_of(texts):
                    messages.warning(request, warning)
                return HttpResponseRedirect(reverse(LIST))
            form.add_error(None, not_saved(locale))
        return self.page(request, locale, form)

    def try_texts(self, request: HttpRequest, locale: str) -> HttpResponse:
        """By POST, so that a parent's words stay out of addresses and logs."""
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:prompts_edit", args=[locale]))
        form = PromptForm(request.POST)
        if not form.is_valid():
            return self.page(request, locale, form)
        if not form.cleaned_data["question"]:
            form.add_error("question", _("Write a question to try the texts on."))
            return self.page(request, locale, form)
        # From a thread of the ASGI server this runs on the server's own event loop.
        trial = async_to_sync(tried)(form.texts(), form.cleaned_data["question"])
        return self.page(request, locale, form, trial)

    def use_built_in(self, request: HttpRequest, locale: str) -> HttpResponse:
        return self.reuse(request, locale, texts_for(locale), gettext("The built-in texts again."))

    def use_again(self, request: HttpRequest, key: int) -> HttpResponse:
        version = get_object_or_404(PromptVersion, pk=key)
        note = gettext("The texts of version %(number)s again.") % {"number": version.number}
        return self.reuse(request, version.locale, texts_of(version), note)

    def reuse(self, request: HttpRequest, locale: str, texts: Texts, note: str) -> HttpResponse:
        made_from = replace(texts, version=request.POST.get("seen", ""))
        if not self.saved(request, locale, made_from, note):
            messages.error(request, not_saved(locale))
        return HttpResponseRedirect(reverse(LIST))

    def saved(self, request: HttpRequest, locale: str, texts: Texts, note: str) -> bool:
        """False, and nothing stored or said, where somebody saved other texts meanwhile."""
        author = request.user if isinstance(request.user, User) else None
        try:
            version = save_version(locale, texts, author=author, note=note)
        except SavedMeanwhileError:
            return False
        if version is None:
            messages.info(request, _("Nothing was saved: these texts are in use already."))
            return True
        self.log_addition(request, version, [{"added": {}}])
        text = _("Version %(version)s was saved. New replies use it.")
        messages.success(request, text % {"version": version})
        return True

    def page(
        self, request: HttpRequest, locale: str, form: PromptForm, trial: Trial | None = None
    ) -> HttpResponse:
        # Its annotation asks for a model's form, but it draws any.
        admin_form = AdminForm(form, TEXT_FIELDSETS, {}, (), self)  # type: ignore[arg-type]
        context = {
            **self.admin_site.each_context(request),
            "title": _("Edit the texts: %(language)s") % {"language": Locale(locale).label},
            "opts": self.opts,
            "media": self.media,
            "form": form,
            "adminform": admin_form,
            "locale": locale,
            "trial": trial,
            "warnings": trial_warnings(locale, form) if trial else [],
        }
        return TemplateResponse(request, "admin/chat/promptversion/edit.html", context)


def may_save(request: HttpRequest) -> bool:
    return request.user.has_perm("chat.add_promptversion")


def languages() -> list[Language]:
    latest = PromptVersion.objects.order_by("locale", "-number").distinct("locale")
    versions = {version.locale: version for version in latest.select_related("author")}
    return [
        Language(locale=locale, label=label, version=versions.get(locale))
        for locale, label in Locale.choices
    ]


def not_saved(locale: str) -> str:
    """With a link to what others saved."""
    latest = PromptVersion.objects.filter(locale=locale).order_by("-number").first()
    if latest is None:
        return str(NOT_SAVED)
    address = reverse("admin:chat_promptversion_change", args=[latest.pk])
    link = _("See what they changed")
    return format_html('{} <a href="{}" target="_blank">{}</a>', NOT_SAVED, address, link)


def trial_warnings(locale: str, form: PromptForm) -> list[str]:
    warnings = list(warnings_of(form.texts()))
    language = language_of(form.cleaned_data["question"])
    if language != locale:
        text = _("Visitors who ask this are given the texts of another language: %(language)s.")
        warnings.append(text % {"language": Locale(language).label})
    return warnings


def warnings_of(texts: Texts) -> Iterator[str]:
    """What is probably a slip, and is used all the same."""
    for name, placeholder in missing_placeholders(texts):
        text = _("“%(text)s” has no %(placeholder)s.")
        yield text % {"text": label_of(name), "placeholder": placeholder}
    for name, placeholder in unknown_placeholders(texts):
        text = _("“%(text)s” has %(placeholder)s, which nothing is filled in for.")
        yield text % {"text": label_of(name), "placeholder": placeholder}
