"""Filters of the list of answers."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from knowledge.publishing import waiting


class ChoiceFilter(admin.SimpleListFilter):
    """All rows, or those that one sentence is true of."""

    sentence: Any
    """Its translation is made when it is shown."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", self.sentence)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return self.chosen(queryset) if self.value() == "yes" else queryset

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        raise NotImplementedError


class OverdueFilter(ChoiceFilter):
    title = _("review")
    parameter_name = "overdue"
    sentence = _("overdue")

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(review_by__lt=timezone.now().date())


class WaitingFilter(ChoiceFilter):
    title = _("search")
    parameter_name = "waiting"
    sentence = _("waiting for its vector")

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(pk__in=waiting().values("pk"))


class SuspiciousFilter(ChoiceFilter):
    title = _("caution")
    parameter_name = "suspicious"
    sentence = _("to be read first")

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.exclude(suspicious="")
