"""Every text of the interface exists in both languages, and what is compiled is what is written."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCALE = ROOT / "chat" / "locale"
CATALOGS = sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))
CHINESE = {
    entry.msgid
    for entry in polib.pofile(str(LOCALE / "zh_Hans/LC_MESSAGES/django.po")).translated_entries()
}
TEMPLATES = sorted((ROOT / "templates").rglob("*.*"))
MODULES = [
    path for app in ("chat", "config", "knowledge") for path in sorted((ROOT / app).rglob("*.py"))
]
TRANSLATED = re.compile(r"""\{% translate "([^"]+)" """)
GETTEXT = {"gettext", "gettext_lazy", "ngettext", "ngettext_lazy"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_both_languages_have_a_catalog() -> None:
    assert {path.parts[-3] for path in CATALOGS} == {"en", "zh_Hans"}


def test_both_languages_translate_the_same_texts() -> None:
    texts = [{entry.msgid for entry in polib.pofile(str(path))} for path in CATALOGS]

    assert texts[0] == texts[1]


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.parts[-3])
def test_chinese_is_complete_and_english_needs_nothing(path: Path) -> None:
    catalog = polib.pofile(str(path))

    missing = [e.msgid for e in catalog.untranslated_entries()] if "zh" in str(path) else []

    assert missing == []
    assert [entry.msgid for entry in catalog.fuzzy_entries()] == []


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.parts[-3])
def test_compiled_catalog_equals_its_source(path: Path) -> None:
    written = {entry.msgid: entry.msgstr for entry in polib.pofile(str(path)).translated_entries()}

    compiled = {e.msgid: e.msgstr for e in polib.mofile(str(path.with_suffix(".mo")))}

    assert compiled == written


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_every_text_of_a_template_is_in_the_catalogs(path: Path) -> None:
    texts = set(TRANSLATED.findall(path.read_text(encoding="utf-8")))

    assert sorted(texts - CHINESE) == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_text_of_a_module_is_in_the_catalogs(path: Path) -> None:
    texts = set(texts_of(ast.parse(path.read_text(encoding="utf-8"))))

    assert sorted(texts - CHINESE) == []


def texts_of(module: ast.Module) -> Iterator[str]:
    """What stands in calls of gettext's functions, whatever they are imported as."""
    names = {
        alias.asname or alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
        if alias.name in GETTEXT
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value)
