"""A TCP proxy that loses, cuts, delays or holds what passes: between any two of our processes."""

import asyncio
import threading
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Literal, Self, TypeVar

from tests.latch import Latch
from tests.openai_http import reset

CHUNK = 16 * 1024
BUFFER = 64 * 1024
Direction = Literal["up", "down"]
"""Up is towards the target."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """One connection through the proxy."""

    client: asyncio.StreamWriter
    target: asyncio.StreamWriter

    def cut(self) -> None:
        """With RST, as when a machine on the way has forgotten the connection."""
        for writer in (self.client, self.target):
            if not writer.is_closing():
                reset(writer)

    def close(self) -> None:
        for writer in (self.client, self.target):
            writer.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """Cuts the first connection that said these words in this order; the last are not delivered.

    With `after_bytes` instead, the connection on which so many bytes came down.
    """

    said: tuple[tuple[Direction, bytes], ...] = ()
    after_bytes: int = 0
    sprung: Latch = field(default_factory=Latch)
    _progress: Counter[Link] = field(default_factory=Counter)

    def catches(self, way: Direction, data: bytes, link: Link) -> bool:
        if self.after_bytes:
            self._progress[link] += len(data) if way == "down" else 0
            return self._progress[link] >= self.after_bytes
        while self._progress[link] < len(self.said):
            direction, words = self.said[self._progress[link]]
            if direction != way or words not in data:
                return False
            self._progress[link] += 1
        return True


class Proxy:
    """Forwards 127.0.0.1:`port` to port `target` while the `with` block runs, in its own thread."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.target = target
        self.bytes_per_second = 0
        self.refusing = False
        self._trap: Trap | None = None
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._flowing.set()
        self._thread.start()
        self._server = self._run(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Reset all connections; new ones may come."""

        async def cut_all() -> None:
            for link in list(self._links):
                link.cut()

        self._run(cut_all())

    def hold(self) -> None:
        """Let nothing through in either direction, and nobody know: a black hole."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._flowing.set)

    def trap(self, *said: tuple[Direction, bytes], after_bytes: int = 0) -> Latch:
        """Lay a trap; the latch opens when a connection is caught in it."""
        self._trap = Trap(said=said, after_bytes=after_bytes)
        return self._trap.sprung

    def mend(self) -> None:
        """Forward everything again."""
        self._trap = None
        self.refusing = False
        self.bytes_per_second = 0
        self.release()

    def _run(self, work: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, "127.0.0.1", limit=CHUNK)

    async def _close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.refusing:
                raise ConnectionRefusedError
            answers, target = await asyncio.open_connection("127.0.0.1", self.target, limit=CHUNK)
        except OSError:
            reset(writer)
            return
        link = Link(writer, target)
        self._links.add(link)
        try:
            await asyncio.gather(
                self._pump("up", reader, target, link), self._pump("down", answers, writer, link)
            )
        finally:
            self._links.discard(link)
            link.close()

    async def _pump(
        self, way: Direction, source: asyncio.StreamReader, sink: asyncio.StreamWriter, link: Link
    ) -> None:
        """Ends with the source; a connection that broke is reset on the other side, too."""
        sink.transport.set_write_buffer_limits(high=BUFFER)
        try:
            while data := await self._passing(source):
                if self._caught(way, data, link):
                    return
                sink.write(data)
                await sink.drain()
                if self.bytes_per_second:
                    await asyncio.sleep(len(data) / self.bytes_per_second)
            if sink.can_write_eof():
                sink.write_eof()
        except OSError:
            link.cut()

    async def _passing(self, source: asyncio.StreamReader) -> bytes:
        """What is said next, or nothing at the end, unless all is held."""
        data = await source.read(CHUNK)
        await self._flowing.wait()
        return data

    def _caught(self, way: Direction, data: bytes, link: Link) -> bool:
        trap = self._trap
        if trap is None or not trap.catches(way, data, link):
            return False
        self._trap = None
        link.cut()
        trap.sprung.open()
        return True
