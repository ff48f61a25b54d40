"""Sessions in the database. What is the browser's own outlives whoever was signed in there."""

from django.contrib.sessions.backends import db

from chat.visitors import SESSION_KEY


class SessionStore(db.SessionStore):
    """Django empties a session whose user has another password now, and one that is signed out."""

    def flush(self) -> None:
        visitor = self.get(SESSION_KEY)
        super().flush()
        self._note(visitor)

    async def aflush(self) -> None:
        visitor = await self.aget(SESSION_KEY)
        await super().aflush()
        self._note(visitor)

    def _note(self, visitor: object) -> None:
        if visitor:
            self[SESSION_KEY] = visitor
