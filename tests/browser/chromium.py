"""The browser: one of Debian's Chromiums where there is one, else Playwright's own."""

import os
from pathlib import Path

from playwright.sync_api import Browser, Playwright

DEBIAN = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
"""The first has no windows to manage, and opens a page in half the time."""


class NoBrowserError(Exception):
    """There is no Chromium on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "There is no Chromium here. Run “apt-get install chromium fonts-noto-cjk” or "
            "“.venv/bin/playwright install chromium”."
        )


def launch(playwright: Playwright) -> Browser:
    """It talks to nobody but the pages it is sent to. Raises NoBrowserError."""
    paths = (*DEBIAN, Path(playwright.chromium.executable_path))
    path = next((each for each in paths if each.exists()), None)
    if path is None:
        raise NoBrowserError
    return playwright.chromium.launch(
        executable_path=path,
        chromium_sandbox=os.geteuid() != 0,
        args=["--disable-background-networking", "--disable-gpu", "--no-proxy-server"],
    )
