"""A search among 10,000, 100,000 or 1,000,000 answers, against the same SQL without us.

Run as `make bench`, or with sizes: `python bench/search.py 10000 100000 1000000` (a million takes
half an hour and 12 GB of disk). The embedder is left out: vectors are there already. Read the
ratios, not the times: machines are noisy. docs/decisions/0016-search-speed.md has what was seen.
"""

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.scratch_base import ROOT, scratch_base
from bench.search_base import Asked, Floats, SearchBase, uid

if TYPE_CHECKING:
    from psycopg import Cursor

    from knowledge.models import EmbeddingSpace

SIZES = (10_000,)
QUESTIONS = 200
TOP_K = 8
RECALL_AT = 10
TABLES = ("answer", "question", "answervector", "lexicalentry", "posting", "term")


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    with scratch_base(ROOT / "sample"):
        from knowledge.models import AnswerVector  # noqa: PLC0415  (after the set-up)

        stored = AnswerVector.objects.values_list("embedding", flat=True)
        base = SearchBase(np.array(list(stored), dtype=np.float32))
        for size in sizes:
            measure(base, size)


def measure(base: SearchBase, size: int) -> None:
    from django.db import connection  # noqa: PLC0415  (after the set-up)

    from knowledge.models import EmbeddingSpace  # noqa: PLC0415  (as above)
    from knowledge.retrieval import EXACT_UP_TO  # noqa: PLC0415  (as above)
    from knowledge.spaces import ensure_index  # noqa: PLC0415  (as above)

    space = EmbeddingSpace.objects.get(active=True)
    loading = seconds(lambda: load(base, size, space.pk))
    building = seconds(lambda: ensure_index(space))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute(
            f"SELECT {' + '.join(f'pg_total_relation_size({name!r})' for name in tables())}"
        )
        (size_in_bytes,) = cursor.fetchone() or (0,)
    write(
        f"{size:,} answers: loaded {size / loading:,.0f}/s, index built in {building:.1f} s,"
        f" {size_in_bytes / size:,.0f} bytes an answer"
    )
    compare(space, base.asked(QUESTIONS))
    if size > EXACT_UP_TO:
        write(f"    recall@{RECALL_AT} of the index: {recall(space, base.asked(QUESTIONS)):.3f}")


def tables() -> list[str]:
    return [f"knowledge_{name}" for name in TABLES]


def load(base: SearchBase, size: int, space: int) -> None:
    """By COPY, terms and their statistics included."""
    from django.db import connection, transaction  # noqa: PLC0415  (after the set-up)

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM knowledge_term")
        cursor.execute(f"TRUNCATE {', '.join(tables())} CASCADE")
        cursor.execute(f"DROP INDEX IF EXISTS vector_hnsw_space_{space:d}")
    for numbers, titles, texts, vectors in base.batches(size):
        with transaction.atomic():
            copy_batch(space, numbers, titles, texts, vectors)


def copy_batch(
    space: int,
    numbers: Sequence[int],
    titles: Sequence[str],
    texts: Sequence[str],
    vectors: Floats,
) -> None:
    from django.db import connection  # noqa: PLC0415  (after the set-up)
    from pgvector import HalfVector  # noqa: PLC0415  (as above)

    from knowledge.bulk_copy import copy_rows  # noqa: PLC0415  (as above)
    from knowledge.indexing import store_terms, with_wordings  # noqa: PLC0415  (as above)

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO knowledge_answer (id, uid, text, locale, topic, verbatim, status,"
            " expert_name, expert_role, basis, basis_url, version, content_hash, suspicious,"
            " source, external_id, created_at, updated_at)"
            " SELECT number + 1, uid, text, 'zh-hans', '', false, 'published', '', '', '', '', 1,"
            " 'made', '', 'bench', number, now(), now()"
            " FROM unnest(%s::int[], %s::uuid[], %s::text[]) AS made (number, uid, text)",
            [list(numbers), [uid(number) for number in numbers], list(texts)],
        )
        cursor.execute(
            "INSERT INTO knowledge_question (answer_id, text, position)"
            " SELECT number + 1, title, 0"
            " FROM unnest(%s::int[], %s::text[]) AS made (number, title)",
            [list(numbers), list(titles)],
        )
    copy_rows(
        "knowledge_answervector",
        {"answer_id": "int8", "space_id": "int8", "content_hash": "text", "embedding": "halfvec"},
        (
            (number + 1, space, "made", HalfVector(vector))
            for number, vector in zip(numbers, vectors, strict=True)
        ),
    )
    store_terms(with_wordings([number + 1 for number in numbers]))


def compare(space: "EmbeddingSpace", asked: Sequence[Asked]) -> None:
    """Ours, and the statement sent by psycopg itself, in turns."""
    from django.db import connection  # noqa: PLC0415  (after the set-up)

    from knowledge.retrieval import Query, find, parameters, statement  # noqa: PLC0415  (as above)

    queries = [Query(text=one.text, vector=one.vector, space=space) for one in asked]
    prepared = [(statement(query).encode(), parameters(query, TOP_K)) for query in queries]
    ours: list[float] = []
    raw: list[float] = []
    with connection.cursor(), connection.connection.cursor() as bare:
        for warm in (True, False):
            for number, (query, sent) in enumerate(zip(queries, prepared, strict=True)):
                turns: list[tuple[list[float], Callable[[], object]]] = [
                    (ours, partial(find, query, top_k=TOP_K)),
                    (raw, partial(ask, bare, sent)),
                ]
                for times, search in turns[:: 1 if number % 2 else -1]:  # the second finds it warm
                    times.append(1000 * seconds(search))
            if warm:
                ours.clear()
                raw.clear()
    row("Expertline", ours, raw)
    row("the same SQL", raw, raw)


def ask(cursor: "Cursor[tuple[object, ...]]", sent: tuple[bytes, dict[str, object]]) -> object:
    return cursor.execute(*sent).fetchall()


def recall(space: "EmbeddingSpace", asked: Sequence[Asked]) -> float:
    """How many of the nearest are found as search finds them, of those that comparing all gives."""
    through_index = nearest(space, f"embedding::halfvec({space.dimensions:d})", asked)
    compared = nearest(space, "embedding", asked)
    both = zip(through_index, compared, strict=True)
    return float(np.mean([len(one & other) / RECALL_AT for one, other in both]))


def nearest(space: "EmbeddingSpace", expression: str, asked: Sequence[Asked]) -> list[set[int]]:
    from django.db import connection  # noqa: PLC0415  (after the set-up)

    from knowledge.retrieval import NEAREST  # noqa: PLC0415  (as above)

    keys: list[set[int]] = []
    with connection.cursor() as cursor:
        for one in asked:
            cursor.execute(
                "SELECT answer_id FROM knowledge_answervector WHERE space_id ="  # noqa: S608  (ours)
                f" {space.pk:d} ORDER BY {expression} <=> %s::halfvec LIMIT %s",
                [str(one.vector.tolist()), NEAREST],
            )
            keys.append({key for (key,) in cursor.fetchmany(RECALL_AT)})
    return keys


def write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def row(name: str, times: Sequence[float], baseline: Sequence[float]) -> None:
    p50, p95 = np.percentile(times, [50, 95])
    ratio = p50 / np.median(baseline)
    write(f"    {name:14} p50 {p50:6.2f} ms   p95 {p95:6.2f} ms   {ratio:.2f} x")


if __name__ == "__main__":
    main()
