"""Wordings asked as if nobody had noted them: what visitors' own words would score.

An answer's wordings are part of its vector and of its terms. So each is asked of its answer as it
would be without it, by the formula of the search; every other answer is as it is.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import log

from django.db.models import Count

from knowledge.embedders.base import Embedder
from knowledge.indexing import vectors, weighted_terms, wordings_of
from knowledge.lexical import terms
from knowledge.models import Answer, Term
from knowledge.retrieval import LEXICAL_HALF, LEXICAL_WEIGHT, Query, filters, find, unit
from knowledge.spaces import space_of

ANSWERS = 200
"""That are asked for, of those with more wordings than one."""
BATCH = 20
HELD_OUT = 1
"""The first wording that is no title."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """A wording, and what the best hit scores (0–1) without it; `found` if that is its answer."""

    text: str
    score: float
    found: bool


def held_out(embedder: Embedder, *, progress: Callable[[int, int], None]) -> Iterator[HeldOut]:
    """The same answers each time. Raises EmbedderError."""
    answers = list(
        Answer.objects.filter(status=Answer.Status.PUBLISHED)
        .annotate(wordings=Count("questions"))
        .filter(wordings__gt=HELD_OUT)
        .order_by("uid")
        .prefetch_related("questions")[:ANSWERS]
    )
    done = 0
    for start in range(0, len(answers), BATCH):
        for asked in batch_held_out(answers[start : start + BATCH], embedder):
            yield asked
            done += 1
            progress(done, len(answers))


def batch_held_out(answers: Sequence[Answer], embedder: Embedder) -> Iterator[HeldOut]:
    wordings = [wordings_of(answer) for answer in answers]
    asked = [texts.pop(HELD_OUT) for texts in wordings]
    contents = [(texts, answer.text) for texts, answer in zip(wordings, answers, strict=True)]
    without = vectors(contents, embedder)
    queries = embedder.embed_queries(asked)
    space = space_of(embedder)
    for answer, text, query, vector, content in zip(
        answers, asked, queries, without, contents, strict=True
    ):
        lexical = bm25(text, weighted_terms(*content))
        own = unit(float(query @ vector) + LEXICAL_WEIGHT * lexical / (lexical + LEXICAL_HALF))
        found = find(Query(text=text, vector=query, space=space, filters=filters(text)), top_k=2)
        others = [hit.score for hit in found.hits if hit.uid != answer.uid]
        yield HeldOut(text=text, score=max(own, *others, 0.0), found=own > max(others, default=0.0))


def bm25(text: str, counts: Counter[str]) -> float:
    """As the search has it (knowledge/search_sql.py), of one answer with these terms."""
    asked = terms(text)
    known = {term.term: term for term in Term.objects.filter(term__in=[*asked, ""])}
    answers = known[""].holders
    mean_length = max(known[""].occurrences / max(answers, 1), 1)
    total = 0.0
    for term in asked:
        frequency = counts[term]
        if term not in known or not frequency:
            continue
        holders = known[term].holders
        idf = log(1 + (answers - holders + 0.5) / (holders + 0.5))
        dampened = frequency + 1.2 * (0.25 + 0.75 * counts.total() / mean_length)
        total += idf * 2.2 * frequency / dampened
    return total
