"""The start of the server process, and the wait until it takes connections."""

import time
from pathlib import Path

from config.embedded.cluster import ensure_cluster
from config.embedded.errors import EmbeddedPostgresError
from config.embedded.place import SOCKET_NAME, Place
from config.embedded.postmaster import Postmaster, alive, drop_stale_locks

PORT = int(SOCKET_NAME.rpartition(".")[2])
READY_SECONDS = 120  # crash recovery may have much to replay
SPAWN_SECONDS = 10
POLL_SECONDS = 0.02

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    # The texts of rows and statements stay out of the log: whoever sent them logs the SQLSTATE.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    # Rows in memory or on an SSD: else searches read whole tables for a hundred rows.
    "random_page_cost": "1.1",
}
UNSAFE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# The shell leaves at once, so the server is nobody's child; it prints the server's pid.
DETACHED = 'exec 3>>"$0"; "$@" >&3 2>&3 3>&- & echo $!'

# Connections of a killed server may need a moment to notice that it is gone.
STILL_IN_USE = "pre-existing shared memory block"


def running_postmaster(place: Place, *, durable: bool) -> Postmaster:
    """The ready server of `place`, started if there is none; for one process at a time."""
    ensure_cluster(place)
    launched: int | None = None
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        postmaster = Postmaster.find(place.data)
        if postmaster is not None and postmaster.ready:
            return postmaster
        if postmaster is None and (launched is None or not alive(launched)):
            _check_failure(place, launched)
            launched = _launch(place, durable=durable)
        time.sleep(POLL_SECONDS)
    raise EmbeddedPostgresError(
        f"The embedded Postgres did not get ready within {READY_SECONDS} seconds; its log is "
        f"{place.log}."
    )


def _check_failure(place: Place, launched: int | None) -> None:
    """Raise what stopped the server we launched, unless another attempt may do better."""
    if launched is None:
        return
    lines = ["no reason given", *place.log.read_text(errors="replace").splitlines()]
    reason = next((line for line in reversed(lines) if f"[{launched}] FATAL:" in line), lines[-1])
    if STILL_IN_USE not in reason:
        raise EmbeddedPostgresError(
            f"The embedded Postgres did not start: “{reason}”. Its log is {place.log}."
        )


def _launch(place: Place, *, durable: bool) -> int:
    """Start the server process and give its pid."""
    socket_folder = place.socket_folder()
    drop_stale_locks(place.data, socket_folder)
    quoted = str(socket_folder).replace('"', '""')  # the setting is a list of folders
    settings = SETTINGS | {"unix_socket_directories": f'"{quoted}"'}
    if not durable:
        settings |= UNSAFE_SETTINGS
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    server: list[str | Path] = [place.binaries.program("postgres"), "-D", place.data, *options]
    outcome = place.account.run(
        ["/bin/sh", "-c", DETACHED, place.log, *server], limit_seconds=SPAWN_SECONDS
    )
    if not outcome.ok:
        raise EmbeddedPostgresError(
            f"The embedded Postgres cannot write its log {place.log}: {outcome.output}"
        )
    return int(outcome.output)
