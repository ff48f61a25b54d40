"""API keys: made here and shown once, watched, and revoked."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from chat import api_keys, prices
from chat.models import ApiKey
from knowledge.admin.bounded_list import BoundedListAdmin
from knowledge.admin.fields import PlainTextField

REVOKE_BUTTON = "_revoke"
ONE_BUTTON = {"show_save_and_add_another": False, "show_save_and_continue": False}


class IssuingRequest(HttpRequest):
    """A request that has made a key, which the page that answers it shows."""

    secret: str


@admin.register(ApiKey)
class ApiKeyAdmin(BoundedListAdmin):
    list_display = [
        *("name", "shown_start", "state", "footer", "author", "created_at", "last_used_at"),
        *("requests", "input_tokens", "output_tokens", "shown_cost"),
    ]
    list_select_related = ["author"]
    search_fields = ["name", "start"]
    search_help_text = _("Searches names and the first characters of keys.")
    actions = ["revoke"]
    readonly_fields = [
        *("shown_start", "state", "author", "created_at", "revoked_at", "last_used_at"),
        *("requests", "input_tokens", "output_tokens", "shown_cost"),
    ]
    fields = ["name", "footer", *readonly_fields]
    formfield_overrides = {models.CharField: {"form_class": PlainTextField}}

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return self.fields if obj else self.fields[:2]

    @admin.display(description=_("key"), ordering="start")
    def shown_start(self, key: ApiKey) -> str:
        return f"{key.start}…"

    @admin.display(description=_("state"), ordering="revoked_at")
    def state(self, key: ApiKey) -> str:
        if key.revoked_at is None:
            return str(_("in use"))
        return format_html('<span class="attention">{}</span>', _("revoked"))

    @admin.display(description=_("cost"), ordering="cost")
    def shown_cost(self, key: ApiKey) -> str:
        return prices.shown(key.cost)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        key = context.get("original")
        revocable = key is not None and key.revoked_at is None
        if revocable and self.has_change_permission(request, key):
            context["revoke_button"] = REVOKE_BUTTON
        return super().render_change_form(request, context | ONE_BUTTON, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: Any) -> None:
        if change:
            # Not the whole row: its counters rise meanwhile, and somebody may revoke it.
            obj.save(update_fields=form.changed_data)
        else:
            secret = api_keys.issue(obj, author=cast(User, request.user))
            cast(IssuingRequest, request).secret = secret

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The key itself, this once: neither a redirect nor a message could carry it unstored."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("Your new API key"),
            "opts": self.opts,
            "media": self.media,
            "key": obj,
            "secret": cast(IssuingRequest, request).secret,
            "base_url": request.build_absolute_uri(reverse("models")).removesuffix("/models"),
        }
        return TemplateResponse(request, "admin/chat/apikey/made.html", context)

    def response_change(self, request: HttpRequest, obj: ApiKey) -> HttpResponse:
        if REVOKE_BUTTON in request.POST:
            self.revoke(request, ApiKey.objects.filter(pk=obj.pk))
        return super().response_change(request, obj)

    @admin.action(permissions=["change"], description=_("Revoke"))
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        in_use = list(keys.filter(revoked_at=None))
        revoked = api_keys.revoke(keys)
        for key in in_use:
            self.log_change(request, key, gettext("revoked"))
        text = ngettext("%d key was revoked.", "%d keys were revoked.", revoked)
        messages.info(request, text % revoked)
