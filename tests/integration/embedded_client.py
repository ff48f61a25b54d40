"""A process that uses the embedded Postgres; started by test_embedded_postgres.py.

It reads a command a line and answers with a line of JSON: the rows of the SQL, or an error. A line
that begins with a backslash is one of COMMANDS.
"""

import json
import os
import pwd
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import Error, connection, connections

from config.embedded.errors import EmbeddedPostgresError
from config.embedded.server import stop_if_last


def main(database: str, user: str | None = None) -> None:
    settings.configure(DATABASES={"default": json.loads(database)})
    apps.populate([])  # all of django.setup() that a database needs
    assert connection.vendor == "postgresql"  # imports the backend, which is out of USER's reach
    if user is not None:
        become(user)
    for line in sys.stdin:
        command = line.rstrip("\n")
        try:
            answer(COMMANDS[command]() if command in COMMANDS else rows(command))
        except (Error, EmbeddedPostgresError) as error:
            answer({"error": type(error).__name__, "message": str(error)})


def answer(value: object) -> None:
    sys.stdout.write(json.dumps(value, default=str) + "\n")
    sys.stdout.flush()


def become(user: str) -> None:
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def two_threads() -> list[object]:
    """The same question asked by two threads at once, each on a connection of its own."""
    found: list[object] = []
    together = threading.Barrier(2)

    def ask() -> None:
        together.wait()
        found.append(rows("SELECT pg_postmaster_start_time()"))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def forked_child() -> int:
    """Fork a child that leaves through the interpreter's exit, as a user of ours would."""
    child = os.fork()
    if child == 0:
        sys.exit()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_database() -> str:
    """Create Django's test database, look into it, and remove it."""
    before = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, serialize=False)
    name = str(rows("SELECT current_database()")[0][0])
    connection.creation.destroy_test_db(before, verbosity=0)
    return name


def dbshell() -> str:
    """What `manage.py dbshell` prints when it is asked for the database's name."""
    with tempfile.NamedTemporaryFile("r") as output:
        connection.client.runshell(["-At", "-o", output.name, "-c", "SELECT current_database()"])
        return output.read().strip()


COMMANDS: dict[str, Callable[[], object]] = {
    r"\close": connections.close_all,
    r"\leave": stop_if_last,
    r"\threads": two_threads,
    r"\fork": forked_child,
    r"\test-database": test_database,
    r"\dbshell": dbshell,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
