"""The one error of this package."""


class EmbeddedPostgresError(Exception):
    """The embedded Postgres cannot be used; the message says why and what to do, for a person."""
