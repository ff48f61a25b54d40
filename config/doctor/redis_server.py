"""Redis, where there is one."""

from collections.abc import Iterator, Mapping

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from config.doctor.findings import Finding, ok, problem, warning

ANSWER_SECONDS = 3
LEAST_REDIS = 5
"""The first with streams."""


def redis_server() -> Iterator[Finding]:
    if not settings.REDIS_URL:
        yield ok("redis", "None, which is enough for one serving process")
        return
    try:
        told = server_info(settings.REDIS_URL)
    except (RedisError, ValueError):
        yield problem(
            "redis",
            "Redis cannot be reached or refuses. Replies go on without it, but in steps.",
            "Look at REDIS_URL, and whether its server runs and lets this machine in.",
        )
        return
    yield version(str(told.get("redis_version", "0")))
    yield from eviction(str(told.get("maxmemory_policy", "")))


def server_info(url: str) -> Mapping[str, object]:
    with Redis.from_url(
        url,
        socket_connect_timeout=ANSWER_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    ) as client:
        return {**client.info("server"), **client.info("memory")}


def version(told: str) -> Finding:
    major = told.partition(".")[0]
    if not major.isdecimal() or int(major) < LEAST_REDIS:
        return problem(
            "redis", f"Redis is {told}, which has no streams.", "Install a newer one, or Valkey."
        )
    return ok("redis", f"Redis {told} answers")


def eviction(policy: str) -> Iterator[Finding]:
    if policy.startswith("allkeys"):
        yield warning(
            "redis",
            f"maxmemory-policy is {policy}: running replies may be evicted and written anew.",
            "Set maxmemory-policy noeviction, or volatile-ttl.",
        )
