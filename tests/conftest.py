"""What tests of the running server share: databases, servers, and the model behind them.

Each test has its own visitors and conversations, so that servers can be shared.
"""

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chat_client import Visitor
from tests.databases import database_url, new_database, rows
from tests.faults.cluster import Cluster
from tests.openai_script import Step
from tests.openai_server import OpenAIServer, Received, in_thread
from tests.serving import ChatServer, environment, manage

ANSWERS = Path(__file__).with_name("answers.jsonl")
PATIENCE_SECONDS = 30
RUNNING_TURNS = "SELECT count(*) FROM chat_turn WHERE status = 'running'"


@pytest.fixture(scope="session")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database in which the answers of answers.jsonl are published, to be copied."""
    with new_database() as name:
        variables = environment(tmp_path_factory.mktemp("knowledge"))
        variables["DATABASE_URL"] = database_url(name)
        for command in (["migrate", "-v0"], ["ingest", str(ANSWERS), "--publish", "--quiet"]):
            finished = manage(*command, environment=variables)
            assert finished.returncode == 0, finished.stderr
        yield name


@pytest.fixture
def database(knowledge: str) -> Iterator[str]:
    """A copy of `knowledge` for one test."""
    with new_database(knowledge) as name:
        yield name


@pytest.fixture(scope="session")
def scripted_server() -> Iterator[OpenAIServer]:
    with in_thread(OpenAIServer()) as server:
        yield server


class Model:
    """One test's share of the scripted server, which counts its requests from 1."""

    def __init__(self, server: OpenAIServer) -> None:
        self._server = server
        self._before = len(server.requests)

    @property
    def requests(self) -> list[Received]:
        return self._server.requests[self._before :]

    def script(self, *steps: Step) -> None:
        """What to do with the next requests; then it answers like a cooperative model."""
        self._server.script(*steps)

    async def request(self, number: int) -> Received:
        """This one, as soon as it has come."""
        return await self._server.request(self._before + number)


@pytest.fixture
def model(scripted_server: OpenAIServer, model_database: str) -> Iterator[Model]:
    """Replies that earlier tests did not wait for have asked for what they need before."""
    until_no_turn_can_ask(scripted_server, model_database)
    yield Model(scripted_server)
    scripted_server.forget_script()


def until_no_turn_can_ask(server: OpenAIServer, database: str) -> None:
    """Each running turn has a request that waits for its answer. Raises TimeoutError.

    Requests of other databases' turns count as well: tests of different ones run one after another.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while server.waiting < rows(database, RUNNING_TURNS)[0][0]:
        if time.monotonic() > deadline:
            raise TimeoutError("a turn of an earlier test runs without asking its model")
        time.sleep(0.01)


@contextmanager
def quiet(server: ChatServer) -> Iterator[ChatServer]:
    """The server, which must not complain, or tell what visitors said, while it runs."""
    with server:
        yield server
    assert not server.complaints


@pytest.fixture(scope="session")
def model_database(knowledge: str) -> Iterator[str]:
    with new_database(knowledge) as name:
        yield name


@pytest.fixture(scope="session")
def model_server(
    request: pytest.FixtureRequest, model_database: str, scripted_server: OpenAIServer
) -> Iterator[ChatServer]:
    """With the scripted model behind it, and a heart that beats every second.

    Its parameter is another class of server.
    """
    kind: type[ChatServer] = getattr(request, "param", ChatServer)
    settings = {
        "DATABASE_URL": database_url(model_database),
        "OPENAI_BASE_URL": scripted_server.base_url,
        "PYTHON_API_ORIGINS": "https://app.example",
        "PING_SECONDS": "1",
        "TURN_LEASE_SECONDS": "300",  # nothing here waits for the caretaker
    }
    with quiet(kind(settings=settings)) as server:
        yield server


@pytest.fixture
async def alice(model_server: ChatServer) -> Visitor:
    return await Visitor.arrive(model_server)


@pytest.fixture
async def bob(model_server: ChatServer) -> Visitor:
    return await Visitor.arrive(model_server)


@pytest.fixture(scope="session")
def expert_database(knowledge: str) -> Iterator[str]:
    with new_database(knowledge) as name:
        yield name


@pytest.fixture(scope="session")
def expert_server(expert_database: str) -> Iterator[ChatServer]:
    """Without a model: it quotes the experts."""
    with quiet(ChatServer(settings={"DATABASE_URL": database_url(expert_database)})) as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what its servers said."""
    report = yield
    if report.when == "call" and report.failed and isinstance(item, pytest.Function):
        servers = {s: name for name, value in item.funcargs.items() for s in servers_of(value)}
        for server, name in servers.items():
            report.sections.append((f"log of {name}", server.log[-4000:]))
    return report


def servers_of(value: object) -> list[ChatServer]:
    match value:
        case ChatServer():
            return [value]
        case Cluster():
            return value.servers
        case _:
            return []
