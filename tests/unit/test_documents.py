"""The documents name what there is: metrics, codes, commands, links and files."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from prometheus_client import Counter, Gauge, Histogram

from chat import metrics
from knowledge import metrics as search_metrics
from tests.unit.documents import ROOT, code_column, fenced, rows

OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
READMES = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-hans.md")]
NOT_OURS = {".venv", ".git", ".node", "var", "node_modules"}
DOCUMENTS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not NOT_OURS.intersection(path.relative_to(ROOT).parts)
    and not path.relative_to(ROOT).parts[0].startswith(".")
)


def test_metrics_to_watch_are_those_that_are_counted() -> None:
    families = [
        family
        for collector in (*vars(metrics).values(), *vars(search_metrics).values())
        if isinstance(collector, Counter | Gauge | Histogram)
        for family in collector.collect()
    ]
    told = {f"{each.name}_total" if each.type == "counter" else each.name for each in families}

    assert {row[0].strip("`") for row in rows(OPERATIONS, "## What to watch")} == told


def test_close_codes_to_watch_exist() -> None:
    (closed,) = [row for row in rows(OPERATIONS, "## What to watch") if "closed" in row[0]]

    assert set(re.findall(r"\b4\d{3}\b", closed[2])) <= set(code_column("## Close codes"))


def without_texts(block: str) -> list[str]:
    """Commands of a block; what is asked in them may be in another language."""
    return [re.sub(r'"[^"]*"', '""', line) for line in block.splitlines()]


def test_both_readmes_have_the_same_sections_and_commands() -> None:
    english, chinese = READMES

    levels = [[len(mark) for mark in re.findall(r"^(#+) ", text, re.M)] for text in READMES]
    commands = [[without_texts(block) for block in fenced(text, "sh")] for text in READMES]
    linked = [set(re.findall(r"\]\(([^)]+)\)", text)) for text in READMES]

    assert levels[0] == levels[1]
    assert commands[0] == commands[1]
    assert linked[0] - linked[1] == {"README.zh-hans.md", "docs/images/chat-en.webp"}
    assert linked[1] - linked[0] == {"README.md", "docs/images/chat-zh.webp"}
    assert english.count("\n- ") == chinese.count("\n- ")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_make_targets_and_commands_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    targets = set(re.findall(r"(?:^|`|=\d+ )make ([a-z]+)", text, re.MULTILINE))
    commands = set(re.findall(r"manage\.py ([a-z_]+)", text))

    assert targets <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert commands <= get_commands().keys()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_exist(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = path.parent / name if name else path
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked), target


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_files_of_the_project_exist(path: Path) -> None:
    named = re.findall(
        r"`((?:chat|knowledge|config|tests|docs|sample|deploy|templates)/[\w./-]+)`",
        path.read_text(encoding="utf-8"),
    )

    missing = [name for name in named if not (ROOT / name).exists()]

    assert missing == [] or path.name.startswith("0003")  # it names the module that it rejects


def test_decisions_are_short() -> None:
    for path in sorted((ROOT / "docs/decisions").glob("*.md")):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 40, path.name
