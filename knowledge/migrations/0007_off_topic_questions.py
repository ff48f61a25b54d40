import pgvector.django.halfvec
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0006_search_speed")]

    operations = [
        migrations.AddField(
            model_name="offtopicexample",
            name="query_embedding",
            field=pgvector.django.halfvec.HalfVectorField(null=True),
        ),
    ]
