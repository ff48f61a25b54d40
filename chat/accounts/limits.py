"""How often passwords may be guessed and accounts be made. Each process counts for itself."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from math import ceil
from threading import Lock

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.translation import ngettext

from chat.handshake import household_of
from chat.rates import Buckets, Rate

PERIOD_SECONDS = 30 * 60
MOST_BUCKETS = 20_000
"""Of each kind. A name that is forgotten may be tried anew, within what the address may."""


class TooOftenError(Exception):
    """Not before so many seconds have passed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds

    @property
    def for_people(self) -> ValidationError:
        minutes = ceil(self.seconds / 60)
        sentence = ngettext(
            "Too many tries. Please wait %(minutes)s minute, then try again.",
            "Too many tries. Please wait %(minutes)s minutes, then try again.",
            minutes,
        )
        return ValidationError(sentence, code="too_often", params={"minutes": minutes})


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLimits:
    """Wrong passwords, whether the name exists or not. Keys are hashed, for names are private."""

    names: Buckets
    households: Buckets
    lock: Lock = field(default_factory=Lock)  # each request has a thread of its own

    def begin(self, name: str, household: str) -> None:
        """Counts a try before the password is looked at, or many at once would all be let through.

        Raises TooOftenError.
        """
        with self.lock:
            wait = self.names.take(hashed(name.casefold()))
            if not wait:
                wait = self.households.take(hashed(household))
                if wait:
                    self.names.give_back(hashed(name.casefold()))
        if wait:
            raise TooOftenError(wait)

    def succeed(self, name: str, household: str) -> None:
        """It was the right password. What the address tried under other names stays counted."""
        with self.lock:
            self.names.forget(hashed(name.casefold()))
            self.households.give_back(hashed(household))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpLimits:
    """Tries count as well, for they tell whether a name is taken."""

    households: Buckets
    lock: Lock = field(default_factory=Lock)

    def take(self, household: str) -> None:
        """Raises TooOftenError."""
        with self.lock:
            wait = self.households.take(hashed(household))
        if wait:
            raise TooOftenError(wait)


@cache
def sign_in_limits() -> SignInLimits:
    """Those of the process."""
    return SignInLimits(
        names=buckets(settings.SIGN_IN_FAILURES),
        households=buckets(settings.SIGN_IN_FAILURES_PER_IP),
    )


@cache
def sign_up_limits() -> SignUpLimits:
    return SignUpLimits(households=buckets(settings.SIGN_UPS_PER_IP))


def buckets(most: int, clock: Callable[[], float] = time.monotonic) -> Buckets:
    rate = Rate(per_second=most / PERIOD_SECONDS, burst=most)
    return Buckets(rate, clock, most=MOST_BUCKETS)


def hashed(key: str) -> str:
    return salted_hmac("chat.accounts.limits", key, algorithm="sha256").hexdigest()


def household(request: HttpRequest) -> str:
    """Whom limits per address count."""
    if isinstance(request, ASGIRequest):
        return household_of(request.scope)
    return household_of({"client": (request.META.get("REMOTE_ADDR", ""), 0), "headers": []})
