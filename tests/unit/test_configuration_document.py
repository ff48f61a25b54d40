"""docs/configuration.md tells the truth: every setting, its default and its limits."""

import ast
import re

import pytest

from tests.unit.documents import ROOT, called, constants, fenced

CONFIGURATION = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")


def settings_read() -> dict[str, ast.Call]:
    """The calls of config/settings.py that read a setting, by its name."""
    tree = ast.parse((ROOT / "config/settings.py").read_text(encoding="utf-8"))
    return {
        str(constants(node.args)[0]): node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "env"
    }


def settings_documented() -> dict[str, list[str]]:
    lines = re.findall(r"^\| `([A-Z_]+)` \| (.*) \|$", CONFIGURATION, re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split(" | ")] for name, cells in lines}


SETTINGS = settings_read()


def default_of(call: ast.Call) -> str | None:
    """The default as written in the code; None where there is none or it is worked out."""
    named = [keyword.value for keyword in call.keywords if keyword.arg == "default"]
    for node in (*call.args[1:2], *named):
        if isinstance(node, ast.Tuple) and called(call) == "choice":
            return str(constants(node.elts)[0])
        if isinstance(node, ast.Constant):
            return str(node.value)
    return None


def test_documented_settings_are_those_that_are_read() -> None:
    assert set(settings_documented()) == set(SETTINGS)


@pytest.mark.parametrize("name", SETTINGS)
def test_default_of_a_setting_is_the_documented_one(name: str) -> None:
    shown = settings_documented()[name][0]

    default = default_of(SETTINGS[name])

    if default is None:
        assert shown
        assert not re.fullmatch(r"`[^`]*`", shown)
    else:
        assert shown == f"`{default}`"


@pytest.mark.parametrize("name", SETTINGS)
def test_limits_of_a_setting_are_the_documented_ones(name: str) -> None:
    call = SETTINGS[name]
    limits = {keyword.arg: keyword.value for keyword in call.keywords}
    shown = settings_documented()[name][1]

    if {"least", "most"} <= limits.keys():
        least, most = constants([limits["least"], limits["most"]])
        assert shown == f"{least} to {most}"
    if called(call) == "choice":
        choices = constants(call.args[1].elts if isinstance(call.args[1], ast.Tuple) else [])
        assert shown == ", ".join(f"`{choice}`" for choice in choices)


def test_every_setting_has_an_example() -> None:
    lines = "".join(fenced(CONFIGURATION, "ini"))

    names = re.findall(r"^([A-Z_]+)=", lines, re.MULTILINE)

    assert {name.removesuffix("_FILE") for name in names} == set(SETTINGS)
