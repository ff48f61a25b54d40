"""Which modules a page needs before its script can begin: what is imported statically, and whence.

A browser learns of an import only when it has read the importing module, a round trip each.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from posixpath import dirname, join, normpath

from django.contrib.staticfiles import finders

STATIC_IMPORT = re.compile(r"""^(?:import|export)\b[^"';]*["'](\.[^"']+)["'];""", re.MULTILINE)
"""`import("./x.js")` is none: that is loaded when it is first used."""


class NoModuleError(Exception):
    """A module is named that is not there."""


@lru_cache(maxsize=64)
def modules_of(entry: str) -> tuple[str, ...]:
    """The names of all modules, `entry` first, near ones before far ones. Raises NoModuleError."""
    found = [entry]
    for name in found:
        found.extend(each for each in dict.fromkeys(imports_of(name)) if each not in found)
    return tuple(found)


def imports_of(name: str) -> Iterator[str]:
    path = finders.find(name)
    if not path:
        raise NoModuleError(name)
    for relative in STATIC_IMPORT.findall(Path(str(path)).read_text(encoding="utf-8")):
        yield normpath(join(dirname(name), relative))
