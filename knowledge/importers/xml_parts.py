"""XML of untrusted files as a stream: no document type, hence no entities of its own, no addresses.

Names lose their namespaces: those of both editions of Office Open XML have the same local ones.
"""

from collections import deque
from collections.abc import Iterator
from typing import IO, Protocol
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers.expat import ExpatError, ParserCreate

from knowledge.importers.base import UnreadableFileError

CHUNK_BYTES = 64 << 10
TAG_BYTES = 4 << 20
"""A tag that goes on for longer is held in memory whole."""
DEPTH = 200
"""Trees are walked by recursion."""


class XmlHandler(Protocol):
    """Is told what a document has, in its order."""

    def start(self, name: str, attributes: dict[str, str]) -> None: ...
    def end(self, name: str) -> None: ...
    def text(self, data: str) -> None: ...


def parse(file: IO[bytes], handler: XmlHandler) -> Iterator[None]:
    """Tell `handler` about the document; pauses after each piece. Raises UnreadableFileError."""
    local: dict[str, str] = {}

    def name_of(name: str) -> str:
        known = local.get(name)
        return known or local.setdefault(name, name.rpartition(" ")[2])

    def start(name: str, attributes: dict[str, str]) -> None:
        plain = {name_of(key): value for key, value in attributes.items()} if attributes else {}
        handler.start(name_of(name), plain)

    def end(name: str) -> None:
        handler.end(name_of(name))

    parser = ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = handler.text
    fed = 0
    try:
        while chunk := file.read(CHUNK_BYTES):
            parser.Parse(chunk)
            fed += len(chunk)
            if fed - parser.CurrentByteIndex > TAG_BYTES:
                raise UnreadableFileError("The file is damaged: a tag in it has no end.")
            yield
        parser.Parse(b"", True)  # noqa: FBT003 - expat takes no names
    except ExpatError as error:
        raise UnreadableFileError("The file is damaged: it is not XML inside.") from error
    yield


def refuse_doctype(*_: object) -> None:
    raise UnreadableFileError("The file declares a document type, which no honest one does.")


class Subtrees:
    """Builds the elements at one depth; what lies around them is dropped."""

    def __init__(self, depth: int) -> None:
        self.built: deque[Element] = deque()
        self._wanted = depth
        self._depth = 0
        self._builder = TreeBuilder()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEPTH:
            raise UnreadableFileError(f"The file is nested more than {DEPTH} deep.")
        if self._depth >= self._wanted:
            self._builder.start(name, attributes)

    def end(self, name: str) -> None:
        if self._depth >= self._wanted:
            self._builder.end(name)
        if self._depth == self._wanted:
            self.built.append(self._builder.close())
            self._builder = TreeBuilder()
        self._depth -= 1

    def text(self, data: str) -> None:
        if self._depth >= self._wanted:
            self._builder.data(data)


def elements(file: IO[bytes], depth: int) -> Iterator[Element]:
    """The elements at `depth`, the root's being 1, one after the other."""
    trees = Subtrees(depth)
    for _ in parse(file, trees):
        while trees.built:
            yield trees.built.popleft()
