#!/usr/bin/env python
"""Django's command line for Expertline."""

import os
import signal
import sys
from types import FrameType

from django.core.management import execute_from_command_line
from django.db import OperationalError

from config.embedded.errors import EmbeddedPostgresError
from config.env import ConfigurationError


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    signal.signal(signal.SIGTERM, stop)
    try:
        execute_from_command_line(sys.argv)
    except (ConfigurationError, EmbeddedPostgresError) as error:
        sys.exit(f"Expertline cannot start: {error}")
    except OperationalError:
        sys.exit("The database cannot be reached or refuses. Look at DATABASE_URL and its server.")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def stop(signal_number: int, _frame: FrameType | None) -> None:
    """Leave through the interpreter's exit, so that the embedded database is stopped too."""
    sys.exit(128 + signal_number)


if __name__ == "__main__":
    main()
