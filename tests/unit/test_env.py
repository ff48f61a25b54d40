"""Settings from the environment, from files, and from `.env`; what cannot be used is explained."""

import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.env import (
    PATIENCE,
    ConfigurationError,
    Env,
    kept_secret,
    parse_dotenv,
    process_environment,
)

SECRET = "hunter2-must-not-be-shown"
Read = Callable[[Env], object]


def env(**variables: str) -> Env:
    return Env(variables)


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def complaint(read: Read, value: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(env(NAME=value))
    return str(caught.value)


def boolean(env: Env) -> bool:
    return env.boolean("NAME", default=False)


def whole_number(env: Env) -> int:
    return env.whole_number("NAME", 5, least=1, most=10)


def decimal(env: Env) -> float:
    return env.decimal("NAME", 0.5, least=0, most=2)


def choice(env: Env) -> str:
    return env.choice("NAME", ("local", "openai"))


def origins(env: Env) -> list[str]:
    return env.origins("NAME", ("http://localhost:8000",))


def web_address(env: Env) -> str:
    return env.web_address("NAME")


def database(env: Env) -> dict[str, object] | None:
    return env.database("NAME")


@pytest.mark.parametrize(
    ("read", "value", "result"),
    [
        (lambda env: env.text("NAME"), "  x y ", "x y"),
        (lambda env: env.text("NAME", "default"), "  ", "default"),
        (boolean, "TRUE", True),
        (boolean, "1", True),
        (boolean, "on", True),
        (boolean, "no", False),
        (boolean, "", False),
        (whole_number, "10", 10),
        (whole_number, " 1 ", 1),
        (whole_number, "", 5),
        (decimal, "0", 0.0),
        (decimal, "1.5", 1.5),
        (decimal, "", 0.5),
        (choice, "openai", "openai"),
        (choice, "", "local"),
        (lambda env: env.names("NAME"), " a, b,,c ", ["a", "b", "c"]),
        (lambda env: env.names("NAME", ("x",)), " , ", ["x"]),
        (origins, "https://a.example, http://b:81", ["https://a.example", "http://b:81"]),
        (origins, "http://[::1]:8000", ["http://[::1]:8000"]),
        (origins, "", ["http://localhost:8000"]),
        (web_address, "https://a.example/v1", "https://a.example/v1"),
        (web_address, "", ""),
        (database, "", None),
    ],
)
def test_value_is_read_as_its_type(read: Read, value: str, result: object) -> None:
    assert read(env(NAME=value)) == result


def test_setting_that_is_not_there_has_its_default() -> None:
    assert env().text("NAME", "default") == "default"
    assert env().boolean("NAME", default=True)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        pytest.param(boolean, SECRET, id="boolean"),
        pytest.param(whole_number, SECRET, id="whole number"),
        pytest.param(whole_number, "1.5", id="fraction"),
        pytest.param(whole_number, "73301", id="too large"),
        pytest.param(whole_number, "-73301", id="too small"),
        pytest.param(whole_number, "7" * 5_000, id="5,000 digits"),
        pytest.param(decimal, SECRET, id="decimal"),
        pytest.param(decimal, "73301.5", id="decimal too large"),
        pytest.param(decimal, "nan", id="not a number"),
        pytest.param(decimal, "inf", id="infinite"),
        pytest.param(choice, SECRET, id="choice"),
        pytest.param(choice, "OPENAI", id="choice in capitals"),
        pytest.param(origins, f"{SECRET}.example", id="origin without a scheme"),
        pytest.param(origins, f"ftp://{SECRET}", id="origin of another scheme"),
        pytest.param(origins, f"https://a.example/{SECRET}", id="origin with a path"),
        pytest.param(origins, f"https://a.example?{SECRET}", id="origin with a query"),
        pytest.param(origins, f"https://me:{SECRET}@a.example", id="origin with a password"),
        pytest.param(origins, f"https://[{SECRET}", id="origin with half a bracket"),
        pytest.param(origins, f"https://a.example:{SECRET}", id="origin with a word as port"),
        pytest.param(web_address, SECRET, id="address without a scheme"),
        pytest.param(web_address, f"file:///{SECRET}", id="address of another scheme"),
        pytest.param(web_address, f"https://[{SECRET}]/", id="address with a bad host"),
        pytest.param(web_address, f"https://:8000/{SECRET}", id="address without a host"),
        pytest.param(database, SECRET, id="database without a scheme"),
        pytest.param(database, f"mysql://me:{SECRET}@host/name", id="another database"),
        pytest.param(database, f"postgresql://me:{SECRET}@host", id="database without a name"),
        pytest.param(database, f"postgresql://me:{SECRET}@host:x/name", id="word as port"),
        pytest.param(database, f"postgresql://me:{SECRET}@host:73301/n", id="port too large"),
        pytest.param(database, f"postgresql://me:[{SECRET}@host/name", id="bracket in a password"),
        pytest.param(database, f"postgresql://me:{SECRET}#@host/name", id="hash in a password"),
    ],
)
def test_bad_value_is_explained_in_a_sentence_that_does_not_show_it(read: Read, value: str) -> None:
    sentence = complaint(read, value)

    assert re.fullmatch(r"NAME .+\.", sentence)
    assert SECRET not in sentence
    assert value not in sentence


def test_complaint_carries_no_other_error_along() -> None:
    with pytest.raises(ConfigurationError) as caught:
        whole_number(env(NAME=SECRET))

    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_complaint_names_what_can_be_used() -> None:
    assert complaint(choice, "x") == "NAME must be one of local, openai."
    assert complaint(whole_number, "11") == "NAME must be between 1 and 10."


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        pytest.param(
            "postgresql://li:p%40ss@db.example:5433/chat",
            ("chat", "li", "p@ss", "db.example", "5433", {}),
            id="everything",
        ),
        pytest.param("postgres://db/chat", ("chat", "", "", "db", "", {}), id="host and name"),
        pytest.param(
            "postgresql://db/chat?sslmode=require",
            ("chat", "", "", "db", "", {"sslmode": "require"}),
            id="option",
        ),
        pytest.param(
            "postgresql:///chat?host=/run/postgresql&port=5433",
            ("chat", "", "", "/run/postgresql", "5433", {}),
            id="socket as option",
        ),
        pytest.param(
            "postgresql://%2Frun%2Fpostgresql/chat",
            ("chat", "", "", "/run/postgresql", "", {}),
            id="socket as host",
        ),
        pytest.param(
            "postgresql://[::1]:5433/chat", ("chat", "", "", "::1", "5433", {}), id="IPv6"
        ),
    ],
)
def test_database_address_is_read_in_djangos_form(url: str, parts: tuple[Any, ...]) -> None:
    keys = ("NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")

    settings = env(NAME=url).database("NAME")

    assert settings is not None
    assert settings.pop("ENGINE") == "django.db.backends.postgresql"
    expected = dict(zip(keys, parts, strict=True))
    assert {**settings, "OPTIONS": settings["OPTIONS"].items() - PATIENCE.items()} == {
        **expected,
        "OPTIONS": expected["OPTIONS"].items(),
    }


def test_secret_may_come_from_a_file(tmp_path: Path) -> None:
    path = written(tmp_path / "key", f"{SECRET}\n")

    assert env(NAME_FILE=str(path)).text("NAME") == SECRET


def test_empty_file_leaves_the_default(tmp_path: Path) -> None:
    path = written(tmp_path / "key", "\n")

    assert env(NAME_FILE=str(path)).text("NAME", "default") == "default"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "not text"])
def test_unreadable_file_is_explained(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "key"
    if content:
        written(path, content)

    with pytest.raises(ConfigurationError, match=r"^NAME_FILE names a file that cannot be read\.$"):
        env(NAME_FILE=str(path)).text("NAME")


def test_value_and_file_together_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "key", "one")

    with pytest.raises(ConfigurationError, match=r"^Set NAME or NAME_FILE, not both\.$"):
        env(NAME="other", NAME_FILE=str(path)).text("NAME")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=value", "value"),
        ("  NAME = value  ", "value"),
        ("export NAME=value", "value"),
        ('NAME="a value"', "a value"),
        ("NAME='a value'", "a value"),
        ("NAME=\"'a'\"", "'a'"),
        ('NAME="', '"'),
        ("NAME=a=b", "a=b"),
        ("NAME=a # b", "a # b"),
        ("NAME=", ""),
        ("# NAME=x\n\nNAME=y\r\nOTHER=z", "y"),
        ("NAME=first\nNAME=second", "second"),
        ("\ufeffNAME=after a mark", "after a mark"),
    ],
)
def test_line_of_dotenv_is_a_setting(tmp_path: Path, line: str, value: str) -> None:
    assert parse_dotenv(written(tmp_path / ".env", line))["NAME"] == value


@pytest.mark.parametrize("line", [SECRET, f"={SECRET}", f"NA ME={SECRET}", f"1NAME={SECRET}"])
def test_bad_line_of_dotenv_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    path = written(tmp_path / ".env", f"# first\n{line}\n")

    with pytest.raises(ConfigurationError, match=r"^Line 2 of \.env is not NAME=value\.$"):
        parse_dotenv(path)


def test_dotenv_in_another_encoding_is_explained(tmp_path: Path) -> None:
    path = written(tmp_path / ".env", "NAME=密码".encode("gbk"))

    with pytest.raises(ConfigurationError, match=r"^\.env cannot be read as UTF-8 text\.$"):
        Env({}, path)


def test_environment_wins_over_dotenv(tmp_path: Path) -> None:
    path = written(tmp_path / ".env", "NAME=file\nOTHER=file\nEMPTY=file")

    settings = Env({"NAME": "process", "EMPTY": ""}, path)

    assert settings.text("NAME") == "process"
    assert settings.text("OTHER") == "file"
    assert settings.text("EMPTY", "default") == "default"


def test_dotenv_need_not_be_there(tmp_path: Path) -> None:
    assert Env({"NAME": "x"}, tmp_path / ".env").text("NAME") == "x"


def test_process_environment_is_read_with_the_projects_dotenv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / ".env", "EXPERTLINE_ONE=file\nEXPERTLINE_TWO=file")
    monkeypatch.setenv("EXPERTLINE_TWO", "process")

    settings = process_environment(tmp_path)

    assert settings.text("EXPERTLINE_ONE") == "file"
    assert settings.text("EXPERTLINE_TWO") == "process"


def test_kept_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret_key"

    first, second = kept_secret(path), kept_secret(path)

    assert first == second
    assert len(first) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret_key"]


def test_kept_secrets_differ(tmp_path: Path) -> None:
    assert kept_secret(tmp_path / "one") != kept_secret(tmp_path / "other")
