from django.db import migrations, models

COUNTING = """
CREATE FUNCTION knowledge_count_postings() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign int := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    -- Alone until the transaction ends: two that count the same terms in turn would deadlock.
    PERFORM pg_advisory_xact_lock(7203825);
    INSERT INTO knowledge_term AS known (term, holders, occurrences)
    SELECT term, sign * count(*), sign * sum(frequency) FROM changed GROUP BY term
    ON CONFLICT (term) DO UPDATE
    SET holders = known.holders + excluded.holders,
        occurrences = known.occurrences + excluded.occurrences;
    RETURN NULL;
END $$;

CREATE FUNCTION knowledge_count_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign int := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    PERFORM pg_advisory_xact_lock(7203825);
    INSERT INTO knowledge_term AS known (term, holders, occurrences)
    SELECT '', sign * count(*), sign * coalesce(sum(length), 0) FROM changed
    ON CONFLICT (term) DO UPDATE
    SET holders = known.holders + excluded.holders,
        occurrences = known.occurrences + excluded.occurrences;
    RETURN NULL;
END $$;

CREATE TRIGGER posting_counted AFTER INSERT ON knowledge_posting
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION knowledge_count_postings();
CREATE TRIGGER posting_uncounted AFTER DELETE ON knowledge_posting
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION knowledge_count_postings();
CREATE TRIGGER entry_counted AFTER INSERT ON knowledge_lexicalentry
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION knowledge_count_entries();
CREATE TRIGGER entry_uncounted AFTER DELETE ON knowledge_lexicalentry
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION knowledge_count_entries();
"""

UNCOUNTED = """
DROP TRIGGER posting_counted ON knowledge_posting;
DROP TRIGGER posting_uncounted ON knowledge_posting;
DROP TRIGGER entry_counted ON knowledge_lexicalentry;
DROP TRIGGER entry_uncounted ON knowledge_lexicalentry;
DROP FUNCTION knowledge_count_postings();
DROP FUNCTION knowledge_count_entries();
"""

WHAT_IS_THERE = """
LOCK TABLE knowledge_posting, knowledge_lexicalentry IN SHARE ROW EXCLUSIVE MODE;
UPDATE knowledge_posting p SET length = e.length
FROM knowledge_lexicalentry e WHERE e.answer_id = p.answer_id;
INSERT INTO knowledge_term (term, holders, occurrences)
SELECT term, count(*), sum(frequency) FROM knowledge_posting GROUP BY term
UNION ALL
SELECT '', count(*), coalesce(sum(length), 0) FROM knowledge_lexicalentry;
"""

WORDING_KEY = """
CREATE INDEX question_by_key ON knowledge_question
    (md5(rtrim(lower(text), ' ?!.？！。…')));
"""


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0003_suspicious")]

    operations = [
        migrations.CreateModel(
            name="Term",
            fields=[
                (
                    "term",
                    models.CharField(max_length=64, primary_key=True, serialize=False),
                ),
                ("holders", models.IntegerField()),
                ("occurrences", models.BigIntegerField()),
            ],
        ),
        migrations.AddField(
            model_name="posting",
            name="length",
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.RunSQL(WHAT_IS_THERE, migrations.RunSQL.noop),
        migrations.RunSQL(COUNTING, UNCOUNTED),
        migrations.RemoveIndex(model_name="posting", name="posting_by_term"),
        migrations.AddIndex(
            model_name="posting",
            index=models.Index(
                fields=["term"],
                include=["answer", "frequency", "length"],
                name="posting_by_term",
            ),
        ),
        migrations.RunSQL(WORDING_KEY, "DROP INDEX question_by_key"),
    ]
