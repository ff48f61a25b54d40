"""`manage.py serve --set-up` on an empty folder, with the settings of an installation."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest

from tests.chat_client import ChatClient, Visitor
from tests.conftest import quiet
from tests.integration.embedded_machine import Machine
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer

QUICKLY_SECONDS = 10
PASSWORD = re.compile(r"Name: (\S+)  Password: (\S+)  \(shown only now\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A server that was started in an empty folder, and what it said then."""

    server: ChatServer
    first_log: str

    @property
    def accounts(self) -> list[tuple[str, str]]:
        """The names and passwords that it told."""
        return PASSWORD.findall(self.first_log)


@pytest.fixture(scope="module")
def installation(scripted_server: OpenAIServer) -> Iterator[Installation]:
    settings = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "EMBEDDER": "openai",  # the scripted server's: the sample takes the local one a minute
        "EMBEDDING_MODEL": "scripted",
        "EMBEDDING_BASE_URL": scripted_server.base_url,
    }
    with quiet(ChatServer(set_up=True, settings=settings)) as server:
        yield Installation(server=server, first_log=server.log)


def test_first_start_tells_the_admins_password_once(installation: Installation) -> None:
    assert [name for name, _ in installation.accounts] == ["admin"]


def test_first_start_says_that_the_knowledge_is_a_sample(installation: Installation) -> None:
    assert "sample knowledge (not reviewed by a clinician)" in installation.first_log


@pytest.mark.parametrize(("reverse", "inside"), [(False, 200), (True, 302)])
def test_that_password_alone_opens_the_admin(
    installation: Installation, *, reverse: bool, inside: int
) -> None:
    ((name, password),) = installation.accounts
    with httpx2.Client(base_url=installation.server.url) as http:
        form = http.get("/admin/login/")
        fields = {
            "username": name,
            "password": password[::-1] if reverse else password,
            "csrfmiddlewaretoken": form.cookies["csrftoken"],
        }

        http.post("/admin/login/?next=/admin/", data=fields)
        admin = http.get("/admin/")

    assert admin.status_code == inside


async def test_sample_answers_at_once(installation: Installation) -> None:
    question = "What can I do when my child has a meltdown in public?"

    async with ChatClient(await Visitor.arrive(installation.server)) as client:
        ended = await client.ask(question)

    assert ended["status"] == "done"
    assert ended["sources"] or ended["suggestions"]


def test_end_leaves_no_process_and_the_next_start_is_quick(installation: Installation) -> None:
    server = installation.server

    server.terminate()
    exit_code = server.wait()
    left = Machine(server.folder).processes()
    server.start(seconds=QUICKLY_SECONDS)

    assert (exit_code, left) == (0, set())
    assert "Password" not in server.log
    assert "sample" not in server.log
