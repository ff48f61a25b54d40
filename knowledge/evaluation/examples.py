"""What questions score that calibration rests on, asked again one by one."""

from collections import defaultdict
from collections.abc import Callable, Mapping

from knowledge.embedders.base import Embedder
from knowledge.evaluation.learnt_bars import Examples
from knowledge.models import Answer, EmbeddingSpace, OffTopicExample, Question
from knowledge.plain_text import language_of
from knowledge.retrieval import search

WORDINGS = 200
"""That are asked, of as many answers."""
LATER_WORDING = 1
"""The first that is no title; answers without one are not asked for."""


def asked_again(
    space: EmbeddingSpace, embedder: Embedder, *, progress: Callable[[int, int], None]
) -> Mapping[str, Examples]:
    """By language. Raises EmbedderError.

    An answer's own wordings are part of its vector, so that they score higher than what visitors
    ask: the share of them that is answered is the most that can be expected.
    """
    off_topic = OffTopicExample.objects.filter(space=space).values_list("text", flat=True)
    wordings = Question.objects.filter(
        position=LATER_WORDING, answer__status=Answer.Status.PUBLISHED
    ).order_by("answer__uid")
    asked = [
        *((text, False) for text in off_topic),
        *((text, True) for text in wordings.values_list("text", flat=True)[:WORDINGS]),
    ]
    scores: dict[tuple[str, bool], list[float]] = defaultdict(list)
    for done, (text, answerable) in enumerate(asked, start=1):
        hits = search(text, embedder, top_k=1).hits
        scores[language_of(text), answerable] += [hit.score for hit in hits]
        progress(done, len(asked))
    return {
        language: Examples(
            answerable=scores.get((language, True), []),
            off_topic=scores.get((language, False), []),
        )
        for language in {language for language, _ in scores}
    }
