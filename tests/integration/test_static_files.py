"""Scripts and styles: collected under names that tell their content, and served without Django."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.databases import database_url
from tests.serving import ChatServer, new_folder

SCRIPT = "chat/main.js"


@pytest.fixture(scope="module")
def collected(knowledge: str) -> Iterator[ChatServer]:
    server = ChatServer(settings={"DATABASE_URL": database_url(knowledge)}, folder=new_folder())
    made = server.manage("collectstatic", "--noinput", "-v0")
    assert made.returncode == 0, made.stderr
    with server:
        yield server


def hashed(server: ChatServer, stem: str) -> Path:
    (path,) = (server.folder / "static/chat").glob(f"{stem}.????????????.js")
    return path


def test_imports_name_what_was_collected(collected: ChatServer) -> None:
    script = hashed(collected, "main").read_text()

    assert f'"./{hashed(collected, "chat").name}"' in script
    assert '"./chat.js"' not in script


def test_file_comes_as_small_as_the_browser_can_read_it(collected: ChatServer) -> None:
    address = f"{collected.url}/static/chat/{hashed(collected, 'client').name}"

    plain, gzip, brotli = (
        httpx2.head(address, headers={"Accept-Encoding": encodings}).headers
        for encodings in ("identity", "gzip, deflate", "gzip, deflate, br")
    )

    assert "content-encoding" not in plain
    assert (gzip["content-encoding"], brotli["content-encoding"]) == ("gzip", "br")
    sizes = [int(each["content-length"]) for each in (plain, gzip, brotli)]
    assert sizes == sorted(sizes, reverse=True)


def test_file_is_kept_for_ever(collected: ChatServer) -> None:
    headers = httpx2.get(f"{collected.url}/static/chat/{hashed(collected, 'client').name}").headers

    assert "immutable" in headers["cache-control"]
    assert headers["x-content-type-options"] == "nosniff"


def test_file_under_its_plain_name_is_asked_about_each_time(collected: ChatServer) -> None:
    first = httpx2.get(f"{collected.url}/static/{SCRIPT}")

    again = {"If-None-Match": first.headers["etag"]}

    assert "max-age=0" in first.headers["cache-control"]
    assert httpx2.get(f"{collected.url}/static/{SCRIPT}", headers=again).status_code == 304


def test_version_before_is_served_to_pages_that_are_still_open(collected: ChatServer) -> None:
    before = collected.folder / "static/chat/main.0123456789ab.js"
    before.write_text("// the version before")
    collected.restart()

    answer = httpx2.get(f"{collected.url}/static/chat/{before.name}")

    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    before.unlink()


@pytest.mark.parametrize(
    "path", ["/static/../manage.py", "/static/%2e%2e/manage.py", "/static/nothing.js", "/static/"]
)
def test_nothing_else_is_served(collected: ChatServer, path: str) -> None:
    with httpx2.Client(base_url=collected.url) as http:
        answer = http.send(http.build_request("GET", path))

    assert answer.status_code == 404
    assert "SECRET_KEY" not in answer.text


def test_only_reading_is_answered(collected: ChatServer) -> None:
    assert httpx2.post(f"{collected.url}/static/{SCRIPT}").status_code in {403, 404, 405}
