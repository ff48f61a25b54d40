"""Messages: what visitors wrote, and replies with what is known of them."""

from decimal import Decimal

from django.contrib import admin
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from chat.admin.base import ChatAdmin, shortened
from chat.admin.filters import MissedCalls, UnansweredMessages
from chat.admin.spending import cost_line, tokens_line
from chat.models import Message


@admin.register(Message)
class MessageAdmin(ChatAdmin):
    deletion = "conversation__deleted_at"
    list_display = [
        *("excerpt", "in_reply_to", "role", "status", "finish", "grounding"),
        *("tokens", "priced", "missed_calls", "notice_wanted", "created_at"),
    ]
    list_filter = [UnansweredMessages, MissedCalls, "notice_wanted", "role", "status"]
    list_select_related = ["parent"]
    search_fields = ["text"]
    search_help_text = _("Searches messages for these words.")
    ordering = ["-created_at"]
    fields = [
        *("conversation", "in_reply_to", "role", "text", "status", "finish", "grounding"),
        *("sources", "suggestions", "notice_wanted", "error", "created_at"),
        *("model", "prompt_version", "space", "tokens", "priced", "missed_calls"),
    ]

    @admin.display(description=_("text"))
    def excerpt(self, message: Message) -> str:
        return shortened(message.text) or "–"

    @admin.display(description=_("in reply to"))
    def in_reply_to(self, message: Message) -> str | None:
        return shortened(message.parent.text) if message.parent else None

    @admin.display(description=_("tokens"))
    def tokens(self, message: Message) -> str | None:
        usage = message.usage or {}
        known = usage.get("input_tokens"), usage.get("output_tokens")
        return tokens_line(*known, estimated=bool(usage.get("estimated"))) or None

    @admin.display(description=_("cost"), ordering=Coalesce("cost", Decimal(0)))
    def priced(self, message: Message) -> str | None:
        return cost_line(message.cost) or None
