import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0003_delivery'),
    ]

    operations = [
        migrations.AddField(
            model_name='conversation',
            name='deleted_at',
            field=models.DateTimeField(editable=False, null=True, verbose_name='deleted at'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(condition=models.Q(('deleted_at__isnull', False)), fields=['deleted_at'], name='conversation_deleted'),
        ),
        migrations.CreateModel(
            name='SharedCopy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token', models.CharField(max_length=43, unique=True)),
                ('shared_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='shared at')),
                ('conversation', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='shared_copy', to='chat.conversation')),
                ('last', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='chat.message')),
            ],
            options={
                'verbose_name': 'shared copy',
                'verbose_name_plural': 'shared copies',
            },
        ),
        migrations.AddConstraint(
            model_name='sharedcopy',
            constraint=models.CheckConstraint(condition=models.Q(('token', ''), _negated=True), name='shared_copy_has_token'),
        ),
    ]
