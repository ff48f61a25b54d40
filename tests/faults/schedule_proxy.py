"""A proxy that cuts a connection in the middle of what is said."""

from tests.faults.proxy import Direction, Link, Proxy


class Guillotine(Proxy):
    """Lets so many bytes down to a client, and not one more: the rest of a frame is lost."""

    def __init__(self, target: int, after_bytes: int) -> None:
        super().__init__(target)
        self._left = after_bytes

    def _caught(self, way: Direction, data: bytes, link: Link) -> bool:
        if way == "up":
            return False
        self._left -= len(data)
        if self._left > 0:
            return False
        link.client.write(data[: len(data) + self._left])
        link.cut()
        return True
