"""Guessing is slowed down for a name and for an address; succeeding is not."""

import pytest

from chat.accounts.limits import PERIOD_SECONDS, SignInLimits, TooOftenError, buckets


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> SignInLimits:
    """Two wrong passwords a name, three an address."""
    return SignInLimits(names=buckets(2, clock), households=buckets(3, clock))


def wait_of(limits: SignInLimits, name: str, household: str = "192.0.2.1") -> float:
    """The seconds until the name may be tried; 0 where it just was."""
    try:
        limits.begin(name, household)
    except TooOftenError as error:
        return error.seconds
    return 0.0


def test_name_waits_wherever_it_is_tried_and_however_it_is_written(limits: SignInLimits) -> None:
    waits = [wait_of(limits, name, f"192.0.2.{n}") for n, name in enumerate(["mei", "Mei", "MEI"])]

    assert waits == [0, 0, PERIOD_SECONDS / 2]


def test_waiting_brings_tries_back(limits: SignInLimits, clock: Clock) -> None:
    for _ in range(2):
        wait_of(limits, "mei")
    clock.now = PERIOD_SECONDS / 2

    assert wait_of(limits, "mei") == 0
    assert wait_of(limits, "mei") > 0


def test_address_waits_whatever_name_it_tries(limits: SignInLimits) -> None:
    for name in ("a", "b", "c"):
        wait_of(limits, name)

    assert wait_of(limits, "d") > 0
    assert wait_of(limits, "d", "192.0.2.2") == 0


def test_name_is_not_charged_for_an_address_that_has_to_wait(limits: SignInLimits) -> None:
    for name in ("a", "b", "c", "mei", "mei", "mei"):
        wait_of(limits, name)

    assert wait_of(limits, "mei", "192.0.2.2") == 0


def test_right_password_ends_the_count_of_the_name_alone(limits: SignInLimits) -> None:
    for name in ("mei", "lan", "mei"):
        wait_of(limits, name)
    limits.succeed("mei", "192.0.2.1")

    assert wait_of(limits, "mei") == 0
    assert wait_of(limits, "mei") > 0  # the address has used up its own


def test_sentence_names_whole_minutes() -> None:
    (sentence,) = TooOftenError(61).for_people.messages

    assert sentence == "Too many tries. Please wait 2 minutes, then try again."
