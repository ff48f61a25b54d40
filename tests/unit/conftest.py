"""Unit tests touch no network; asyncio's own pair of Unix sockets is all they may open."""

from collections.abc import Iterator

import pytest
from hypothesis import settings
from pytest_socket import disable_socket, enable_socket

settings.register_profile("patient", deadline=None, max_examples=40)
settings.load_profile("patient")  # a busy machine is no failure


@pytest.fixture(autouse=True)
def no_sockets() -> Iterator[None]:
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
