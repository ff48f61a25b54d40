"""`manage.py set_up`: everything a new or updated installation needs before it can serve."""

from django.core.management.base import BaseCommand

from config.first_run import set_up


class Command(BaseCommand):
    help = "Migrates the database; on an empty one loads the sample and makes an admin account."

    def handle(self, *_args: object, **_options: object) -> None:
        set_up(self.stdout.write)
