"""A stored conversation, as a server that a test plays tells of it."""

import uuid
from dataclasses import dataclass, field

from playwright.sync_api import Page, expect

from tests.browser.wire import Frame, Wire

NOON = "2026-11-22T12:00:00.000Z"


@dataclass(slots=True, kw_only=True)
class PlayedConversation:
    """Its messages in the order in which they came; each has a revision of its own."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    messages: list[Frame] = field(default_factory=list)

    def question(self, text: str, after: Frame | None = None) -> Frame:
        return self._add(role="user", text=text, html=None, parent=after and after["id"])

    def reply(self, text: str, to: Frame, **facts: object) -> Frame:
        known = {"finish": "stop", "grounding": "none", **facts}
        return self._add(
            role="assistant", text=text, html=f"<p>{text}</p>", parent=to["id"], **known
        )

    def exchange(self, asked: str, said: str, after: Frame | None = None) -> Frame:
        """A question and its reply; the reply."""
        return self.reply(said, self.question(asked, after))

    def sync(self, *, last: int = 200) -> Frame:
        """What a client that knows nothing is told: the newest so many."""
        return {
            "type": "sync",
            "conversation": self.id,
            "rev": len(self.messages),
            "full": True,
            "title": "",
            "messages": self.messages[-last:],
            "turn": None,
        }

    def open(self, page: Page, wire: Wire, *, last: int = 200) -> None:
        """The page must be where the chat page is already."""
        wire.answers["subscribe"] = lambda wire, asked: wire.send(self.sync(last=last))
        page.goto(f"{page.url.split('/c/')[0].rstrip('/')}/c/{self.id}")
        expect(page.locator("#transcript > article").last).to_be_visible()

    def _add(self, **facts: object) -> Frame:
        message = {
            "id": str(uuid.uuid4()),
            "status": "done",
            "finish": None,
            "grounding": None,
            "sources": [],
            "suggestions": [],
            "error": None,
            "at": NOON,
            "rev": len(self.messages) + 1,
            "feedback": None,
            "notice_wanted": False,
            **facts,
        }
        self.messages.append(message)
        return message


def source(**facts: object) -> Frame:
    return {
        "answer": str(uuid.uuid4()),
        "version": 1,
        "title": "孩子自伤怎么办？",
        "expert": "林医生",
        "role": "发育行为儿科医生",
        "reviewed_at": "2026-05-01",
        "overdue": False,
        "score": 0.9,
        "text": "先保证**安全**。",
        "html": "<p>先保证<strong>安全</strong>。</p>",
        "url": None,
        "certain": True,
        **facts,
    }
