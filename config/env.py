"""Typed readers of the environment and of `.env`: the only place that looks at either.

Every setting NAME can also come from a file named by NAME_FILE (for secrets that an orchestrator
mounts). A value that cannot be used raises ConfigurationError with a sentence for the operator.
"""

import contextlib
import os
import re
import secrets
from collections.abc import Mapping
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}
PATIENCE = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
"""How soon a database server that has vanished is noticed; its address may say otherwise."""
ORIGIN = re.compile(r"https?://[^/?#@\s]+")
AMOUNT = r"(\d{1,7}(?:\.\d{1,6})?)"
PRICE = re.compile(rf"(\S+)\s*=\s*{AMOUNT}\s*/\s*{AMOUNT}", re.ASCII)
CURRENCY = re.compile(r"[A-Z]{3}")
KEY_PREFIX = re.compile(r"[A-Za-z0-9._-]{1,40}")


class ConfigurationError(Exception):
    """A setting is missing or has a value that cannot be used."""


class Env:
    """Reads settings by name; `variables` wins over the lines of `dotenv`."""

    def __init__(self, variables: Mapping[str, str], dotenv: Path | None = None) -> None:
        from_file = parse_dotenv(dotenv) if dotenv and dotenv.is_file() else {}
        self._values = {**from_file, **variables}

    def text(self, name: str, default: str = "") -> str:
        """The value without surrounding space; an empty value counts as unset."""
        value = self._values.get(name, "").strip()
        path = self._values.get(f"{name}_FILE", "").strip()
        if value and path:
            raise ConfigurationError(f"Set {name} or {name}_FILE, not both.")
        if path:
            value = read_secret(name, Path(path))
        return value or default

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of `choices`; the first is the default."""
        value = self.text(name, choices[0])
        if value not in choices:
            raise ConfigurationError(f"{name} must be one of {', '.join(choices)}.")
        return value

    def boolean(self, name: str, *, default: bool) -> bool:
        value = self.text(name, str(default)).lower()
        if value not in TRUE | FALSE:
            raise ConfigurationError(f"{name} must be true or false.")
        return value in TRUE

    def whole_number(self, name: str, default: int, *, least: int, most: int) -> int:
        try:
            value = int(self.text(name, str(default)))
        except ValueError:
            raise ConfigurationError(f"{name} must be a whole number.") from None
        if not least <= value <= most:
            raise ConfigurationError(f"{name} must be between {least} and {most}.")
        return value

    def decimal(self, name: str, default: float, *, least: float, most: float) -> float:
        try:
            value = float(self.text(name, str(default)))
        except ValueError:
            raise ConfigurationError(f"{name} must be a number.") from None
        if not least <= value <= most:
            raise ConfigurationError(f"{name} must be between {least} and {most}.")
        return value

    def names(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        """A list separated by commas."""
        value = self.text(name)
        return [item.strip() for item in value.split(",") if item.strip()] or list(default)

    def networks(self, name: str) -> list[IPv4Network | IPv6Network]:
        """Addresses and networks of the internet protocol, such as 10.0.0.0/8."""
        try:
            return [ip_network(item) for item in self.names(name)]
        except ValueError:
            raise ConfigurationError(
                f"{name} must list addresses or networks, such as 127.0.0.1 or 10.0.0.0/8."
            ) from None

    def prices(self, name: str) -> dict[str, tuple[Decimal, Decimal]]:
        """Prices per million input and output tokens, by the name of a model."""
        prices: dict[str, tuple[Decimal, Decimal]] = {}
        for item in self.names(name):
            read = PRICE.fullmatch(item)
            if read is None:
                raise ConfigurationError(
                    f"{name} must list prices of a million input and output tokens,"
                    " such as gpt-4o-mini=0.15/0.60."
                )
            if read[1] in prices:
                raise ConfigurationError(f"{name} must name every model once.")
            prices[read[1]] = Decimal(read[2]), Decimal(read[3])
        return prices

    def currency(self, name: str, default: str) -> str:
        """A currency's three letters (ISO 4217)."""
        value = self.text(name, default)
        if not CURRENCY.fullmatch(value):
            raise ConfigurationError(f"{name} must be three capital letters, such as USD.")
        return value

    def origins(self, name: str, default: tuple[str, ...]) -> list[str]:
        """Web origins: scheme, host and, where it is not the scheme's own, port."""
        origins = self.names(name, default)
        for origin in origins:
            parts = parts_of(origin, "http", "https")
            if parts is None or not ORIGIN.fullmatch(origin) or not as_sent(origin):
                raise ConfigurationError(
                    f"{name} must list origins as browsers send them, such as"
                    " https://chat.example.org: in small letters, without a path or usual port."
                )
        return origins

    def web_address(self, name: str) -> str:
        value = self.text(name)
        parts = parts_of(value, "http", "https")
        if value and (parts is None or not parts.hostname):
            raise ConfigurationError(f"{name} must be a web address such as https://host/v1.")
        return value

    def redis(self, name: str) -> str:
        """An address of a Redis server, or an empty text."""
        value = self.text(name)
        parts = parts_of(value, "redis", "rediss", "unix")
        if value and not (parts and (parts.hostname or parts.scheme == "unix")):
            raise ConfigurationError(f"{name} must look like redis://:password@host:6379/0.")
        return value

    def key_prefix(self, name: str, default: str) -> str:
        """What begins the names of keys in a database shared with others."""
        value = self.text(name, default)
        if not KEY_PREFIX.fullmatch(value):
            raise ConfigurationError(
                f"{name} must have 1 to 40 letters, digits, dots, dashes and underscores."
            )
        return value

    def database(self, name: str) -> dict[str, Any] | None:
        """Django's form of a `postgresql://` address, or None when unset."""
        value = self.text(name)
        return parse_database_url(name, value) if value else None


def parts_of(value: str, *schemes: str) -> SplitResult | None:
    """The parts of an address of one of these schemes, or None if it is none."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:  # its text holds the value
        return None
    return parts if parts.scheme in schemes else None


def as_sent(origin: str) -> bool:
    """Whether a browser would write the origin so: else every socket would be refused."""
    scheme, _, host = origin.partition("://")
    usual_port = {"http": ":80", "https": ":443"}[scheme.lower()]
    return origin.isascii() and origin == origin.lower() and not host.endswith(usual_port)


def parse_database_url(name: str, value: str) -> dict[str, Any]:
    parts = parts_of(value, "postgres", "postgresql")
    if parts is None or not parts.path.strip("/"):
        raise ConfigurationError(
            f"{name} must look like postgresql://user:password@host:5432/name."
        )
    options = {**PATIENCE, **dict(parse_qsl(parts.query))}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or options.pop("host", "")),
        "PORT": str(parts.port or options.pop("port", "")),
        "OPTIONS": options,
    }


def parse_dotenv(path: Path) -> dict[str, str]:
    """Lines NAME=value; `#` starts a comment line; one pair of quotes round a value is dropped."""
    values: dict[str, str] = {}
    for number, line in enumerate(dotenv_text(path).splitlines(), start=1):
        stripped = line.strip().removeprefix("export ")
        if not stripped or stripped.startswith("#"):
            continue
        name, separator, value = stripped.partition("=")
        if not separator or not name.strip().isidentifier():
            raise ConfigurationError(f"Line {number} of {path.name} is not NAME=value.")
        values[name.strip()] = unquoted(value.strip())
    return values


def dotenv_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"{path.name} cannot be read as UTF-8 text.") from None


def unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def read_secret(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"{name}_FILE names a file that cannot be read.") from None


def kept_secret(path: Path) -> str:
    """A random secret made on first use and kept in `path`, readable by its owner only."""
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            raise ConfigurationError("DATA_DIR names a folder that cannot be made.") from None
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):  # another process was first
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text(encoding="ascii").strip()


def process_environment(base: Path) -> Env:
    return Env(os.environ, base / ".env")
