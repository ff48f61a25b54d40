"""Keys for programs: making, finding and revoking them, and counting their use."""

import hashlib
import secrets
from decimal import Decimal

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from chat.models import ApiKey
from chat.turn.events import Usage

PREFIX = "el-"
RANDOM_BYTES = 32
START_CHARACTERS = 9
"""Of the key, prefix included: enough to tell keys apart, and no help in guessing one."""


def issue(key: ApiKey, author: AbstractBaseUser | AnonymousUser) -> str:
    """Store a new key under the name that it has been given; its secret, which is not kept."""
    secret = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    key.start = secret[:START_CHARACTERS]
    key.hash = hashed(secret)
    key.author_id = author.pk
    key.save()
    return secret


def find(secret: str) -> ApiKey | None:
    """The key, unless it is unknown or revoked.

    It is looked up by its hash, so that the time a look-up takes tells nothing of any key.
    """
    return ApiKey.objects.filter(hash=hashed(secret), revoked_at=None).first()


def revoke(keys: QuerySet[ApiKey]) -> int:
    """How many were not revoked before. They are refused from the next request on."""
    return keys.filter(revoked_at=None).update(revoked_at=Now())


def count_use(key: int, usage: Usage | None, cost: Decimal | None) -> None:
    """Add one reply."""
    ApiKey.objects.filter(pk=key).update(
        last_used_at=Now(),
        requests=F("requests") + 1,
        input_tokens=F("input_tokens") + (usage.input_tokens if usage else 0),
        output_tokens=F("output_tokens") + (usage.output_tokens if usage else 0),
        cost=F("cost") + (cost or 0),
    )


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
