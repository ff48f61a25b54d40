"""What an import did or would do, as its page shows it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from knowledge.admin.caution import REASONS
from knowledge.admin.upload_problems import in_words
from knowledge.importers.files import PACKAGE_ENCODING
from knowledge.importers.report import Change, Report
from knowledge.models import Answer

PROBLEMS_SHOWN = 20
KINDS = {"created": _("new"), "updated": _("updated")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    line: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    line: int
    reasons: list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownChange:
    line: str
    kind: Any
    title: str
    fields: list[tuple[Any, str, str]]
    """Their names, what they say, and what they will say."""


@dataclass(frozen=True, slots=True)
class ShownReport:
    report: Report

    @property
    def format(self) -> str:
        return self.report.files[0].format.upper()

    @property
    def encoding(self) -> str:
        encoding = self.report.files[0].encoding
        return "" if encoding == PACKAGE_ENCODING else encoding.upper()

    @property
    def valid(self) -> int:
        return self.report.read - self.report.invalid

    @property
    def unchanged(self) -> int:
        return self.report.unchanged - self.report.left_over

    @property
    def problems(self) -> list[Problem]:
        return [
            Problem(line=error.line, message=in_words(error.message))
            for error in self.report.errors[: min(PROBLEMS_SHOWN, self.report.invalid)]
        ]

    @property
    def more_problems(self) -> int:
        return self.report.invalid - len(self.problems)

    @property
    def suspicions(self) -> list[Suspicion]:
        return [
            Suspicion(line=row.line, reasons=[REASONS[code] for code in row.codes])
            for row in self.report.suspicious_rows
        ]

    @property
    def more_suspicions(self) -> int:
        return self.report.suspicious - len(self.report.suspicious_rows)

    @property
    def changes(self) -> list[ShownChange]:
        return [*self._changes("updated"), *self._changes("created")]

    @property
    def more_changes(self) -> int:
        return self.report.created + self.report.updated - len(self.report.changes)

    def _changes(self, kind: str) -> Iterator[ShownChange]:
        for change in self.report.changes:
            if change.kind == kind:
                yield shown_change(change)


def shown_change(change: Change) -> ShownChange:
    return ShownChange(
        line=change.place.rpartition(":")[2],
        kind=KINDS[change.kind],
        title=change.title,
        fields=[(name_of(field.name), field.old, field.new) for field in change.fields],
    )


def name_of(field: str) -> Any:
    names = {column.name: column.verbose_name for column in Answer._meta.fields}
    return names.get(field, _("questions"))
