"""Start-up checks of the knowledge app: the database that search needs, and the reranker."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.db import DatabaseError, connections

from knowledge.database_needs import Lack, facts, lacks
from knowledge.wiring import lacking_reranker_settings


@register(Tags.database)
def check_database(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Runs before `migrate`, so that what is missing is told in a sentence."""
    return [found for alias in databases or [] for found in check_one(alias)]


def check_one(alias: str) -> list[CheckMessage]:
    connections[alias].ensure_connection()
    try:
        return [message(lack) for lack in lacks(facts(connections[alias]))]
    except DatabaseError:
        return []


def message(lack: Lack) -> CheckMessage:
    kind = Error if lack.needed else Caution
    return kind(lack.message, hint=lack.remedy, id=f"knowledge.{lack.code}")


@register()
def check_reranker(**_: Any) -> list[CheckMessage]:
    """Settings that are half of a reranker; none is asked."""
    lacking = lacking_reranker_settings()
    if settings.RERANKER == "remote" and lacking:
        return [
            Error(
                f"RERANKER=remote needs {' and '.join(lacking)}.",
                hint="docs/providers.md has examples. RERANKER=off searches without.",
                id="knowledge.E010",
            )
        ]
    if settings.RERANKER == "off" and settings.RERANKER_BASE_URL:
        return [
            Caution(
                "RERANKER_BASE_URL is set and the reranker is off.",
                hint="Set RERANKER=remote to use it.",
                id="knowledge.W010",
            )
        ]
    return []
