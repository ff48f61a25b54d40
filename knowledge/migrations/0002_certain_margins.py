from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def ask_for_calibration(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """The next start learns the margins, which no space has yet."""
    apps.get_model("knowledge", "EmbeddingSpace").objects.update(calibrated_at=None)


class Migration(migrations.Migration):
    dependencies = [
        ("knowledge", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="embeddingspace",
            name="certain_margins",
            field=models.JSONField(default=dict, verbose_name="margins beyond doubt"),
        ),
        migrations.RunPython(ask_for_calibration, migrations.RunPython.noop),
    ]
