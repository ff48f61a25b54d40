"""The documents and the sources of the project, as tests of the documents read them."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from chat.turn.events import JsonValue

ROOT = Path(__file__).resolve().parents[2]
PROTOCOL = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")


def fenced(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def key_paths(value: JsonValue, prefix: str = "") -> Iterator[str]:
    """The keys of objects in `value`, with those that lead to them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{prefix}{key}"
            yield from key_paths(inner, f"{prefix}{key}.")
    if isinstance(value, list):
        for inner in value:
            yield from key_paths(inner, prefix)


def all_paths(values: Sequence[JsonValue]) -> set[str]:
    return {path for value in values for path in key_paths(value)}


def rows(text: str, heading: str) -> list[list[str]]:
    """Cells of the first table below a heading, without its two lines of header."""
    section = text.partition(f"\n{heading}\n")[2]
    table = re.search(r"^\|.*?(?=\n\n|\Z)", section, re.DOTALL | re.MULTILINE)
    lines = table[0].splitlines()[2:] if table else []
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def code_column(heading: str) -> list[str]:
    return [row[0].strip("`") for row in rows(PROTOCOL, heading)]


def sources_of(*folders: str) -> Iterator[ast.AST]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def constants(nodes: Sequence[ast.expr]) -> list[object]:
    return [node.value for node in nodes if isinstance(node, ast.Constant)]
