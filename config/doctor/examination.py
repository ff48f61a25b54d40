"""All that the doctor looks at, in the order in which to mend it."""

from collections.abc import Callable, Iterable, Iterator

from django.db import DatabaseError

from chat.wiring import language_model as chosen_model
from config.doctor.database import database
from config.doctor.findings import Finding, problem
from config.doctor.machine import machine
from config.doctor.model import language_model
from config.doctor.redis_server import redis_server
from config.doctor.search import search


def examination() -> Iterator[Finding]:
    yield from machine()
    usable = False
    for finding in asked(database):
        usable |= finding.part == "migrations" and finding.level == "ok"
        yield finding
    if usable:
        yield from asked(search)
    yield from redis_server()
    yield language_model(chosen_model())


def asked(look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What is found out until the database refuses."""
    try:
        yield from look()
    except DatabaseError:
        yield problem(
            "database",
            "It refused a question of the doctor.",
            "Mend what is said above first; else look into the database server's log.",
        )
