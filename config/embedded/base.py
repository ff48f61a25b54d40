"""Django's PostgreSQL backend on the embedded server.

    DATABASES = {
        "default": {
            "ENGINE": "config.embedded",
            "NAME": "expertline",
            "OPTIONS": {"home": "…/postgres"},  # and, optionally, "durable" and "shared"
        }
    }

The other OPTIONS are Django's; HOST, PORT, USER and PASSWORD are the server's own.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base, client

from config.embedded.binaries import find_binaries
from config.embedded.server import MAINTENANCE_DATABASE, Address, Options, running_address

OUR_OPTIONS = ("home", "durable", "shared")


class DatabaseClient(client.DatabaseClient):
    """`manage.py dbshell`, with the psql of the wheel."""

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        address = _address(settings_dict)
        there = {"HOST": address.host, "PORT": address.port, "USER": address.user}
        arguments, environment = super().settings_to_cmd_args_env(settings_dict | there, parameters)
        return [str(find_binaries().program("psql")), *arguments[1:]], environment


class DatabaseWrapper(base.DatabaseWrapper):
    """Django asks for the parameters before each new connection: that is when the server starts."""

    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        address = _address(self.settings_dict)
        parameters: dict[str, Any] = super().get_connection_params()
        for option in OUR_OPTIONS:
            parameters.pop(option, None)
        return parameters | {"host": address.host, "port": address.port, "user": address.user}


def _address(settings_dict: dict[str, Any]) -> Address:
    """The server's address; Django's name None means the database every server has."""
    chosen = {name: settings_dict["OPTIONS"].get(name) for name in OUR_OPTIONS}
    if not chosen["home"]:
        raise ImproperlyConfigured("The embedded Postgres needs OPTIONS[“home”], its own folder.")
    options = Options(
        home=Path(chosen["home"]),
        durable=chosen["durable"] is not False,
        shared=Path(chosen["shared"]) if chosen["shared"] else None,
    )
    return running_address(options, settings_dict["NAME"] or MAINTENANCE_DATABASE)
