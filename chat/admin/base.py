"""Lists and details of what visitors left, to read and never to change."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import Truncator

from knowledge.admin.read_only import ReadOnlyAdmin

EXCERPT_CHARACTERS = 100


class ChatAdmin(ReadOnlyAdmin):
    show_full_result_count = False  # these tables grow without end
    deletion = ""
    """Where it is noted that the visitor has deleted a row: then it is nobody's to read."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(**{self.deletion: None}) if self.deletion else rows

    class Media:
        css = {"all": ["chat/admin.css"]}


def shortened(text: str) -> str:
    return Truncator(text).chars(EXCERPT_CHARACTERS)
