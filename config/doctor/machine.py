"""This machine and its settings."""

import shutil
import stat
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders

from config.doctor.findings import Finding, ok, problem, warning

LEAST_PYTHON = (3, 11)
SECRET_CHARACTERS = 32
SECRET_VARIETY = 8
"""Different characters; a placeholder has fewer."""
LOW_BYTES = 2 * 1024**3
LEAST_BYTES = 200 * 1024**2
STATIC_FILES = ("chat/chat.css", "admin/css/base.css")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def machine() -> Iterator[Finding]:
    yield python()
    yield secret_key()
    yield from addresses()
    yield data_folder()
    yield static_files()


def python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < LEAST_PYTHON:
        least = ".".join(map(str, LEAST_PYTHON))
        return problem("python", f"This is Python {version}.", f"Install Python {least} or newer.")
    return ok("python", f"Python {version}")


def secret_key() -> Finding:
    key = settings.SECRET_KEY
    if len(key) < SECRET_CHARACTERS or len(set(key)) < SECRET_VARIETY:
        return problem(
            "secret key",
            "SECRET_KEY can be guessed, and with it anybody's session be forged.",
            "Set it to 50 random characters, or leave it out: one is made and kept in DATA_DIR.",
        )
    return ok("secret key", "SECRET_KEY is long enough")


def addresses() -> Iterator[Finding]:
    """What browsers may call this installation."""
    origins = [urlsplit(origin) for origin in settings.ALLOWED_ORIGINS]
    public = [origin for origin in origins if origin.hostname not in LOOPBACK]
    found = [*wildcard(), *unknown_hosts([origin.hostname or "" for origin in origins])]
    if settings.DEBUG and public:
        found.append(problem("debug", "DEBUG shows visitors the program's inside.", "Unset DEBUG."))
    if any(origin.scheme == "http" for origin in public):
        found.append(
            warning(
                "origins",
                "ALLOWED_ORIGINS has an http:// address, where anybody on the way can listen.",
                "Serve it over https, and name that address.",
            )
        )
    yield from found or [ok("addresses", f"Served as {', '.join(settings.ALLOWED_ORIGINS)}")]


def wildcard() -> list[Finding]:
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        problem("hosts", "ALLOWED_HOSTS lets any name in.", "List the names that you serve under.")
    ]


def unknown_hosts(names: list[str]) -> list[Finding]:
    """An origin whose pages would be refused, since its name is no allowed host."""
    hosts = settings.ALLOWED_HOSTS
    allowed = {host.lstrip(".") for host in hosts}
    unknown = [
        name
        for name in names
        if "*" not in hosts
        and name not in allowed
        and not any(host.startswith(".") and name.endswith(host) for host in hosts)
    ]
    return [
        problem("hosts", f"{name} is an allowed origin and no allowed host.", f"Add {name} to it.")
        for name in unknown
    ]


def data_folder() -> Finding:
    folder = settings.DATA_DIR
    if not folder.is_dir():
        return problem(
            "disk", "There is no folder DATA_DIR.", "Run `manage.py set_up`, or correct DATA_DIR."
        )
    free = shutil.disk_usage(folder).free
    told = f"{free / 1024**3:.1f} GiB are free in DATA_DIR"
    if free < LEAST_BYTES:
        return problem("disk", f"Only {told}.", "Make room before the database stops.")
    if free < LOW_BYTES:
        return warning("disk", f"Only {told}.", "Make room.")
    key = folder / "secret_key"
    if key.is_file() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        return warning(
            "disk", "Others can read DATA_DIR/secret_key.", "chmod 600 that file, and replace it."
        )
    return ok("disk", told)


def static_files() -> Finding:
    """Those that set-up collects and compresses; without that they are served from the source."""
    missing = [name for name in STATIC_FILES if not finders.find(name)]
    if missing:
        return problem(
            "static files", f"{missing[0]} is missing, so pages have no style.", "Install again."
        )
    return ok("static files", "Found")
