"""How often somebody may ask or search: what one socket's rate cannot bound, because one may have
many. Each process counts for itself."""

import time
from dataclasses import dataclass
from functools import cache

from django.conf import settings

from chat.rates import Buckets, Rate
from chat.visitors import Identity

MOST_BUCKETS = 20_000
"""Of each kind. A visitor who is forgotten may begin anew, within what his address may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendLimits:
    visitors: Buckets
    households: Buckets
    """For anonymous visitors, who can be as many as they like."""

    def take(self, identity: Identity, household: str) -> float:
        """0 if the visitor may ask now, else the seconds until then."""
        wait = self.visitors.take(str(identity.visitor))
        if wait or identity.signed_in:
            return wait
        return self.households.take(household)


@cache
def send_limits() -> SendLimits:
    """Those of the process."""
    return SendLimits(
        visitors=buckets(settings.SENDS_PER_MINUTE),
        households=buckets(settings.SENDS_PER_MINUTE_PER_IP),
    )


@cache
def searches() -> Buckets:
    """Of visitors in their own conversations: a search may read all that they have ever said."""
    return buckets(settings.SEARCHES_PER_MINUTE)


def buckets(per_minute: int) -> Buckets:
    rate = Rate(per_second=per_minute / 60, burst=per_minute)
    return Buckets(rate, time.monotonic, most=MOST_BUCKETS)
