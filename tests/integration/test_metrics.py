"""Who may read /metrics, and what stands there."""

import httpx2
import pytest

from tests.chat_client import ChatClient, Visitor
from tests.serving import ChatServer


def test_t49_request_that_a_proxy_passed_on_is_refused(expert_server: ChatServer) -> None:
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        response = httpx2.get(f"{expert_server.url}/metrics", headers={header: "127.0.0.1"})

        assert response.status_code == 403
        assert "expertline_" not in response.text


async def test_metrics_count_the_sockets(expert_server: ChatServer) -> None:
    async with ChatClient(await Visitor.arrive(expert_server)):
        response = httpx2.get(f"{expert_server.url}/metrics")

    assert response.headers["content-type"].startswith("text/plain; version=")
    open_sockets = [
        float(line.split()[1])
        for line in response.text.splitlines()
        if line.startswith("expertline_sockets_open ")
    ]
    assert open_sockets
    assert open_sockets[0] >= 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_metrics_are_only_read(expert_server: ChatServer, method: str) -> None:
    response = httpx2.request(method, f"{expert_server.url}/metrics")

    assert response.status_code in {403, 405}
