"""What the page says of itself: about, crisis, consent, privacy. The operator's words, or ours.

Versions are only ever added: what somebody agreed to can always be looked up.
"""

import hashlib
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import IntegrityError
from django.db.models import QuerySet

from chat.database import brief_transaction
from chat.default_texts import DEFAULTS
from chat.models import SiteText
from chat.rendering import render

TEXT_CHARACTERS = 8_000


class SavedMeanwhileError(Exception):
    """There is a newer version than the one that this text was made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTextVersion:
    """`number` is 0 for a built-in text."""

    kind: str
    locale: str
    number: int
    text: str

    @property
    def version(self) -> str:
        """Names these very words, so that a built-in text that changed is another version, too."""
        digest = hashlib.sha256(self.text.encode()).hexdigest()[:12]
        return f"{self.locale}/{self.number}/{digest}"

    @property
    def html(self) -> str:
        """Safe."""
        return render(self.text)


def built_in(kind: str, locale: str) -> SiteTextVersion:
    return SiteTextVersion(kind=kind, locale=locale, number=0, text=DEFAULTS[kind][locale])


def texts_in(locale: str) -> dict[str, SiteTextVersion]:
    """Those in use, by kind. One query."""
    saved = {row.kind: row for row in latest().filter(locale=locale)}
    return {kind: in_use(saved.get(kind), kind, locale) for kind in DEFAULTS}


def consent_texts() -> list[SiteTextVersion]:
    """Those in use, of every language. One query."""
    saved = {row.locale: row for row in latest().filter(kind=SiteText.Kind.CONSENT)}
    return [in_use(saved.get(each), "consent", each) for each in DEFAULTS["consent"]]


def current_text(kind: str, locale: str) -> SiteTextVersion:
    return in_use(latest().filter(kind=kind, locale=locale).first(), kind, locale)


def latest() -> QuerySet[SiteText]:
    """The last version of each text."""
    return SiteText.objects.order_by("kind", "locale", "-number").distinct("kind", "locale")


def in_use(row: SiteText | None, kind: str, locale: str) -> SiteTextVersion:
    if row is None:
        return built_in(kind, locale)
    return SiteTextVersion(kind=kind, locale=locale, number=row.number, text=row.text)


def save_text(made_from: SiteTextVersion, text: str, *, author: User | None) -> SiteText | None:
    """Add the next version; None, and nothing added, where it says this already.

    Raises SavedMeanwhileError. Of two who add the same number, the table lets one.
    """
    if current_text(made_from.kind, made_from.locale).version != made_from.version:
        raise SavedMeanwhileError
    if made_from.text == text:
        return None
    try:
        with brief_transaction():
            return SiteText.objects.create(
                kind=made_from.kind,
                locale=made_from.locale,
                number=made_from.number + 1,
                text=text,
                author=author,
            )
    except IntegrityError as error:
        raise SavedMeanwhileError from error
