"""Everything that is stored of a signed-in person, as JSON."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from chat.conversations import NotFoundError, conversations_of
from chat.exporting import everything
from chat.models import Consent
from chat.turn.events import JsonValue
from chat.visitors import Identity
from chat.wire_format import timestamp


def my_data(user: User, identity: Identity, *, site: str) -> dict[str, JsonValue]:
    mine = conversations_of(identity).order_by("created_at").values_list("pk", flat=True)
    return {
        "exported_at": timestamp(timezone.now()),
        "account": {"name": user.get_username(), "since": timestamp(user.date_joined)},
        "consents": consents(identity),
        "conversations": list(told(identity, mine, site=site)),
    }


def told(
    identity: Identity, conversations: Iterable[UUID], *, site: str
) -> Iterator[dict[str, JsonValue]]:
    for each in conversations:
        with suppress(NotFoundError):  # deleted meanwhile
            yield everything(identity, each, site=site)[0]


def consents(identity: Identity) -> list[JsonValue]:
    return [
        {
            "version": given.version,
            "agreed_at": timestamp(given.agreed_at),
            "withdrawn_at": timestamp(given.withdrawn_at) if given.withdrawn_at else None,
        }
        for given in Consent.objects.filter(visitor=identity.visitor)
    ]
