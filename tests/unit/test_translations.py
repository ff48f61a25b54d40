"""Every text of the interface exists in both languages, and what is compiled is what is written."""

from pathlib import Path

import polib
import pytest

LOCALE = Path(__file__).resolve().parents[2] / "chat" / "locale"
CATALOGS = sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))


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
