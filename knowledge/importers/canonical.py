"""An answer under the names and in the order in which export writes it and ingest reads it."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

CANONICAL = (
    *("id", "questions", "answer", "locale", "topic", "verbatim", "expert", "role"),
    *("basis", "basis_url", "reviewed_at", "review_by"),
)


class Fields(Protocol):
    """What a row and a stored answer have in common."""

    @property
    def text(self) -> str: ...
    @property
    def locale(self) -> str: ...
    @property
    def topic(self) -> str: ...
    @property
    def verbatim(self) -> bool: ...
    @property
    def expert_name(self) -> str: ...
    @property
    def expert_role(self) -> str: ...
    @property
    def basis(self) -> str: ...
    @property
    def basis_url(self) -> str: ...
    @property
    def reviewed_at(self) -> date | None: ...
    @property
    def review_by(self) -> date | None: ...


def canonical(
    answer: Fields, external_id: str, wordings: Sequence[str]
) -> dict[str, str | bool | list[str]]:
    """Values by the names of CANONICAL, without those that are empty."""
    values: tuple[str | bool | list[str], ...] = (
        *(external_id, [*wordings], answer.text, answer.locale, answer.topic, answer.verbatim),
        *(answer.expert_name, answer.expert_role, answer.basis, answer.basis_url),
        *(day(answer.reviewed_at), day(answer.review_by)),
    )
    return {name: value for name, value in zip(CANONICAL, values, strict=True) if value}


def day(value: date | None) -> str:
    return value.isoformat() if value else ""
