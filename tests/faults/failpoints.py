"""Places in a server where it fails on purpose, without a line in the product for it.

FAILPOINTS="chat.turns.end:after:exit;chat.turns.keep:before:sleep=3" names functions as their
callers look them up. Actions: `exit` (as by kill -9), `stop` (the process is frozen),
`sleep=SECONDS` (blocking the thread or event loop that calls), `raise`. Each fires once, also over
restarts: a file in DATA_DIR remembers.
"""

import asyncio
import functools
import hashlib
import importlib
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from django.apps import AppConfig
from django.conf import settings

FAILPOINTS = os.environ.get("FAILPOINTS", "")
MUTATION = os.environ.get("MUTATION", "")
EXIT_CODE = 70
Target = Callable[..., object]


class FailpointError(Exception):
    """What the action `raise` raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failpoint:
    target: str
    when: Literal["before", "after"]
    action: str
    marker: Path

    def fire(self, moment: str) -> None:
        if moment == self.when and self._first_time():
            act(self.action)

    def _first_time(self) -> bool:
        try:
            self.marker.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


class FailpointsConfig(AppConfig):
    """In INSTALLED_APPS of tests/settings.py only while FAILPOINTS or MUTATION is set."""

    name = "tests.faults"
    label = "failpoints"

    def ready(self) -> None:
        folder = Path(settings.DATA_DIR)
        for text in filter(None, FAILPOINTS.split(";")):
            install(parsed(text, folder))
        if MUTATION:
            mutations = importlib.import_module("tests.faults.mutations")  # needs the apps
            mutations.MUTATIONS[MUTATION]()


def parsed(text: str, folder: Path) -> Failpoint:
    target, when, action = text.strip().split(":")
    if when not in {"before", "after"}:
        raise ValueError(f"A failpoint is before or after a function, not {when}.")
    name = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Failpoint(
        target=target,
        when=cast(Literal["before", "after"], when),
        action=action,
        marker=folder / f"failpoint-{name}",
    )


def install(point: Failpoint) -> None:
    owner, name = owner_of(point.target)
    setattr(owner, name, wrapped(getattr(owner, name), point))


def owner_of(dotted: str) -> tuple[object, str]:
    """The module or class that holds the last name."""
    parts = dotted.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            owner: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:-1]:
            owner = getattr(owner, part)
        return owner, parts[-1]
    raise LookupError(f"There is no {dotted}.")


def wrapped(function: Target, point: Failpoint) -> Target:
    if asyncio.iscoroutinefunction(function):
        awaited = cast(Callable[..., Awaitable[object]], function)

        @functools.wraps(function)
        async def failing_coroutine(*args: object, **kwargs: object) -> object:
            point.fire("before")
            result = await awaited(*args, **kwargs)
            point.fire("after")
            return result

        return failing_coroutine

    @functools.wraps(function)
    def failing(*args: object, **kwargs: object) -> object:
        point.fire("before")
        result = function(*args, **kwargs)
        point.fire("after")
        return result

    return failing


def act(action: str) -> None:
    name, _, value = action.partition("=")
    match name:
        case "exit":
            os._exit(EXIT_CODE)
        case "sleep":
            time.sleep(float(value))
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "raise":
            raise FailpointError
        case _:
            raise ValueError(f"A failpoint cannot {action}.")
