"""The price table: read from the settings, used for a reply, shown with its currency."""

import re
from decimal import Decimal

import pytest
from pytest_django import Settings

from chat.prices import cost_of, shown
from chat.turn.events import Usage
from config.env import ConfigurationError, Env

MINI = {"gpt-4o-mini": (Decimal("0.15"), Decimal("0.60"))}


def usage(input_tokens: int, output_tokens: int) -> Usage:
    return Usage(input_tokens=input_tokens, output_tokens=output_tokens, estimated=False)


@pytest.mark.parametrize(
    ("value", "prices"),
    [
        ("", {}),
        ("gpt-4o-mini=0.15/0.60", MINI),
        (" gpt-4o-mini = 0.15 / 0.60 ,", MINI),
        ("a=1/2, org/b:7b=0/0", {"a": (1, 2), "org/b:7b": (0, 0)}),
        ("a=b=1/2", {"a=b": (1, 2)}),
    ],
)
def test_prices_are_read_by_the_name_of_the_model(value: str, prices: object) -> None:
    assert Env({"NAME": value}).prices("NAME") == prices


@pytest.mark.parametrize(
    "value",
    [
        *("hunter2", "=1/2", "a=1", "a=1/", "a=-1/2", "a=1e3/2", "a=nan/2", "a=１/2"),
        *("a=1/2 b=1/2", "a=1,2/3", "a=99999999/1", "a=0.1234567/1", "a=$1/2", "a=1/2, a=1/3"),
    ],
)
def test_prices_that_cannot_be_used_stop_the_start_with_a_sentence(value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Env({"NAME": value}).prices("NAME")

    assert re.fullmatch(r"NAME must .+\.", str(caught.value))
    assert value not in str(caught.value)


@pytest.mark.parametrize("value", ["usd", "$", "EURO", "RM B"])
def test_currency_is_three_capital_letters(value: str) -> None:
    assert Env({}).currency("NAME", "USD") == "USD"
    assert Env({"NAME": "CNY"}).currency("NAME", "USD") == "CNY"
    with pytest.raises(ConfigurationError, match=r"^NAME must be three capital letters"):
        Env({"NAME": value}).currency("NAME", "USD")


@pytest.mark.parametrize(
    ("tokens", "cost"),
    [
        ((0, 0), "0"),
        ((1_000_000, 1_000_000), "0.75"),
        ((24, 12), "0.0000108"),
        ((1, 0), "0.00000015"),
    ],
)
def test_cost_is_of_the_tokens_in_and_out(
    settings: Settings, tokens: tuple[int, int], cost: str
) -> None:
    settings.CHAT_PRICES = MINI

    assert cost_of("gpt-4o-mini", usage(*tokens)) == Decimal(cost)


def test_cost_is_not_known_without_a_price_or_beyond_storing(settings: Settings) -> None:
    settings.CHAT_PRICES = {"dear": (Decimal(9_999_999), Decimal(0))}

    assert cost_of("gpt-4o-mini", usage(1, 1)) is None
    assert cost_of("dear", usage(1_000_000, 0)) is None


@pytest.mark.parametrize(
    ("cost", "text"),
    [("0", "0.00 EUR"), ("0.5", "0.50 EUR"), ("0.0000108", "0.0000108 EUR"), ("12", "12.00 EUR")],
)
def test_cost_is_shown_with_its_currency(settings: Settings, cost: str, text: str) -> None:
    settings.CHAT_CURRENCY = "EUR"

    assert shown(Decimal(cost)) == text
