"""T-51 of the abuse catalogue: what is too large for the admin costs the server little."""

import re
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx2
import pytest

from knowledge.uploads import UPLOAD_BYTES, UPLOAD_ROWS
from tests.chat_client import NO_TLS
from tests.databases import rows
from tests.serving import ChatServer, manage

PASSWORD = "a-long-password-for-tests"
IMPORT = "/admin/knowledge/answer/import/"
GROWTH_KIB = 150 << 10
SECONDS = 10


@pytest.fixture(scope="module")
def expert(expert_server: ChatServer) -> Iterator[httpx2.Client]:
    account = ["--username", "uploader", "--email", "expert@example.org"]
    variables = {**expert_server.environment, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    made = manage("createsuperuser", "--noinput", *account, environment=variables)
    assert made.returncode == 0, made.stderr
    with httpx2.Client(base_url=expert_server.url, timeout=120, verify=NO_TLS) as http:
        http.get("/admin/login/")
        login = {"username": "uploader", "password": PASSWORD}
        assert posted(http, "/admin/login/?next=/admin/", login).status_code == 302
        uploaded(http, b"question,answer\nq,a\n")  # what is loaded with the first counts for none
        yield http


def posted(
    http: httpx2.Client,
    path: str,
    fields: dict[str, str],
    files: dict[str, tuple[str, bytes]] | None = None,
) -> httpx2.Response:
    token = http.cookies["csrftoken"]
    return http.post(path, data={**fields, "csrfmiddlewaretoken": token}, files=files)


def uploaded(http: httpx2.Client, content: bytes) -> str:
    response = posted(http, IMPORT, {"source": "large"}, files={"file": ("a.csv", content)})
    assert response.status_code == 200
    return unescape(response.text)


def memory_kib(server: ChatServer, name: str) -> int:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(re.findall(rf"{name}:\s+(\d+) kB", status)[0])


TOO_LONG = b"question,answer\n" + b"".join(b"q%d,a\n" % row for row in range(UPLOAD_ROWS + 1))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"x" * (UPLOAD_BYTES + 1), "The file has more than 10 MiB."),
        (TOO_LONG, "The file has more than 50,000 rows."),
    ],
    ids=["bytes", "rows"],
)
def test_t51_upload_beyond_a_limit_is_refused_soon_and_in_little_memory(
    expert: httpx2.Client,
    expert_server: ChatServer,
    expert_database: str,
    content: bytes,
    sentence: str,
) -> None:
    Path(f"/proc/{expert_server.pid}/clear_refs").write_text("5")
    before = memory_kib(expert_server, "VmRSS")
    began = time.monotonic()

    page = uploaded(expert, content)

    assert sentence in page
    assert time.monotonic() - began < SECONDS
    assert memory_kib(expert_server, "VmHWM") - before < GROWTH_KIB
    count = "SELECT count(*) FROM knowledge_answer WHERE source = 'large'"
    assert rows(expert_database, count) == [(0,)]
