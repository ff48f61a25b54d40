"""What a reply cost, by the price table of the settings."""

from decimal import Decimal

from django.conf import settings

from chat.turn.events import Usage

TOKENS_PRICED = 1_000_000
SMALLEST = Decimal("0.00000001")
"""The last digit of a stored cost."""
LARGEST = 1_000_000
"""No stored cost reaches it."""


def cost_of(model: str, usage: Usage) -> Decimal | None:
    """In the currency of the settings; None where the model has no price, or beyond storing."""
    prices = settings.CHAT_PRICES.get(model)
    if prices is None:
        return None
    input_price, output_price = prices
    priced = usage.input_tokens * input_price + usage.output_tokens * output_price
    cost = (priced / TOKENS_PRICED).quantize(SMALLEST)
    return cost if cost < LARGEST else None


def shown(cost: Decimal) -> str:
    """With its currency, and without zeros at its end beyond cents: "0.000345 USD"."""
    whole, _, fraction = f"{cost:.8f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')} {settings.CHAT_CURRENCY}"
