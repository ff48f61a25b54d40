"""The texts of each language as experts saved them last; before that, the built-in ones.

Versions are only ever added: what a reply was written with can always be looked up.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Literal

from django.contrib.auth.models import User
from django.db import IntegrityError

from chat.database import brief_transaction
from chat.models import PromptVersion
from chat.turn.prompt import Texts, texts_for
from knowledge.plain_text import BadTextError, storable

Problem = Literal["required", "too_long", "not_text", "tool_name"]

TEXT_NAMES = tuple(field.name for field in fields(Texts) if field.name != "version")
TEXT_CHARACTERS = 8_000
TOOL_NAME_FORM = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What every provider takes as the name of a function."""
PLACEHOLDERS: Mapping[str, tuple[str, ...]] = {
    "system": ("{tool}",),
    "quoted": ("{title}",),
    "quoted_by": ("{expert}", "{role}"),
}
"""What is filled in, by the text in which it is."""
PLACEHOLDER = re.compile(r"\{\w+\}")


class BadTextsError(ValueError):
    """Texts that cannot be used; `problems` says why, by the name of the text."""

    def __init__(self, problems: Mapping[str, Problem]) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems


class SavedMeanwhileError(Exception):
    """There is a newer version than the one that these texts were made from."""


def current_texts(locale: str) -> Texts:
    """One query. Blocking."""
    latest = PromptVersion.objects.filter(locale=locale).order_by("-number").first()
    return texts_of(latest) if latest else texts_for(locale)


def texts_of(version: PromptVersion) -> Texts:
    return Texts(version=str(version), **{name: getattr(version, name) for name in TEXT_NAMES})


def texts_before(version: PromptVersion) -> Texts:
    """What was used until this version was saved."""
    earlier = PromptVersion.objects.filter(locale=version.locale, number=version.number - 1)
    before = earlier.first()
    return texts_of(before) if before else texts_for(version.locale)


def save_version(
    locale: str, texts: Texts, *, author: User | None, note: str = ""
) -> PromptVersion | None:
    """Add the next version; None, and nothing added, where these texts are used already.

    `texts.version` is the version that they were made from. Raises BadTextsError and
    SavedMeanwhileError.
    """
    if found := problems(texts):
        raise BadTextsError(found)
    current = current_texts(locale)
    if current.version != texts.version:
        raise SavedMeanwhileError
    return None if current == texts else added(locale, texts, author, note)


def added(locale: str, texts: Texts, author: User | None, note: str) -> PromptVersion:
    """Of two who add the same number, the table lets one."""
    values = asdict(texts)
    number = int(values.pop("version").rpartition("/")[2]) + 1
    try:
        with brief_transaction():
            return PromptVersion.objects.create(
                locale=locale, number=number, author=author, note=note, **values
            )
    except IntegrityError as error:
        raise SavedMeanwhileError from error


def problems(texts: Texts) -> dict[str, Problem]:
    found = {name: problem_of(name, getattr(texts, name)) for name in TEXT_NAMES}
    return {name: problem for name, problem in found.items() if problem}


def problem_of(name: str, text: str) -> Problem | None:
    """Why this text cannot be used under this name."""
    try:
        storable(text)
    except BadTextError:
        return "not_text"
    if not text.strip():
        return "required"
    if len(text) > TEXT_CHARACTERS:
        return "too_long"
    if name == "tool_name" and not TOOL_NAME_FORM.fullmatch(text):
        return "tool_name"
    return None


def missing_placeholders(texts: Texts) -> list[tuple[str, str]]:
    """Names of texts with what they could have filled in and have not."""
    return [
        (name, placeholder)
        for name, placeholders in PLACEHOLDERS.items()
        for placeholder in placeholders
        if placeholder not in getattr(texts, name)
    ]


def unknown_placeholders(texts: Texts) -> list[tuple[str, str]]:
    """Names of texts with what looks like a placeholder there and is shown as it stands."""
    return [
        (name, placeholder)
        for name in TEXT_NAMES
        for placeholder in PLACEHOLDER.findall(getattr(texts, name))
        if placeholder not in PLACEHOLDERS.get(name, ())
    ]
