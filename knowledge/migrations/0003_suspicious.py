from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("knowledge", "0002_certain_margins"),
    ]

    operations = [
        migrations.AddField(
            model_name="answer",
            name="suspicious",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=120,
                verbose_name="to be read first",
            ),
        ),
    ]
