"""What questions score that calibration rests on, and wordings of the answers beside them."""

from collections import defaultdict
from collections.abc import Callable, Mapping

from knowledge.embedders.base import Embedder
from knowledge.evaluation.held_out import held_out
from knowledge.evaluation.learnt_bars import Examples
from knowledge.models import EmbeddingSpace, OffTopicExample
from knowledge.plain_text import language_of
from knowledge.retrieval import Query, filters, find

Progress = Callable[[int, int], None]
"""Told how many are done, of how many that are known of."""


def asked_again(
    space: EmbeddingSpace, embedder: Embedder, *, progress: Progress
) -> Mapping[str, Examples]:
    """By language. Raises EmbedderError."""
    off_topic: dict[str, list[float]] = defaultdict(list)
    texts = list(
        OffTopicExample.objects.filter(space=space).order_by("pk").values_list("text", flat=True)
    )
    queries = embedder.embed_queries(texts)
    for done, (text, vector) in enumerate(zip(texts, queries, strict=True), start=1):
        query = Query(text=text, vector=vector, space=space, filters=filters(text))
        off_topic[language_of(text)] += [hit.score for hit in find(query, top_k=1).hits]
        progress(done, len(texts))
    answerable: dict[str, list[float]] = defaultdict(list)

    def further(done: int, total: int) -> None:
        progress(len(texts) + done, len(texts) + total)

    for wording in held_out(embedder, progress=further):
        answerable[language_of(wording.text)].append(wording.score)
    return {
        language: Examples(answerable=answerable[language], off_topic=off_topic[language])
        for language in {*answerable, *off_topic}
    }
