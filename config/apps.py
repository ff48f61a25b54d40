"""The project's own app: its commands."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "config"
