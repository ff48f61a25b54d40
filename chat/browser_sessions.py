"""Sessions in the database. What is the browser's own outlives whoever was signed in there."""

from django.contrib.sessions.backends import db

from chat.visitors import SESSION_KEY


class SessionStore(db.SessionStore):
    """Django empties a session whose user has another password now, and one that is signed out.

    It would do so in `aflush`, too, which nobody calls here.
    """

    def flush(self) -> None:
        visitor = self.get(SESSION_KEY)
        super().flush()
        if visitor:
            self[SESSION_KEY] = visitor
