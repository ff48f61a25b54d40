"""Lists whose search and filters refuse what the database could not answer."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    ListAdmin = admin.ModelAdmin[Any]
else:
    ListAdmin = admin.ModelAdmin

SEARCH_CHARACTERS = 200
"""Each word is a condition of its own in SQL."""


class BoundedListAdmin(ListAdmin):
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        refuse_unanswerable(request)
        self.refuse_unknown_keys(request)
        return super().changelist_view(request, extra_context)

    def refuse_unknown_keys(self, request: HttpRequest) -> None:
        """Django takes the keys of ticked rows unchecked into its query."""
        try:
            for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(key)
        except ValidationError as error:
            raise BadRequest("A ticked row has no such key.") from error


def refuse_unanswerable(request: HttpRequest) -> None:
    if len(request.GET.get(SEARCH_VAR, "")) > SEARCH_CHARACTERS:
        raise BadRequest(f"A search may have {SEARCH_CHARACTERS} characters.")
    if any("\0" in value for values in dict(request.GET.lists()).values() for value in values):
        raise BadRequest("A search cannot have a NUL character.")
