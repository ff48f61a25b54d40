"""A server with a deliberate mistake in it does not pass: the suite sees what it shall see."""

import pytest

from tests.faults.cluster import Cluster
from tests.faults.redis_server import RedisServer
from tests.faults.scenarios import check_lost_answer, check_newcomer_after_loss, check_zombie


async def test_owner_that_is_not_fenced_is_noticed(pair: Cluster) -> None:
    pair.restart(0, MUTATION="no_fencing")

    with pytest.raises(AssertionError):
        await check_zombie(pair)


async def test_log_that_is_not_written_anew_is_noticed(pair: Cluster, redis: RedisServer) -> None:
    pair.restart(0, MUTATION="no_rebuild")

    with pytest.raises(AssertionError):
        await check_newcomer_after_loss(pair, redis)


async def test_ids_that_redis_chooses_are_noticed(pair: Cluster, redis: RedisServer) -> None:
    pair.restart(0, MUTATION="star_ids")

    with pytest.raises(AssertionError):
        await check_lost_answer(pair, redis)
