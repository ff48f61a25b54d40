"""Texts of the page: what each language shows, every version, and the page to edit them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from chat.models import SiteText
from chat.site_texts import (
    TEXT_CHARACTERS,
    SavedMeanwhileError,
    SiteTextVersion,
    built_in,
    current_text,
    save_text,
    texts_in,
)
from knowledge.admin.fields import PlainTextField
from knowledge.admin.read_only import ReadOnlyAdmin
from knowledge.models import Locale

LIST = "admin:chat_sitetext_changelist"
HELP = {
    SiteText.Kind.ABOUT: _("Stands on the start page: what this is, and what it is not."),
    SiteText.Kind.CRISIS: _(
        "One tap away on every page. Give the numbers of your own country, and check them often."
        " A number that can be tapped is written [120](tel:120)."
    ),
    SiteText.Kind.CONSENT: _(
        "Asked for before the first message where CONSENT_REQUIRED is set. Whoever agreed to"
        " another wording is asked again."
    ),
    SiteText.Kind.PRIVACY: _("What becomes of what visitors write. Say what holds for your site."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One text, in one language, as it is shown now."""

    kind: str
    kind_label: Any
    locale_label: Any
    text: SiteTextVersion


class SiteTextForm(forms.Form):
    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)
    """The version that was edited: nobody overwrites one they have not seen."""
    text = PlainTextField(
        label=_("Wording"),
        max_length=TEXT_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 14, "class": "vLargeTextField"}),
        help_text=_("Markdown: **bold**, lists, [links](https://…). No pictures, no HTML."),
    )


@admin.register(SiteText)
class SiteTextAdmin(ReadOnlyAdmin):
    list_display = ["name", "kind", "locale", "author", "created_at"]
    list_filter = ["kind", "locale"]
    list_select_related = ["author"]
    ordering = ["-created_at"]
    fields = ["kind", "locale", "number", "author", "created_at", "text"]

    class Media:
        css = {"all": ["chat/admin.css"]}

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or may_save(request)

    @admin.display(description=_("version"))
    def name(self, version: SiteText) -> str:
        return str(version)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "title": capfirst(self.opts.verbose_name_plural),
            "rows": rows(),
            "may_save": may_save(request),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        edit = self.guarded(self.edit)
        return [
            path("edit/<str:kind>/<str:locale>/", edit, name="site_texts_edit"),
            *super().get_urls(),
        ]

    def guarded(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        """For those who may save, and for texts that there are."""

        def guard(request: HttpRequest, kind: str, locale: str) -> HttpResponse:
            if not may_save(request):
                raise PermissionDenied
            if kind not in SiteText.Kind.values or locale not in Locale.values:
                raise Http404
            return view(request, kind, locale)

        return self.admin_site.admin_view(guard)

    def edit(self, request: HttpRequest, kind: str, locale: str) -> HttpResponse:
        """GET shows the text in use; POST saves, or shows what it would look like (`preview`)."""
        current = current_text(kind, locale)
        if request.method != "POST":
            form = SiteTextForm(initial={"seen": current.version, "text": current.text})
            return self.page(request, current, form)
        if "built_in" in request.POST:
            text = built_in(kind, locale).text
            form = SiteTextForm(initial={"seen": current.version, "text": text})
            return self.page(request, current, form, preview=text)
        form = SiteTextForm(request.POST)
        if not form.is_valid():
            return self.page(request, current, form)
        text = form.cleaned_data["text"]
        if "preview" in request.POST:
            return self.page(request, current, form, preview=text)
        if form.cleaned_data["seen"] == current.version and self.saved(request, current, text):
            return HttpResponseRedirect(reverse(LIST))
        form.add_error(None, _("Nothing was saved: somebody saved other texts meanwhile."))
        return self.page(request, current, form)

    def saved(self, request: HttpRequest, current: SiteTextVersion, text: str) -> bool:
        author = request.user if isinstance(request.user, User) else None
        try:
            version = save_text(current, text, author=author)
        except SavedMeanwhileError:
            return False
        if version is None:
            messages.info(request, _("Nothing was saved: this text is in use already."))
            return True
        self.log_addition(request, version, [{"added": {}}])
        messages.success(request, _("Saved. Pages that are loaded from now on show it."))
        return True

    def page(
        self, request: HttpRequest, text: SiteTextVersion, form: SiteTextForm, preview: str = ""
    ) -> HttpResponse:
        shown = SiteTextVersion(kind=text.kind, locale=text.locale, number=0, text=preview)
        kind = SiteText.Kind(text.kind)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{capfirst(kind.label)}: {Locale(text.locale).label}",
            "opts": self.opts,
            "media": self.media,
            "form": form,
            "help": HELP[kind],
            "preview": shown.html if preview else "",
            "locale": text.locale,
        }
        return TemplateResponse(request, "admin/chat/sitetext/edit.html", context)


def may_save(request: HttpRequest) -> bool:
    return request.user.has_perm("chat.add_sitetext")


def rows() -> list[Row]:
    texts = {locale: texts_in(locale) for locale in Locale.values}
    return [
        Row(kind=kind, kind_label=kind_label, locale_label=label, text=texts[locale][kind])
        for kind, kind_label in SiteText.Kind.choices
        for locale, label in Locale.choices
    ]
