"""What the scripted OpenAI-compatible server can be told to do with one request."""

from dataclasses import dataclass
from typing import Literal, get_args

from tests.latch import Latch

Form = Literal["tool_calls", "function_call"]
IdStyle = Literal["once", "empty", "missing", "repeated"]
FORMS: tuple[Form, ...] = get_args(Form)
ID_STYLES: tuple[IdStyle, ...] = get_args(IdStyle)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`pace` is seconds between deltas (None: the server's); delta number `gate_after`, counted
    from 0, and all after it wait for `gate`."""

    pace: float | None = None
    gate: Latch | None = None
    gate_after: int = 0


@dataclass(frozen=True, slots=True)
class Answer(Step):
    """`text` in so many pieces (0: of four characters), and usage if it was asked for.

    Without `done`, [DONE] is not sent; with `hangs`, the body never ends.
    """

    text: str
    pieces: int = 0
    finish_reason: str = "stop"
    usage: tuple[int, int] = (11, 7)
    done: bool = True
    hangs: bool = False


@dataclass(frozen=True, slots=True)
class CallTool(Step):
    """Calls `name` (default: the first tool offered) with this question.

    The arguments come in `fragments` pieces, after a delta with `first_arguments`; `arguments`
    replaces the JSON text that `question` makes. A `finish_reason` of None is what the form says.
    """

    question: str
    fragments: int = 3
    form: Form = "tool_calls"
    index: bool = True
    id_style: IdStyle = "once"
    text_before: str = ""
    name: str = ""
    name_pieces: int = 1
    first_arguments: str | None = ""
    arguments: str | None = None
    finish_reason: str | None = None
    usage: tuple[int, int] = (13, 5)


@dataclass(frozen=True, slots=True)
class Stall(Step):
    """Falls silent until the client leaves; with `comment_seconds`, but for keep-alive comments."""

    after_pieces: int = 0
    headers: bool = True
    comment_seconds: float = 0


@dataclass(frozen=True, slots=True)
class Drop(Step):
    """Breaks the connection in the middle of the body, or before the headers."""

    after_pieces: int = 0
    how: Literal["fin", "rst"] = "fin"
    headers: bool = True


@dataclass(frozen=True, slots=True)
class Truncate(Step):
    """Ends the body as HTTP wants it, but without a finish reason."""

    after_pieces: int = 0


@dataclass(frozen=True, slots=True)
class Malformed(Step):
    """Sends one event with this payload, and then ends the body."""

    after_pieces: int = 0
    payload: bytes = b'{"choices": [{'


@dataclass(frozen=True, slots=True)
class Status(Step):
    """Refuses with an error that repeats the key and the message, as careless servers do."""

    code: int
    retry_after: int | str | None = None


@dataclass(frozen=True, slots=True)
class Body(Step):
    """A whole response of status 200 with this body."""

    content: bytes
    content_type: str = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Raw(Step):
    """These bytes instead of an HTTP response; then the connection is closed."""

    content: bytes
