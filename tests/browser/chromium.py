"""The browser: Debian's Chromium where there is one, else Playwright's own."""

import os
from pathlib import Path

from playwright.sync_api import Browser, Playwright

DEBIAN = Path("/usr/bin/chromium")


class NoBrowserError(Exception):
    """There is no Chromium on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "There is no Chromium here. Run “apt-get install chromium fonts-noto-cjk” or "
            "“.venv/bin/playwright install chromium”."
        )


def launch(playwright: Playwright) -> Browser:
    """It talks to nobody but the pages it is sent to. Raises NoBrowserError."""
    path = DEBIAN if DEBIAN.exists() else Path(playwright.chromium.executable_path)
    if not path.exists():
        raise NoBrowserError
    return playwright.chromium.launch(
        executable_path=path,
        chromium_sandbox=os.geteuid() != 0,
        args=["--disable-background-networking", "--disable-gpu", "--no-proxy-server"],
    )
