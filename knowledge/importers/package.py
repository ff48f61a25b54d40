"""Office Open XML packages (XLSX, DOCX): what is inside, once it is known to be safe to unpack.

A package is a ZIP archive. Its directory says how large everything will be, so that a bomb is
refused before a byte of it is unpacked; `zipfile` unpacks no more of a member than that.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO
from xml.etree.ElementTree import Element
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from knowledge.importers.base import UnreadableFileError
from knowledge.importers.xml_parts import elements

MEMBERS = 5_000
EXPANDED_BYTES = 4 << 30
"""More than a million rows need; they are read as a stream and never held."""
RATIO = 150
"""Sheets of the dullest rows shrink to a fortieth, a bomb to a thousandth."""
SMALL_BYTES = 16 << 20
"""Whatever its ratio, so much does no harm."""
ENCRYPTED = 1
DAMAGED = "The file is damaged: it cannot be unpacked."
OFFICE_DOCUMENT = "officeDocument"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Where one part of a package leads: to another part or, if `external`, out of it."""

    kind: str
    target: str
    external: bool


@dataclass(frozen=True, slots=True)
class Package:
    archive: ZipFile

    def has(self, part: str) -> bool:
        return part in self.archive.NameToInfo

    def size(self, part: str) -> int:
        """Its bytes when it is unpacked."""
        return self.archive.NameToInfo[part].file_size if self.has(part) else 0

    @contextmanager
    def part(self, name: str) -> Iterator[IO[bytes]]:
        """Raises UnreadableFileError, also while the part is read."""
        try:
            with self.archive.open(name) as file:
                yield file
        except KeyError:
            raise UnreadableFileError("The file is damaged: a part of it is missing.") from None
        except (BadZipFile, EOFError, OSError, NotImplementedError) as error:
            raise UnreadableFileError(DAMAGED) from error

    def elements(self, name: str, depth: int) -> Iterator[Element]:
        """The elements of a part that lie so deep, one after the other; none if it is absent."""
        if self.has(name):
            with self.part(name) as file:
                yield from elements(file, depth)

    def relations(self, part: str) -> dict[str, Relation]:
        """What a part leads to, by the id that it uses itself."""
        path = PurePosixPath(part)
        name = str(path.parent / "_rels" / f"{path.name}.rels").removeprefix("./")
        return {
            each.get("Id", ""): Relation(
                kind=each.get("Type", "").rpartition("/")[2],
                target=resolved(path.parent, each.get("Target", "")),
                external=each.get("TargetMode") == "External",
            )
            for each in self.elements(name, depth=2)
        }

    def main_part(self) -> str:
        found = [
            each.target for each in self.relations("").values() if each.kind == OFFICE_DOCUMENT
        ]
        if not found:
            raise UnreadableFileError("The file is damaged: it has no document inside.")
        return found[0]


@contextmanager
def opened_package(path: Path) -> Iterator[Package]:
    """Raises UnreadableFileError for what is no package, has macros, or would be too large."""
    try:
        archive = ZipFile(path)
    except (BadZipFile, EOFError, NotImplementedError, ValueError) as error:
        raise UnreadableFileError(DAMAGED) from error
    with archive:
        check(archive.infolist())
        yield Package(archive)


def check(members: list[ZipInfo]) -> None:
    """Raises UnreadableFileError."""
    expanded = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if len(members) > MEMBERS:
        raise UnreadableFileError(f"The file has {len(members):,} parts; {MEMBERS:,} are allowed.")
    if expanded > EXPANDED_BYTES:
        raise UnreadableFileError(
            f"Unpacked, the file would have {expanded:,} bytes; {EXPANDED_BYTES:,} are allowed."
        )
    if expanded > max(SMALL_BYTES, RATIO * packed):
        raise UnreadableFileError(
            f"Unpacked, the file would be over {RATIO} times as large: that is no honest document."
        )
    if any(member.compress_type not in {ZIP_STORED, ZIP_DEFLATED} for member in members):
        raise UnreadableFileError("The file is packed in a way that is not read here.")
    if any(member.flag_bits & ENCRYPTED for member in members):
        raise UnreadableFileError("The file is encrypted. Save it without a password.")
    if any(member.filename.lower().endswith("vbaproject.bin") for member in members):
        raise UnreadableFileError("The file has macros. Save it in a format without them.")


def resolved(folder: PurePosixPath, target: str) -> str:
    """The name of the part that a target means, relative to the folder of the part naming it."""
    if target.startswith("/"):
        return target.removeprefix("/")
    parts: list[str] = []
    for piece in (folder / target).parts:
        if piece == "..":
            parts = parts[:-1]
        else:
            parts.append(piece)
    return "/".join(parts)
