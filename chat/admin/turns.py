"""Turns: one message of a visitor and what was done to answer it."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.admin.base import ChatAdmin, shortened
from chat.models import Turn


@admin.register(Turn)
class TurnAdmin(ChatAdmin):
    deletion = "conversation__deleted_at"
    list_display = ["asked", "status", "attempt", "created_at", "ended_at"]
    list_filter = ["status"]
    list_select_related = ["question"]
    fields = [
        *("conversation", "question", "reply", "status", "attempt", "stop_requested"),
        *("owner", "lease_until", "last_event", "key", "created_at", "ended_at"),
    ]

    @admin.display(description=_("question"))
    def asked(self, turn: Turn) -> str:
        return shortened(turn.question.text)
