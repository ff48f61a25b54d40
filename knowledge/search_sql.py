"""The search statement. What stands in braces is ours, never a visitor's.

Candidates are the nearest by vector, the best by BM25 over the query's rarer terms, and those that
are asked for word by word; each of them is then scored with all of the terms. So the terms that
every other answer has, which make nearly all of the postings, are looked up for few answers only.
`asked` takes terms, the rarest first, as long as they have `postings` rows together.

BM25 has k1 = 1.2 and b = 0.75. Its statistics are those of the answers published now: triggers
count the holders of each term, and under the empty term the answers and their length. Each term of
the query has a weight. `exact` compares wordings without case and without closing punctuation.
"""

from collections.abc import Iterable

PUBLISHED = "a.status = 'published'"
"""Postings are of published answers only."""
FILTERS = {
    "locale": "a.locale = %(locale)s",
    "topic": "a.topic = %(topic)s",
    "today": "(a.review_by IS NULL OR a.review_by >= %(today)s)",
}
"""What else an answer must be, by the parameter that asks for it; `today` withholds overdue ones.

They hold for all kinds of candidates: what is filtered out takes nobody's place.
"""
POSTING_FILTER = "EXISTS (SELECT FROM knowledge_answer a WHERE a.id = p.answer_id AND {filters})"
BM25 = """
sum(asked.most * p.frequency / (p.frequency + 0.3 + asked.per_length * p.length))
"""
"""`most` is what a term comes to where it is frequent; `per_length` is k1 * b / mean length. What
holds for a whole query is not worked out for every posting."""
SEARCH = """
WITH place AS MATERIALIZED (
    SELECT %(vector)s::halfvec AS vector  -- once: it makes nearly all of the statement's text
),
nearest AS MATERIALIZED (
    SELECT v.answer_id, {embedding} <=> (SELECT vector FROM place) AS distance
    FROM knowledge_answervector v
    JOIN knowledge_answer a ON a.id = v.answer_id
    WHERE v.space_id = {space} AND a.content_hash = v.content_hash AND {findable}
    ORDER BY distance
    LIMIT %(nearest)s
),
corpus AS MATERIALIZED (
    SELECT holders::float AS answers,
           greatest(occurrences::float / greatest(holders, 1), 1) AS mean_length
    FROM knowledge_term WHERE term = ''
),
asked AS MATERIALIZED (
    SELECT t.term,
           2.2 * w.weight
               * ln(1 + (corpus.answers - t.holders + 0.5) / (t.holders + 0.5)) AS most,
           0.9 / corpus.mean_length AS per_length,
           sum(t.holders) OVER rarest <= %(postings)s OR row_number() OVER rarest = 1 AS read
    FROM unnest(%(terms)s::text[], %(weights)s::float[]) AS w (term, weight)
    JOIN knowledge_term t ON t.term = w.term AND t.holders > 0
    CROSS JOIN corpus
    WINDOW rarest AS (ORDER BY t.holders, t.term)
),
lexical AS MATERIALIZED (
    SELECT p.answer_id, {bm25} AS bm25
    FROM asked
    JOIN knowledge_posting p ON p.term = asked.term
    WHERE asked.read AND {findable_posting}
    GROUP BY p.answer_id
    ORDER BY bm25 DESC, p.answer_id
    LIMIT %(candidates)s
),
exact AS MATERIALIZED (
    SELECT DISTINCT answer_id FROM knowledge_question
    WHERE md5(rtrim(lower(text), ' ?!.？！。…')) = md5(rtrim(lower(%(text)s), ' ?!.？！。…'))
),
off_topic AS (
    SELECT avg(similarity) AS similarity
    FROM (
        SELECT 1 - (embedding <=> (SELECT vector FROM place)) AS similarity
        FROM knowledge_offtopicexample
        WHERE space_id = {space}
        ORDER BY similarity DESC
        LIMIT %(nearest_examples)s
    ) nearest_examples
),
candidate AS MATERIALIZED (
    SELECT v.answer_id, v.embedding
    FROM (
        SELECT answer_id FROM nearest
        UNION SELECT answer_id FROM lexical
        UNION SELECT answer_id FROM exact
    ) found
    JOIN knowledge_answer a ON a.id = found.answer_id AND {findable}
    JOIN knowledge_answervector v
      ON v.answer_id = a.id AND v.space_id = {space} AND v.content_hash = a.content_hash
),
scored AS MATERIALIZED (
    SELECT c.answer_id, compared.cosine,
           compared.cosine
           + %(lexical_weight)s * coalesce(l.bm25, 0) / (coalesce(l.bm25, 0) + %(lexical_half)s)
               AS score,
           x.answer_id IS NOT NULL AS exact
    FROM candidate c
    LEFT JOIN nearest n ON n.answer_id = c.answer_id
    LEFT JOIN exact x ON x.answer_id = c.answer_id
    CROSS JOIN LATERAL (
        SELECT 1 - coalesce(n.distance, c.embedding <=> (SELECT vector FROM place)) AS cosine
    ) compared
    CROSS JOIN LATERAL (
        SELECT {bm25} AS bm25
        FROM (
            SELECT term, frequency, length FROM knowledge_posting
            WHERE answer_id = c.answer_id AND term = ANY (%(terms)s::text[])
            OFFSET 0  -- else the planner reads all postings of all the terms
        ) p
        JOIN asked ON asked.term = p.term
    ) l
    ORDER BY exact DESC, score DESC, c.answer_id
    LIMIT %(top_k)s
)
SELECT a.uid, a.version, a.text, a.locale, a.topic, a.verbatim, a.expert_name, a.expert_role,
       a.basis_url, a.reviewed_at, a.review_by, s.score, s.cosine, s.exact,
       coalesce(title.text, '') AS title,
       (SELECT similarity FROM off_topic) AS off_topic
FROM scored s
JOIN knowledge_answer a ON a.id = s.answer_id
LEFT JOIN LATERAL (
    SELECT q.text FROM knowledge_question q
    WHERE q.answer_id = s.answer_id ORDER BY q.position, q.id LIMIT 1
) title ON true
ORDER BY s.exact DESC, s.score DESC, s.answer_id
"""


def search_statement(*, embedding: str, space: int, filters: Iterable[str]) -> str:
    """`embedding` is the expression of an answer's vector; `filters` are names in FILTERS."""
    chosen = " AND ".join(FILTERS[name] for name in filters)
    return SEARCH.format(
        embedding=embedding,
        space=f"{space:d}",
        bm25=BM25,
        findable=f"{PUBLISHED} AND {chosen}" if chosen else PUBLISHED,
        findable_posting=POSTING_FILTER.format(filters=chosen) if chosen else "true",
    )
