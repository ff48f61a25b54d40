"""All modules that a page's script imports are found, and none is named that is not there."""

import re
from pathlib import Path

import pytest

from chat.module_graph import imports_of, modules_of

STATIC = Path(__file__).resolve().parents[2] / "chat/static"
SCRIPTS = sorted(str(path.relative_to(STATIC)) for path in STATIC.rglob("*.js"))
ENTRIES = ["chat/main.js", "chat/widget_page.js", "chat/views.js", "chat/shell.js"]
LATER = re.compile(r"""import\(["'](\./[^"']+)["']\)""")


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_import_of_every_script_is_found(name: str) -> None:
    """However it is written: what stands in a line that begins with `import` or `from`."""
    text = (STATIC / name).read_text(encoding="utf-8")
    written = re.findall(r"""^(?:import\b|\}|export\b)[^;(]*["'](\./[^"']+)["'];""", text, re.M)

    assert [f"chat/{each.removeprefix('./')}" for each in written] == list(imports_of(name))


@pytest.mark.parametrize("name", SCRIPTS)
def test_whatever_a_script_loads_later_exists(name: str) -> None:
    later = LATER.findall((STATIC / name).read_text(encoding="utf-8"))

    assert [each for each in later if not (STATIC / "chat" / each).exists()] == []


@pytest.mark.parametrize("entry", ENTRIES)
def test_modules_are_named_once_and_the_page_s_own_first(entry: str) -> None:
    modules = modules_of(entry)

    assert modules[0] == entry
    assert len(modules) == len(set(modules))
    assert all((STATIC / name).exists() for name in modules)


def test_no_module_imports_itself_by_a_detour() -> None:
    """Django could give none of them a name that tells its content."""
    for name in SCRIPTS:
        beyond = [each for imported in imports_of(name) for each in modules_of(imported)]
        assert name not in beyond, name
