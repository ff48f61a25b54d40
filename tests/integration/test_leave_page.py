"""T-41: the page between a link and another site."""

from urllib.parse import quote

import httpx2
import pytest

from tests.chat_client import NO_TLS
from tests.serving import ChatServer


async def leave(server: ChatServer, query: str) -> httpx2.Response:
    async with httpx2.AsyncClient(verify=NO_TLS) as http:
        return await http.get(f"{server.url}/leave{query}")


async def test_t41_host_is_shown_as_it_is_asked_for(model_server: ChatServer) -> None:
    address = "https://www.аррӏе.com/a?b=1&c=2"

    response = await leave(model_server, f"?to={quote(address, safe='')}")

    shown = "https://www.xn--80ak6aa92e.com/a?b=1&amp;c=2"
    assert response.status_code == 200
    assert ">www.xn--80ak6aa92e.com</p>" in response.text
    assert f">{shown}</p>" in response.text
    assert f'href="{shown}"' in response.text
    assert 'rel="noopener noreferrer nofollow"' in response.text
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    "to",
    [
        "",
        "javascript:alert(1)",
        "//evil.example",
        "/admin/",
        "https://a@evil.example/",
        "ftp://a.b/",
    ],
)
async def test_anything_but_a_web_address_is_refused(model_server: ChatServer, to: str) -> None:
    response = await leave(model_server, f"?to={quote(to, safe='')}")

    assert response.status_code == 400
    assert "evil.example" not in response.text
    assert "alert" not in response.text


async def test_address_is_needed(model_server: ChatServer) -> None:
    assert (await leave(model_server, "")).status_code == 400


async def test_address_is_no_markup(model_server: ChatServer) -> None:
    response = await leave(model_server, f"?to={quote('https://a.example/<script>x', safe='')}")

    assert "<script>x" not in response.text
