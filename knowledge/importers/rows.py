"""From a record to a row that may be stored, or to the reason why it may not."""

import hashlib
import re
from dataclasses import dataclass
from datetime import date

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from knowledge.importers.base import Record, Row, RowError, at_sheet, shown
from knowledge.importers.field_names import IGNORE, USUAL, FieldNames
from knowledge.importers.suspicion import cleaned, joined
from knowledge.models import Locale
from knowledge.plain_text import BadTextError, language_of, storable

ANSWER_CHARACTERS = 50_000
WORDING_CHARACTERS = 2_000
WORDINGS = 50
BASIS_CHARACTERS = 5_000
NAME_CHARACTERS = 100
LANGUAGE_CHARACTERS = 1_000
"""So many show which language an answer is in."""
LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
SIMILAR_SEPARATOR = re.compile(r"[\r\n|；;]")
DAY = re.compile(
    r"(?P<year>[0-9]{4})(?P<sign>[-/.年])(?P<month>[0-9]{1,2})(?:(?P=sign)|月)(?P<day>[0-9]{1,2})日?"
    r"(?:[ T]00:00(?::00(?:\.0+)?)?)?"
)
"""The year comes first: 01/02/2026 would be another day in another country."""
LANGUAGES = {
    Locale.CHINESE: re.compile(r"zh([-_].*)?|chinese.*|中文.*|汉语|简体.*|繁体.*"),
    Locale.ENGLISH: re.compile(r"en([-_].*)?|english.*|英文|英语"),
}
TRUE = {"true", "yes", "1", "是", "真"}
FALSE = {"false", "no", "0", "否", "假"}


class InvalidRowError(ValueError):
    """The row cannot be stored; the sentence says why."""


@dataclass(slots=True)
class Given:
    """A record's values by field; remembers what was odd about its texts."""

    values: dict[str, object]
    wordings: list[object]
    similar: list[object]
    ignored: tuple[str, ...]
    suspicious: frozenset[str]

    def text(self, field: str, characters: int) -> str:
        """The field's text, "" if absent."""
        value = self.values.get(field, "")
        if not isinstance(value, str):
            raise InvalidRowError(f"The field {field} must be text.")
        return self.clean(field, value, characters) if value else ""

    def clean(self, field: str, value: str, characters: int) -> str:
        try:
            ends_unified = LINE_ENDS.sub("\n", storable(value))
        except BadTextError:
            raise InvalidRowError(
                f"The field {field} has a character that is not text (NUL or half a pair)."
            ) from None
        shown_text, codes = cleaned(ends_unified)
        self.suspicious |= codes
        result = shown_text.strip()
        if len(result) > characters:
            raise InvalidRowError(
                f"The field {field} has {len(result):,} characters; {characters:,} are allowed."
            )
        return result


def row_of(record: Record, names: FieldNames = USUAL) -> Row | RowError:
    try:
        return checked(record, names)
    except InvalidRowError as error:
        message = at_sheet(record.sheet, str(error))
        return RowError(line=record.line, message=message, fields=record.fields)


def checked(record: Record, names: FieldNames) -> Row:
    given = sorted_out(record, names)
    text = given.text("answer", ANSWER_CHARACTERS)
    if not text:
        raise InvalidRowError("The row has no answer.")
    wordings = checked_wordings(given)
    reviewed_at, review_by = checked_dates(given)
    return Row(
        line=record.line,
        external_id=external_id(given) or identity(wordings, text),
        wordings=wordings,
        text=text,
        locale=locale(given) or language_of(" ".join([*wordings[:1], text[:LANGUAGE_CHARACTERS]])),
        topic=given.text("topic", 120),
        verbatim=verbatim(given.values.get("verbatim", False)),
        expert_name=given.text("expert", 120),
        expert_role=given.text("role", 200),
        basis=basis(given),
        basis_url=web_address(given.text("basis_url", 500)),
        reviewed_at=reviewed_at,
        review_by=review_by,
        suspicious=joined(given.suspicious),
        ignored=given.ignored,
    )


def sorted_out(record: Record, names: FieldNames) -> Given:
    """The record's values under our names. Raises InvalidRowError for one that no file may set."""
    suspicious = frozenset(record.suspicious)
    given = Given(values={}, wordings=[], similar=[], ignored=(), suspicious=suspicious)
    for full_name, value in record.fields:
        name = full_name[:NAME_CHARACTERS]
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        if names.refused(name):
            raise InvalidRowError(f"The field {shown(name)} may not be set by a file.")
        match names.field_of(name):
            case None:
                given.ignored += (name,)
            case "question":
                given.wordings += value if isinstance(value, list) else [value]
            case "similar":
                given.similar += similar_wordings(value)
            case field if field != IGNORE and given.values.setdefault(field, value) != value:
                raise InvalidRowError(f"The field {field} is {twice(record, names, field)}")
    return given


def twice(record: Record, names: FieldNames, field: str) -> str:
    """Says which names the values of a field stand under."""
    said = dict.fromkeys(name for name, value in record.fields if value)
    meaning_it = [shown(name) for name in said if names.field_of(name) == field]
    return f"given twice, with different values: {' and '.join(meaning_it)}."


def similar_wordings(value: object) -> list[object]:
    """The wordings of a field or column that may hold several."""
    if isinstance(value, str):
        return [piece for piece in SIMILAR_SEPARATOR.split(value) if piece.strip()]
    return value if isinstance(value, list) else [value]


def checked_wordings(given: Given) -> tuple[str, ...]:
    wordings = given.wordings + given.similar
    if len(wordings) > WORDINGS:
        raise InvalidRowError(f"The row has {len(wordings)} questions; {WORDINGS} are allowed.")
    texts = [
        given.clean("question", wording, WORDING_CHARACTERS)
        for wording in wordings
        if isinstance(wording, str)
    ]
    if len(texts) < len(wordings):
        raise InvalidRowError("The field question must be text or a list of texts.")
    return tuple(dict.fromkeys(text for text in texts if text))


def external_id(given: Given) -> str:
    value = given.values.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return given.text("id", 200)


def identity(wordings: tuple[str, ...], text: str) -> str:
    """The id of a row whose file gives it none: as long as its first wording stays, so does it."""
    named_by = wordings[0] if wordings else text
    return f"sha256:{hashlib.sha256(named_by.encode()).hexdigest()[:32]}"


def locale(given: Given) -> str:
    value = given.text("locale", 40)
    for known, pattern in LANGUAGES.items():
        if pattern.fullmatch(value.lower()):
            return known.value
    if value:
        raise InvalidRowError(
            f"The locale {shown(value)} is neither Chinese (zh) nor English (en)."
        )
    return ""


def verbatim(value: object) -> bool:
    said = str(value).strip().lower()
    if said not in TRUE | FALSE:
        raise InvalidRowError("The field verbatim must be true or false.")
    return said in TRUE


def basis(given: Given) -> str:
    """The basis, or else where the file says that it comes from and under which licence."""
    said = given.text("basis", BASIS_CHARACTERS)
    origin = [
        given.text(field, BASIS_CHARACTERS)
        for field in ("source", "licence")
        if isinstance(given.values.get(field), str)
    ]
    if said:
        given.ignored += tuple(field for field in ("source", "licence") if field in given.values)
    return said or "; ".join(filter(None, origin))


def web_address(value: str) -> str:
    try:
        if value:
            URLValidator(schemes=["http", "https"])(value)
    except ValidationError:
        raise InvalidRowError(f"{shown(value)} is not a web address (https://…).") from None
    return value


def checked_dates(given: Given) -> tuple[date | None, date | None]:
    reviewed_at, review_by = (day(given, field) for field in ("reviewed_at", "review_by"))
    if reviewed_at and review_by and review_by < reviewed_at:
        raise InvalidRowError("The date review_by lies before reviewed_at.")
    return reviewed_at, review_by


def day(given: Given, field: str) -> date | None:
    value = given.text(field, 40)
    if not value:
        return None
    written = DAY.fullmatch(value)
    try:
        return date(*(int(written[part]) if written else 0 for part in ("year", "month", "day")))
    except ValueError:
        raise InvalidRowError(
            f"The date {field} is {shown(value)}; a day is written 2026-01-31."
        ) from None
