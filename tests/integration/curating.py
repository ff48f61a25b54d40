"""Experts at work in the admin: who they are, what they store, what their browsers send."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from knowledge import publishing, wiring
from knowledge.embedders.base import EmbedderError, Vectors
from knowledge.embedders.local import LocalEmbedder
from knowledge.models import Answer
from knowledge.retrieval import Hit, search

LIST = "/admin/knowledge/answer/"
ADD = f"{LIST}add/"
SLEEP = "My son will not sleep alone. What can we do?"
HAIRCUT = "How do I get my daughter through a haircut?"
ROUTINE = "Begin with a firm evening routine."
XSS = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def superuser(name: str) -> Client:
    return signed_in(User.objects.create_superuser(name))


def staff(name: str, *permissions: str) -> Client:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return signed_in(user)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


class SilentEmbedder(LocalEmbedder):
    """Its vectors belong to the same space, but there are none to be had."""

    def _embed(self, texts: Sequence[str], *, is_query: bool) -> Vectors:
        raise EmbedderError("The embedder does not respond.")


@contextmanager
def silent_embedder() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "embedder", SilentEmbedder)
        yield


def stored(*wordings: str, publish: bool = True, **columns: Any) -> Answer:
    answer = Answer.objects.create(**{"locale": "en", "text": ROUTINE, **columns})
    publishing.reword(answer, wordings)
    status = Answer.Status.PUBLISHED if publish else None
    publishing.store_edit(answer, wiring.embedder(), status)
    answer.refresh_from_db()
    return answer


def found(question: str) -> list[Hit]:
    return list(search(question, wiring.embedder()).hits)


def wordings(answer: Answer) -> list[str]:
    return list(answer.questions.values_list("text", flat=True))


def new_form(*texts: str, **fields: Any) -> dict[str, Any]:
    """What the browser sends when an answer with these wordings is added."""
    rows = {f"questions-{row}-text": text for row, text in enumerate(texts)}
    counts = {"questions-TOTAL_FORMS": len(texts), "questions-INITIAL_FORMS": 0}
    return {"text": ROUTINE, "locale": "en", "seen": 1, **counts, **rows, **fields}


def form(answer: Answer, *texts: str, **fields: Any) -> dict[str, Any]:
    """What the browser sends when an answer's form is saved, with these wordings and fields."""
    questions = list(answer.questions.all())
    rows: dict[str, Any] = {"questions-INITIAL_FORMS": len(questions)}
    for row, question in enumerate(questions):
        rows[f"questions-{row}-id"] = question.pk
        rows[f"questions-{row}-order"] = row + 1
    shown = {"text": answer.text, "locale": answer.locale, "topic": answer.topic}
    return (
        new_form(*(texts or wordings(answer)), **shown, **rows) | {"seen": answer.version} | fields
    )


def save(client: Client, answer: Answer, *texts: str, **fields: Any) -> str:
    """The page that follows."""
    return posted(client, f"{LIST}{answer.pk}/change/", form(answer, *texts, **fields))


def run(client: Client, action: str, *answers: Answer) -> str:
    """Run a list action on ticked answers; the page that follows."""
    keys = [answer.pk for answer in answers]
    return posted(client, LIST, {"action": action, "_selected_action": keys})


def posted(client: Client, path: str, fields: dict[str, Any]) -> str:
    response = client.post(path, fields, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def shown(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()
