"""What the messages of a request say: user's and assistant's texts, oldest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from chat.commands import MAX_TEXT, CommandError, message_text, plain_text
from chat.openai_api.footer import without_footer
from chat.openai_api.refusals import RefusalError
from chat.turn.events import JsonValue
from chat.turn.language_model import ChatMessage

IGNORED_ROLES = ("system", "developer")
"""How to reply is for the experts' prompts to say."""
OTHER_ROLES = ("assistant", "tool", "function")
SENTENCES = {
    "empty": "The last message has no text.",
    "too_long": f"The last message has more than {MAX_TEXT:,} characters.",
    "bad_text": "A message has characters that are not allowed.",
}
"""By the codes of message_text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message that is neither the system's nor the developer's."""

    message: ChatMessage

    def question(self) -> str:
        """Its text as a visitor's message. Raises RefusalError."""
        try:
            return message_text(self.message.content)
        except CommandError as error:
            raise bad_messages(SENTENCES[error.code], error.code) from None


def said_in(messages: JsonValue) -> tuple[Said, ...]:
    """Raises RefusalError."""
    if not isinstance(messages, list) or not messages:
        raise bad_messages("messages must be a list with at least one message.")
    read = [one_said(message) for message in messages]
    return tuple(each for each in read if each is not None)


def one_said(message: JsonValue) -> Said | None:
    if not isinstance(message, Mapping):
        raise bad_messages("A message must be an object.")
    match message.get("role"):
        case "user":
            return said("user", text_of(message.get("content")))
        case "assistant":
            return said("assistant", without_footer(text_of(message.get("content") or "")))
        case "tool" | "function":
            return said("tool", "")
        case role if role in IGNORED_ROLES:
            return None
    known = ", ".join(("user", *IGNORED_ROLES, *OTHER_ROLES))
    raise bad_messages(f"The role of a message must be one of {known}.")


def said(role: Literal["user", "assistant", "tool"], text: str) -> Said:
    try:
        content = plain_text(text).strip()
    except CommandError as error:
        raise bad_messages(SENTENCES[error.code], error.code) from None
    return Said(message=ChatMessage(role=role, content=content))


def text_of(content: JsonValue) -> str:
    """A text, or parts of text, each on a line of its own."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise bad_messages("The content of a message must be a text or a list of parts.")
    return "\n".join(part_text(part) for part in content)


def part_text(part: JsonValue) -> str:
    if not isinstance(part, Mapping):
        raise bad_messages("A part of a message must be an object.")
    if part.get("type") == "refusal":
        return ""
    text = part.get("text")
    if part.get("type") != "text" or not isinstance(text, str):
        raise bad_messages("Only text can be read here, no images, sound or files.")
    return text


def bad_messages(message: str, code: str | None = None) -> RefusalError:
    return RefusalError(message, code=code, param="messages")
