"""What the launcher sees of the processes that it started."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from config.embedded.postmaster import alive
from tests.integration.embedded_machine import eventually

BECOMES = 'test "$1" -gt 0 && exec /bin/sh -c "$0" "$0" $(($1 - 1)); read line'


@contextmanager
def changing_process(*, times: int) -> Iterator[subprocess.Popen[bytes]]:
    """It turns into another program so often, and then waits."""
    command = ["/bin/sh", "-c", BECOMES, BECOMES, str(times)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        yield process


def test_process_is_alive_while_it_turns_into_another_program() -> None:
    with changing_process(times=500) as process:
        seen = [alive(process.pid) for _ in range(5_000)]

    assert all(seen)


def test_process_that_has_ended_is_not_alive_though_nobody_took_note() -> None:
    with changing_process(times=0) as process:
        assert process.stdin is not None
        process.stdin.close()

        eventually(lambda: not alive(process.pid))

        assert process.returncode is None


def test_process_that_never_was_is_not_alive() -> None:
    assert not alive(2**22 + 1)
