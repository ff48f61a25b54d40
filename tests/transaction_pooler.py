"""A pooler in transaction mode before a real Postgres: who needs a session gets the one used last.

It does of PgBouncer what matters to those who count on a session of their own. One user, one
database, no passwords. Needs no pytest.
"""

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104
READY, IDLE, TERMINATE = b"Z", b"I", b"X"


class TransactionPooler:
    """Listens on a port of 127.0.0.1 while the `with` block runs."""

    def __init__(self, *, server: str, user: str, database: str) -> None:
        self._server, self._user, self._database = server, user, database
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._idle: list[socket.socket] = []
        self._greeting = b""
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """A value for DATABASE_URL."""
        port = self._listening.getsockname()[1]
        return f"postgresql://{self._user}@127.0.0.1:{port}/{self._database}?gssencmode=disable"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        self._listening.close()
        for session in self._idle:
            session.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            while startup_code(client) in {SSL_REQUEST, GSS_REQUEST}:
                client.sendall(b"N")
            self._give_back(self._take())
            client.sendall(self._greeting)
            while self._transaction(client):
                pass

    def _transaction(self, client: socket.socket) -> bool:
        """One transaction of the client's; False when it has gone."""
        kind, message = next_message(client)
        if kind == TERMINATE:
            return False
        session = self._take()
        while True:
            session.sendall(message)
            if kind in {b"Q", b"S"} and answered(session, client) == IDLE:
                self._give_back(session)
                return True
            kind, message = next_message(client)

    def _take(self) -> socket.socket:
        with self._lock:
            return self._idle.pop() if self._idle else self._new_session()

    def _give_back(self, session: socket.socket) -> None:
        with self._lock:
            self._idle.append(session)

    def _new_session(self) -> socket.socket:
        session = socket.socket(socket.AF_UNIX)
        session.connect(self._server)
        names = f"user\0{self._user}\0database\0{self._database}\0\0".encode()
        session.sendall(struct.pack("!II", len(names) + 8, 196608) + names)
        self._greeting = b""
        kind = b""
        while kind != READY:
            kind, message = next_message(session)
            self._greeting += message
        return session


def startup_code(client: socket.socket) -> int:
    (length,) = struct.unpack("!I", exactly(client, 4))
    rest = exactly(client, length - 4)
    return int(struct.unpack("!I", rest[:4])[0])


def answered(session: socket.socket, client: socket.socket) -> bytes:
    """Pass the session's messages on until it is ready; its state then."""
    while True:
        kind, message = next_message(session)
        client.sendall(message)
        if kind == READY:
            return message[-1:]


def next_message(source: socket.socket) -> tuple[bytes, bytes]:
    """Its kind, and all of it."""
    head = exactly(source, 5)
    (length,) = struct.unpack("!I", head[1:])
    return head[:1], head + exactly(source, length - 4)


def exactly(source: socket.socket, length: int) -> bytes:
    """So many bytes. Raises OSError when the other side has gone."""
    read = b""
    while len(read) < length:
        piece = source.recv(length - len(read))
        if not piece:
            raise ConnectionResetError
        read += piece
    return read
