"""What a page had to be sent, byte by byte as Chromium counted it."""

from typing import Any

from playwright.sync_api import CDPSession


class Transfers:
    """`sizes` are bytes on the wire by address: heads and bodies, as compressed as they came."""

    def __init__(self, session: CDPSession) -> None:
        self.sizes: dict[str, int] = {}
        self._addresses: dict[str, str] = {}
        session.on("Network.requestWillBeSent", self._asked)
        session.on("Network.loadingFinished", self._came)
        session.send("Network.enable")

    def _asked(self, event: dict[str, Any]) -> None:
        self._addresses[event["requestId"]] = event["request"]["url"]

    def _came(self, event: dict[str, Any]) -> None:
        address = self._addresses[event["requestId"]]
        if address.startswith("http"):
            self.sizes[address] = self.sizes.get(address, 0) + int(event["encodedDataLength"])
