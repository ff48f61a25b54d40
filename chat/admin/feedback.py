"""Feedback: what visitors thought of replies."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.admin.base import ChatAdmin, shortened
from chat.models import Feedback


@admin.register(Feedback)
class FeedbackAdmin(ChatAdmin):
    deletion = "message__conversation__deleted_at"
    list_display = ["value", "reason", "comment_excerpt", "asked", "replied", "created_at"]
    list_filter = ["value", "reason"]
    list_select_related = ["message__parent"]
    ordering = ["-created_at"]
    fields = ["value", "reason", "comment", "asked", "message_text", "message", "created_at"]

    @admin.display(description=_("comment"))
    def comment_excerpt(self, feedback: Feedback) -> str:
        return shortened(feedback.comment)

    @admin.display(description=_("question"))
    def asked(self, feedback: Feedback) -> str | None:
        question = feedback.message.parent
        return shortened(question.text) if question else None

    @admin.display(description=_("reply"))
    def replied(self, feedback: Feedback) -> str:
        return shortened(feedback.message.text)

    @admin.display(description=_("reply"))
    def message_text(self, feedback: Feedback) -> str:
        return feedback.message.text
