"""Everything that is stored of a signed-in person, as JSON."""

from django.contrib.auth.models import User
from django.utils import timezone

from chat.conversations import conversations_of
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
        "conversations": [everything(identity, each, site=site)[0] for each in mine],
    }


def consents(identity: Identity) -> list[JsonValue]:
    return [
        {
            "version": given.version,
            "agreed_at": timestamp(given.agreed_at),
            "withdrawn_at": timestamp(given.withdrawn_at) if given.withdrawn_at else None,
        }
        for given in Consent.objects.filter(visitor=identity.visitor)
    ]
