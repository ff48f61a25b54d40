"""Requests as the page makes them: with the visitor's session and the token against forgery."""

import json
from typing import Any

import httpx2

from tests.chat_client import NO_TLS, Visitor

TOKEN = "t" * 32


async def request(
    visitor: Visitor,
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: dict[str, str] | None = None,
) -> httpx2.Response:
    """`body` is sent as JSON, bytes as they are; a header of "" is left out."""
    page = {
        "Cookie": f"{visitor.cookie}; csrftoken={TOKEN}",
        "X-CSRFToken": TOKEN,
        "Content-Type": "application/json",
        **(headers or {}),
    }
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
    sent = {name: value for name, value in page.items() if value}
    async with httpx2.AsyncClient(verify=NO_TLS, headers=sent) as http:
        return await http.request(method, f"{visitor.server.url}{path}", content=content)


def conversation_path(conversation: str, rest: str = "") -> str:
    return f"/api/conversations/{conversation}{rest}"
