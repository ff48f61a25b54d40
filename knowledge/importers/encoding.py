"""Which encoding a file has: strict, so that no letter of an expert is ever guessed."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from knowledge.importers.base import UnreadableFileError

CHUNK_BYTES = 1 << 20
MAGIC = {
    b"\x1f\x8b": "a gzip archive: unpack it first",
    b"PK\x03\x04": "a ZIP archive or a workbook: unpack it, or save the sheet as CSV",
    b"BZh": "a bzip2 archive: unpack it first",
    b"\xfd7zXZ": "an xz archive: unpack it first",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive: unpack it first",
    b"\x28\xb5\x2f\xfd": "a zstd archive: unpack it first",
    b"%PDF-": "a PDF document: copy its questions and answers into a text file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"\xd0\xcf\x11\xe0": "an old Office document: save the sheet as CSV",
    b"SQLite format 3": "an SQLite database",
}
MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
GB18030_CHARACTER = re.compile(
    rb"[\x81-\xfe](?:(?P<ascii>[\x40-\x7e])|[\x80-\xfe]|[\x30-\x39][\x81-\xfe][\x30-\x39])"
)


def detect(path: Path) -> str:
    """The codec that reads the whole file: utf-8, utf-8-sig, utf-16 or gb18030.

    Raises UnreadableFileError, with the line and the offset of the first wrong byte. Reads the
    file once, and a few times more if it is not UTF-8; never more than a megabyte at a time.
    """
    head = next(chunks(path), b"")
    refuse_binary(head)
    mark = next((codec for mark, codec in MARKS.items() if head.startswith(mark)), None)
    offset = first_fault(path, mark or "utf-8")
    if offset is None and mark:
        return "utf-16"
    if offset is None:
        return "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"
    if not mark and not damaged_utf8(path) and looks_chinese(path):
        fault = first_fault(path, "gb18030")
        if fault is None:
            return "gb18030"
        offset = max(offset, fault)
    raise unreadable(path, mark or "utf-8", offset)


def refuse_binary(head: bytes) -> None:
    for magic, name in MAGIC.items():
        if head.startswith(magic):
            raise UnreadableFileError(f"This is not a text but {name}.")


def first_fault(path: Path, codec: str) -> int | None:
    """The offset of the first byte that `codec` cannot read or that begins a NUL, if any."""
    decoder = codecs.getincrementaldecoder(codec)()
    start = 0
    for chunk in chunks(path):
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            return start + error.start
        if "\0" in text:
            return start + len(text[: text.index("\0")].encode(codec))
        start += len(text.encode(codec))
    return None


def damaged_utf8(path: Path) -> bool:
    """Whether a file that is not UTF-8 was meant to be: most letters beyond ASCII are right.

    Half of the damaged UTF-8 files are GB18030, too, of letters that make no sense.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    wrong = right = 0
    for chunk in chunks(path):
        text = decoder.decode(chunk, final=not chunk)
        replaced = text.count("\ufffd")
        wrong += replaced
        right += len(re.sub(r"[\0-\x7f]+", "", text)) - replaced
    return right > wrong


def looks_chinese(path: Path) -> bool:
    """Whether GB18030 is likely: an ASCII letter is seldom the second byte of a character.

    In Western 8-bit encodings it is the rule: `don\\x92t` is GB18030 for “don抰”.
    """
    western = 0
    for chunk in chunks(path):
        for character in GB18030_CHARACTER.finditer(chunk):
            western += 1 if character["ascii"] else -1
    return western <= 0


def unreadable(path: Path, codec: str, offset: int) -> UnreadableFileError:
    line, byte = position(path, codec, offset)
    if byte == 0:
        return UnreadableFileError(f"A NUL at byte offset {offset} is not text.", line=line)
    return UnreadableFileError(
        f"Byte 0x{byte:02X} at offset {offset} is neither UTF-8 nor GB18030; UTF-16 needs a byte"
        " order mark. Save the file as UTF-8.",
        line=line,
    )


def position(path: Path, codec: str, offset: int) -> tuple[int, int]:
    """The number of the line with the byte at `offset`, and the byte."""
    decoder = codecs.getincrementaldecoder(codec)(errors="replace")
    line, start = 1, 0
    for chunk in chunks(path):
        line += decoder.decode(chunk[: offset - start]).count("\n")
        if start + len(chunk) > offset:
            return line, chunk[offset - start]
        start += len(chunk)
    raise ValueError("The offset lies behind the end of the file.")


def chunks(path: Path) -> Iterator[bytes]:
    """The file a megabyte at a time, and an empty chunk at its end."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
    yield b""
