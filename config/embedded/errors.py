"""The one error of this package."""

from django.db import OperationalError


class EmbeddedPostgresError(OperationalError):
    """The embedded Postgres cannot be used; the message says why and what to do, for a person."""
