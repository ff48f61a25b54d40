"""A visitor's conversation as a file: to read, or with everything that is stored of it."""

import re
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from chat.conversation_list import entry_of
from chat.conversations import conversation_of, message_view
from chat.transcripts import CitedAnswer, Said, Transcript
from chat.turn.events import JsonValue
from chat.visitors import Identity
from chat.wire_format import conversation_object, message, timestamp

MOST_CHARACTERS = 80
"""Of a file's name; a character is up to nine in the header that tells of it."""
UNUSABLE = re.compile(
    r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+'
)
RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
"""What Windows takes for a device."""
MARKUP = re.compile(r"([\\`*_\[\]<>#|~])")


def file_name(title: str, ending: str) -> str:
    """A name from the title that every system can store, and that leads nowhere."""
    name = " ".join(UNUSABLE.sub(" ", title).split()).strip(". ")[:MOST_CHARACTERS].strip(". ")
    if not name or RESERVED.fullmatch(name):
        name = f"conversation {name}".strip()
    return f"{name}.{ending}"


def everything(
    identity: Identity, conversation: UUID, *, site: str
) -> tuple[dict[str, JsonValue], str]:
    """All messages of all branches, as the protocol tells them, and the title.

    Raises NotFoundError.
    """
    row = conversation_of(identity, conversation)
    rows = row.messages.select_related("feedback").order_by("created_at", "rev")
    told: dict[str, JsonValue] = {
        "exported_at": timestamp(timezone.now()),
        "conversation": conversation_object(entry_of(row), site=site),
        "messages": [message(message_view(each)) for each in rows],
    }
    return told, row.title


def markdown(transcript: Transcript) -> str:
    """For people: replies are Markdown already, what others wrote is quoted."""
    return "\n\n".join(markdown_parts(transcript)) + "\n"


def markdown_parts(transcript: Transcript) -> Iterator[str]:
    yield f"# {plain(transcript.title)}"
    yield emphasised(f"{author_of(transcript)} " + _("Not medical advice."))
    for said in transcript.said:
        yield f"## {speaker(said)} · {moment(said.at)}"
        yield from ([quoted(said.text)] if said.by_visitor else reply_parts(said))


def author_of(transcript: Transcript) -> str:
    if transcript.by_model:
        return _("Written by AI from experts’ answers; it can be wrong.")
    return _("No AI at work: experts are quoted word for word.")


def speaker(said: Said) -> str:
    if said.by_visitor:
        return _("You")
    return _("The expert’s own words") if said.grounding == "verbatim" else _("Reply")


def reply_parts(said: Said) -> Iterator[str]:
    if said.text:
        yield said.text.strip()
    if said.status == "stopped":
        yield emphasised(_("Stopped."))
    if said.status == "failed":
        yield emphasised(_("This reply could not be finished."))
    if said.sources:
        yield "### " + _("Whose words this rests on")
    for source in said.sources:
        yield source_line(source)
        if not said.quotes:
            yield quoted(source.text)


def source_line(source: CitedAnswer) -> str:
    who = ", ".join(filter(None, [plain(source.expert), plain(source.role)]))
    parts = [f"**{plain(source.title)}**", who, review_of(source), source.url and f"<{source.url}>"]
    return "\\\n".join(filter(None, parts))


def review_of(source: CitedAnswer) -> str:
    if source.reviewed_at is None:
        return _("Not reviewed yet")
    reviewed = _("Reviewed on %(day)s") % {"day": date_format(source.reviewed_at, "DATE_FORMAT")}
    return f"{reviewed} · " + _("Due for another review") if source.overdue else reviewed


def emphasised(text: str) -> str:
    return f"*{text}*"


def quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())


def plain(text: str) -> str:
    """One line that Markdown takes for what it says."""
    return MARKUP.sub(r"\\\1", " ".join(text.split()))


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
