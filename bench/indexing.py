"""Writing what search needs of 20,000 answers, against raw COPY of the same rows.

Run as `make bench`. The vectors are there already. Ours reads the answers, takes them apart into
terms and sees that they still say the same; raw COPY has all rows ready and writes them into the
same tables. Read the ratio, not the rows a second: machines are noisy.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.scratch_base import ROOT, scratch_base

ANSWERS = 20_000
BATCH = 1_000
DIMENSIONS = 384
SENTENCES = (
    "孩子晚上不肯睡觉怎么办？先固定作息，睡前一小时关掉屏幕。",
    "怎么让他开口说话？跟着他的兴趣走，等他先发出声音。",
    "How do I get my daughter through a haircut? Let her hold the scissors first.",
    "My son bangs his head on the wall. Keep him safe, then look for what came before.",
)


def main() -> None:
    with scratch_base(ROOT / "tests" / "answers.jsonl"):
        compare()


def compare() -> None:
    from django.db import connection, transaction  # noqa: PLC0415  (after the set-up)

    from knowledge.indexing import store, with_wordings  # noqa: PLC0415  (as above)
    from knowledge.models import Answer, EmbeddingSpace  # noqa: PLC0415  (as above)

    space = EmbeddingSpace.objects.get(active=True)
    keys = new_answers()
    random = np.random.default_rng(5)
    vectors = random.standard_normal((ANSWERS, DIMENSIONS)).astype(np.float32)

    def ours() -> None:
        for start in range(0, ANSWERS, BATCH):
            answers = with_wordings(keys[start : start + BATCH])
            with transaction.atomic():
                store(answers, space, vectors[start : start + BATCH])

    def raw() -> None:
        with transaction.atomic():
            for table, names, types, rows in copied:
                copy(table, names, types, rows)

    our_seconds = seconds(ours)
    copied = [as_rows(table) for table in ("answervector", "lexicalentry", "posting")]
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE knowledge_answervector, knowledge_lexicalentry, knowledge_posting")
    raw_seconds = seconds(raw)
    postings = len(copied[2][3])
    Answer.objects.all().delete()
    row("Expertline", our_seconds, postings, raw_seconds)
    row("raw COPY", raw_seconds, postings, raw_seconds)


def new_answers() -> list[int]:
    from knowledge.models import Answer, Question  # noqa: PLC0415  (after the set-up)
    from knowledge.plain_text import content_hash  # noqa: PLC0415  (as above)

    Answer.objects.all().delete()
    texts = [f"{SENTENCES[number % len(SENTENCES)]} ({number})" for number in range(ANSWERS)]
    answers = Answer.objects.bulk_create(
        (
            Answer(
                text=text * 3,
                locale="en",
                status="published",
                content_hash=content_hash([text], text * 3),
            )
            for text in texts
        ),
        batch_size=BATCH,
    )
    Question.objects.bulk_create(
        (Question(answer=answer, text=text) for answer, text in zip(answers, texts, strict=True)),
        batch_size=BATCH,
    )
    return [answer.pk for answer in answers]


Copied = tuple[str, list[str], list[str], list[tuple[object, ...]]]


def as_rows(name: str) -> Copied:
    """A table's columns, their types and its rows, with vectors as they go over the wire."""
    from django.db import connection  # noqa: PLC0415  (after the set-up)

    from knowledge.bulk_copy import learn_vectors  # noqa: PLC0415  (as above)

    table = f"knowledge_{name}"
    learn_vectors()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
            [table],
        )
        found = cursor.fetchall()
        names = [column for column, _ in found]
        cursor.execute(f"SELECT {', '.join(names)} FROM {table}")  # noqa: S608  (our own names)
        rows = cursor.fetchall()
    types = [
        {"bigint": "int8", "integer": "int4", "character varying": "text"}.get(kind, kind)
        for _, kind in found
    ]
    return table, names, types, rows


def copy(
    table: str, names: Sequence[str], types: Sequence[str], rows: Sequence[tuple[object, ...]]
) -> None:
    from knowledge.bulk_copy import copy_rows  # noqa: PLC0415  (after the set-up)

    copy_rows(table, dict(zip(names, types, strict=True)), rows)


def seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def row(name: str, taken: float, postings: int, raw: float) -> None:
    sys.stdout.write(
        f"{name:12} {ANSWERS / taken:9,.0f} answers/s {postings / taken:11,.0f} postings/s"
        f" {taken / raw:6.2f} x raw\n"
    )


if __name__ == "__main__":
    main()
