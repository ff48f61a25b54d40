"""Evaluation sets: folders with `knowledge.jsonl` and `queries.jsonl`, see docs/evaluation.md."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from knowledge.importers.files import NoKnowledgeFileError, knowledge_files
from knowledge.importers.rows import ANSWER_CHARACTERS, WORDING_CHARACTERS
from knowledge.plain_text import BadTextError, storable

QUERIES = "queries.jsonl"
KNOWLEDGE = "knowledge.jsonl"
KEPT_FIELDS = ("id", "question", "questions", "locale", "lang")
"""Of an entry, beside its answer and its category; the rest tells where it comes from."""
TOPIC_CHARACTERS = 120


class EvaluationSetError(Exception):
    """A set cannot be read, or does not fit its knowledge; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQuery:
    """One question, and the external ids of the answers that reply to it: none if nothing does.

    `kind` is what figures are broken down by. `earlier` is what the visitor said before, oldest
    first: of a conversation only that counts for the search.
    """

    id: str
    text: str
    relevant: frozenset[str]
    earlier: tuple[str, ...] = ()
    type: str = ""
    kind: str = ""

    @property
    def answerable(self) -> bool:
        return bool(self.relevant)


def queries_in(path: Path) -> list[JudgedQuery]:
    """Those of a folder's `queries.jsonl`, or of the file itself. Raises EvaluationSetError."""
    file = path / QUERIES if path.is_dir() else path
    queries = [judged(entry, place) for place, entry in entries(file)]
    if not queries:
        raise EvaluationSetError(f"{file} has no queries.")
    return queries


def negatives_in(path: Path) -> list[JudgedQuery]:
    """Queries of another set, which nothing here answers. Raises EvaluationSetError."""
    return [
        JudgedQuery(
            id=f"{path.name}/{query.id}",
            text=query.text,
            relevant=frozenset(),
            earlier=query.earlier,
            type=query.type,
            kind=query.kind,
        )
        for query in queries_in(path)
    ]


def judged(entry: Mapping[str, object], place: str) -> JudgedQuery:
    text = checked_text(entry.get("query"), "query", place)
    if not text.strip():
        raise EvaluationSetError(f"{place}: The query is empty.")
    relevant = strings(entry.get("relevant"), "relevant", place)
    kind = str(entry.get("type") or ("answerable" if relevant else "unanswerable"))
    return JudgedQuery(
        id=str(entry.get("id") or place),
        text=text,
        relevant=frozenset(relevant),
        earlier=tuple(strings(entry.get("history", []), "history", place)[::2]),
        type=kind,
        kind=str(entry.get("kind") or kind),
    )


def ingestible(folder: Path, copy: Path) -> Path:
    """Where to ingest the folder's knowledge from: `copy`, in which every entry has an answer.

    An entry without one is a question that is its own text. Raises EvaluationSetError.
    """
    with copy.open("w", encoding="utf-8") as file:
        for place, entry in entries(folder / KNOWLEDGE):
            file.write(json.dumps(answered(entry, place), ensure_ascii=False) + "\n")
    return copy


def answered(entry: Mapping[str, object], place: str) -> dict[str, object]:
    kept = {name: entry[name] for name in KEPT_FIELDS if entry.get(name)}
    question = kept.get("question")
    if isinstance(question, str):
        kept["question"] = question[:WORDING_CHARACTERS]
    text = checked_text(entry.get("answer") or question or "", "answer", place)
    if not text.strip():
        raise EvaluationSetError(f"{place}: The entry has neither a question nor an answer.")
    topic = str(entry.get("topic") or entry.get("category") or "")[:TOPIC_CHARACTERS]
    return {**kept, "answer": text[:ANSWER_CHARACTERS], "topic": topic}


def knowledge_beside(folder: Path) -> list[Path]:
    """For a folder of queries alone: the knowledge files of the folder that it lies in."""
    try:
        found = [file.path for file in knowledge_files(folder.resolve().parent)]
    except NoKnowledgeFileError:
        found = []
    beside = [path for path in found if folder.resolve() not in path.resolve().parents]
    if not beside:
        raise EvaluationSetError(f"{folder} has no {KNOWLEDGE}, and none lies beside it.")
    return beside


def entries(file: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The objects of a JSON Lines file, each with its place for messages."""
    for number, line in enumerate(lines(file), start=1):
        if not line.strip():
            continue
        place = f"{file}:{number}"
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            raise EvaluationSetError(f"{place}: This is not JSON.") from None
        if not isinstance(entry, dict):
            raise EvaluationSetError(f"{place}: A line must be a JSON object.")
        yield place, entry


def lines(file: Path) -> Sequence[str]:
    try:
        return file.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        raise EvaluationSetError(f"There is no file {file}.") from None
    except (OSError, UnicodeDecodeError):
        raise EvaluationSetError(f"{file} cannot be read as UTF-8 text.") from None


def checked_text(value: object, name: str, place: str) -> str:
    if not isinstance(value, str):
        raise EvaluationSetError(f"{place}: The field {name} must be text.")
    try:
        return storable(value)
    except BadTextError:
        raise EvaluationSetError(
            f"{place}: The field {name} has a character that is not text."
        ) from None


def strings(value: object, name: str, place: str) -> list[str]:
    if not isinstance(value, list):
        raise EvaluationSetError(f"{place}: The field {name} must be a list.")
    return [
        checked_text(str(item) if isinstance(item, int) else item, name, place) for item in value
    ]
