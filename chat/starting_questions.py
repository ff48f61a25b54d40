"""What the start page offers to tap: questions that experts have answered, the most asked first.

Only wordings that experts published, never a visitor's words.
"""

from collections import Counter
from collections.abc import Iterable
from typing import cast
from uuid import UUID

from django.core.cache import cache
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from chat.models import Message
from knowledge.models import Answer, Question

OFFERED = 4
LONGEST_CHARACTERS = 80
RECENT_REPLIES = 2_000
"""So many of the newest replies tell what is asked."""
CANDIDATES = 60
CACHE_SECONDS = 300


def starting_questions(locale: str) -> tuple[str, ...]:
    """Up to four, in this language; none where nothing is published. Blocking."""
    key = f"starting_questions.{locale}"
    kept: tuple[str, ...] | None = cache.get(key)
    if kept is None:
        kept = chosen(locale)
        if kept:  # an empty knowledge base is about to be filled
            cache.set(key, kept, CACHE_SECONDS)
    return kept


def chosen(locale: str) -> tuple[str, ...]:
    asked = most_asked()
    rank = {uid: position for position, uid in enumerate(asked)}
    popular = sorted(titled(locale).filter(uid__in=asked), key=lambda answer: rank[answer.uid])
    others = titled(locale).order_by(F("reviewed_at").desc(nulls_last=True), "-id")[:CANDIDATES]
    titles = [*titles_of(popular), *titles_of(varied(others))]
    return tuple(dict.fromkeys(titles))[:OFFERED]


def most_asked() -> list[UUID]:
    """Answers by how many visitors were given them lately; one visitor counts once."""
    replies = Message.objects.filter(role=Message.Role.ASSISTANT).order_by("-created_at")
    given = replies.values_list("sources__0__answer", "conversation__visitor")[:RECENT_REPLIES]
    counted = Counter(uid for uid, _ in set(given) if uid)
    return [UUID(str(uid)) for uid, _ in counted.most_common(CANDIDATES)]


def titled(locale: str) -> QuerySet[Answer]:
    """Published answers that are not overdue, each with its first wording as `title`."""
    wordings = Question.objects.filter(answer=OuterRef("pk")).order_by("position", "id")
    current = Q(review_by__isnull=True) | Q(review_by__gte=timezone.now().date())
    published = Answer.objects.filter(current, status=Answer.Status.PUBLISHED, locale=locale)
    return published.annotate(title=Subquery(wordings.values("text")[:1])).defer("text", "basis")


def varied(answers: Iterable[Answer]) -> list[Answer]:
    """One of each topic first."""
    topics: set[str] = set()
    first: list[Answer] = []
    others: list[Answer] = []
    for answer in answers:
        (others if answer.topic in topics else first).append(answer)
        topics.add(answer.topic)
    return [*first, *others]


def titles_of(answers: Iterable[Answer]) -> list[str]:
    titles = [cast(str | None, getattr(answer, "title", None)) for answer in answers]
    return [title for title in titles if title and len(title) <= LONGEST_CHARACTERS]
