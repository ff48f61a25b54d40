"""The search statement. `{embedding}` and `{space}` are ours, never a visitor's.

BM25 with k1 = 1.2 and b = 0.75 is worked out from postings at query time, so that its statistics
are always those of the answers published now. Each term of the query has a weight. `exact` compares
wordings without case and without closing punctuation.
"""

SEARCH = """
WITH nearest AS (
    SELECT v.answer_id, 1 - ({embedding} <=> %(vector)s::halfvec) AS cosine
    FROM knowledge_answervector v
    JOIN knowledge_answer a ON a.id = v.answer_id
    WHERE v.space_id = {space} AND a.status = 'published' AND a.content_hash = v.content_hash
    ORDER BY {embedding} <=> %(vector)s::halfvec
    LIMIT %(candidates)s
),
corpus AS (
    SELECT count(*)::float AS answers, greatest(avg(length), 1)::float AS mean_length
    FROM knowledge_lexicalentry
),
matched AS (
    SELECT p.answer_id, p.frequency::float AS frequency, asked.weight,
           count(*) OVER (PARTITION BY p.term)::float AS holders
    FROM unnest(%(terms)s::text[], %(weights)s::float[]) AS asked (term, weight)
    JOIN knowledge_posting p ON p.term = asked.term
),
lexical AS (
    SELECT m.answer_id,
           sum(m.weight * ln(1 + (c.answers - m.holders + 0.5) / (m.holders + 0.5))
               * m.frequency * 2.2
               / (m.frequency + 1.2 * (0.25 + 0.75 * e.length / c.mean_length))) AS bm25
    FROM matched m
    JOIN knowledge_lexicalentry e ON e.answer_id = m.answer_id
    CROSS JOIN corpus c
    GROUP BY m.answer_id
    ORDER BY bm25 DESC
    LIMIT %(candidates)s
),
off_topic AS (
    SELECT avg(similarity) AS similarity
    FROM (
        SELECT 1 - (embedding <=> %(vector)s::halfvec) AS similarity
        FROM knowledge_offtopicexample
        WHERE space_id = {space}
        ORDER BY similarity DESC
        LIMIT %(nearest_examples)s
    ) nearest_examples
),
candidate AS (
    SELECT answer_id FROM nearest UNION SELECT answer_id FROM lexical
),
scored AS (
    SELECT a.*, compared.cosine,
           compared.cosine
           + %(lexical_weight)s * coalesce(l.bm25, 0) / (coalesce(l.bm25, 0) + %(lexical_half)s)
               AS score,
           EXISTS (
               SELECT 1 FROM knowledge_question q
               WHERE q.answer_id = a.id
                 AND rtrim(lower(q.text), ' ?!.？！。…') = rtrim(lower(%(text)s), ' ?!.？！。…')
           ) AS exact
    FROM candidate
    JOIN knowledge_answer a ON a.id = candidate.answer_id AND a.status = 'published'
    JOIN knowledge_answervector v
      ON v.answer_id = a.id AND v.space_id = {space} AND v.content_hash = a.content_hash
    LEFT JOIN nearest n ON n.answer_id = a.id
    LEFT JOIN lexical l ON l.answer_id = a.id
    CROSS JOIN LATERAL (
        SELECT coalesce(n.cosine, 1 - (v.embedding <=> %(vector)s::halfvec)) AS cosine
    ) compared
    ORDER BY exact DESC, score DESC, a.id
    LIMIT %(top_k)s
)
SELECT s.uid, s.version, s.text, s.locale, s.topic, s.verbatim, s.expert_name, s.expert_role,
       s.basis_url, s.reviewed_at, s.review_by, s.score, s.cosine, s.exact,
       coalesce(title.text, '') AS title,
       (SELECT similarity FROM off_topic) AS off_topic
FROM scored s
LEFT JOIN LATERAL (
    SELECT q.text FROM knowledge_question q
    WHERE q.answer_id = s.id ORDER BY q.position, q.id LIMIT 1
) title ON true
ORDER BY s.exact DESC, s.score DESC, s.id
"""
