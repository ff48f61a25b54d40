"""The cluster that the faults are done to. What a test breaks is mended after it."""

from collections.abc import Iterator

import pytest

from tests.databases import parameters
from tests.faults.cluster import Cluster
from tests.faults.postgres_server import PostgresServer
from tests.faults.provider import storyteller
from tests.faults.redis_server import RedisServer
from tests.openai_server import OpenAIServer, in_thread


@pytest.fixture(scope="session")
def postgres(knowledge: str) -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        server.prepare(parameters() | {"dbname": knowledge})
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def provider() -> Iterator[OpenAIServer]:
    """Its words carry the number of the call."""
    with in_thread(OpenAIServer(stamped=True, unscripted=storyteller)) as server:
        yield server


@pytest.fixture(scope="session")
def lasting_single(postgres: PostgresServer, provider: OpenAIServer) -> Iterator[Cluster]:
    with Cluster(postgres, provider) as cluster:
        yield cluster


@pytest.fixture
def single(lasting_single: Cluster) -> Iterator[Cluster]:
    """One process that keeps its log in memory."""
    yield from mended(lasting_single)


@pytest.fixture(scope="session")
def lasting_pair(
    postgres: PostgresServer, redis: RedisServer, provider: OpenAIServer
) -> Iterator[Cluster]:
    with Cluster(postgres, provider, redis=redis, count=2) as cluster:
        yield cluster


@pytest.fixture
def pair(lasting_pair: Cluster) -> Iterator[Cluster]:
    """Two processes that share a Redis."""
    yield from mended(lasting_pair)


@pytest.fixture(scope="session")
def lasting_calm(
    postgres: PostgresServer, redis: RedisServer, provider: OpenAIServer
) -> Iterator[Cluster]:
    lease = {"TURN_LEASE_SECONDS": "15"}
    with Cluster(postgres, provider, redis=redis, count=2, settings=lease) as cluster:
        yield cluster


@pytest.fixture
def calm(lasting_calm: Cluster) -> Iterator[Cluster]:
    """Two processes with a lease as long as it usually is."""
    yield from mended(lasting_calm)


@pytest.fixture(params=["single", "pair"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """Either of them: what holds for one process holds for two."""
    given: Cluster = request.getfixturevalue(request.param)
    return given


def mended(cluster: Cluster) -> Iterator[Cluster]:
    cluster.calls_before = len(cluster.provider.requests)
    yield cluster
    cluster.provider.forget_script()
    cluster.mend()
    for server in cluster.servers:
        assert not server.leaks
