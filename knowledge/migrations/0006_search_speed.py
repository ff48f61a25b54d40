from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0005_uploads")]

    operations = [
        # Forty, pgvector's default, misses one of twenty of the ten nearest.
        migrations.RunSQL(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET hnsw.ef_search = 100',"
            " current_database()); END $$",
            migrations.RunSQL.noop,
        ),
        migrations.AddIndex(
            model_name="answer",
            index=models.Index(
                fields=["id"],
                include=["content_hash"],
                condition=models.Q(status="published"),
                name="answer_published",
            ),
        ),
    ]
