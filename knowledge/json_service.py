"""A provider's JSON API behind one address: a POST whose reply is bounded in time and size.

Importing this module imports httpx2 (0.2 s of CPU): import it only where such a provider is used.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import httpx2


class JSONServiceError(Exception):
    """There is no reply. Holds neither key nor text, and has no cause that does."""


class UnusableAddressError(JSONServiceError):
    """Nothing can be sent with this address and key."""


class NoReplyError(JSONServiceError):
    """The service cannot be reached, hung up, or was not done in time."""


class OversizedReplyError(JSONServiceError):
    """The reply is larger than any that is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """`body` is empty unless the status is 200: no other one is read. Redirects are replies."""

    status: int
    retry_after: str
    """The header of that name, or an empty text."""
    body: bytes


class JSONService:
    """One client for all threads, built on first use."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str,
        reply_bytes: int,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._reply_bytes = reply_bytes
        self._parameters = dict(parameters or {})
        self._lock = threading.Lock()
        self._client: httpx2.Client | None = None

    def post(self, body: Mapping[str, object], *, seconds: float) -> Reply:
        """Ask once, for so long at most. Raises JSONServiceError."""
        countdown = Countdown(seconds)
        try:
            with self._connected().stream(
                "POST",
                self._url,
                params=self._parameters,
                headers=self._headers,
                json=body,
                extensions={"timeout": countdown.timeouts, "trace": countdown.tick},
            ) as response:
                return self._read(response, countdown)
        except (
            httpx2.UnsupportedProtocol,
            httpx2.LocalProtocolError,
            httpx2.InvalidURL,
            ValueError,
        ):
            # Not chained: the error's text may hold the key.
            raise UnusableAddressError from None
        except httpx2.RequestError as error:
            raise NoReplyError from error

    def close(self) -> None:
        """Closes the connections. A later request opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client:
            client.close()

    def _connected(self) -> httpx2.Client:
        with self._lock:
            if self._client is None:
                self._client = httpx2.Client()
            return self._client

    def _read(self, response: httpx2.Response, countdown: "Countdown") -> Reply:
        body = bytearray()
        if response.status_code == HTTPStatus.OK:
            for piece in response.iter_bytes():
                body += piece
                if len(body) > self._reply_bytes:
                    raise OversizedReplyError
                if countdown.over:  # a body that drips is no reply
                    raise NoReplyError
        return Reply(
            status=response.status_code,
            retry_after=response.headers.get("retry-after", ""),
            body=bytes(body),
        )


class Countdown:
    """Leaves each step of one request what the steps before it have not used.

    The client's own time limits are for each step anew: looking up, connecting, greeting, sending
    and waiting could together take several times as long as one. It reads them before each. What
    is not bounded: the name server, and a reply whose headers drip.
    """

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self.timeouts: dict[str, float | None] = {}
        self.tick("request", {})

    @property
    def over(self) -> bool:
        return time.monotonic() > self._ends_at

    def tick(self, _step: str, _details: Mapping[str, object]) -> None:
        left = max(self._ends_at - time.monotonic(), 0.001)
        self.timeouts |= dict.fromkeys(("connect", "read", "write", "pool"), left)
