"""What was said on one branch of a conversation, for people who read it outside of the chat."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from chat.branches import branch_of, end_of
from chat.conversations import NotFoundError, conversation_of
from chat.models import Message
from chat.rendering import hosts_of, render, words_html
from chat.visitors import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class CitedAnswer:
    """An expert's answer as it was when a reply rested on it; `html` is safe."""

    title: str
    expert: str
    role: str
    reviewed_at: date | None
    overdue: bool
    text: str
    html: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message; `html` is the safe rendering of a reply."""

    id: UUID
    by_visitor: bool
    by_model: bool
    """Whether a language model wrote it, or some of it."""
    text: str
    html: str
    at: datetime
    status: str
    finish: str
    grounding: str
    sources: tuple[CitedAnswer, ...]

    @property
    def quotes(self) -> bool:
        """Whether the reply holds the words of its only source already."""
        return len(self.sources) == 1 and self.sources[0].text.strip() in self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    title: str
    said: tuple[Said, ...]

    @property
    def by_model(self) -> bool:
        return any(each.by_model for each in self.said)


def transcript_for(
    identity: Identity, conversation: UUID, *, last: UUID | None = None
) -> Transcript:
    """The branch of the visitor's conversation that ends with `last`, else the newest one.

    Raises NotFoundError.
    """
    row = conversation_of(identity, conversation)
    end = end_of(row, last)
    if last and end is None:
        raise NotFoundError
    messages = branch_of(end.pk) if end else []
    return Transcript(title=row.title, said=tuple(map(said, messages)))


def said(message: Message) -> Said:
    by_visitor = message.role == Message.Role.USER
    return Said(
        id=message.pk,
        by_visitor=by_visitor,
        by_model=bool(message.model),
        text=message.text,
        html="" if by_visitor else render(message.text, hosts_of(message.sources)),
        at=message.created_at,
        status=message.status,
        finish=message.finish,
        grounding=message.grounding,
        sources=tuple(map(cited, message.sources)),
    )


def cited(source: Mapping[str, object]) -> CitedAnswer:
    text, reviewed_at = str(source["text"]), source["reviewed_at"]
    return CitedAnswer(
        title=str(source["title"]),
        expert=str(source["expert"]),
        role=str(source["role"]),
        reviewed_at=date.fromisoformat(str(reviewed_at)) if reviewed_at else None,
        overdue=bool(source["overdue"]),
        text=text,
        html=words_html(text),
        url=str(source["url"] or ""),
    )
