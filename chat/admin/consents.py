"""Who agreed to what, and when: to read, and never to change."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.admin.base import ChatAdmin
from chat.models import Consent


@admin.register(Consent)
class ConsentAdmin(ChatAdmin):
    list_display = ["who", "version", "agreed_at", "withdrawn_at"]
    list_filter = [("withdrawn_at", admin.EmptyFieldListFilter)]
    fields = ["who", "version", "agreed_at", "withdrawn_at"]

    @admin.display(description=_("visitor"), ordering="visitor")
    def who(self, consent: Consent) -> str:
        return str(consent.visitor_id)
