"""Lists and details of what the program writes itself and nobody edits by hand."""

from typing import Any

from django.http import HttpRequest

from knowledge.admin.bounded_list import BoundedListAdmin


class ReadOnlyAdmin(BoundedListAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
