"""Tokens and costs in the words of the admin's pages."""

from decimal import Decimal

from django.utils.translation import gettext as _

from chat.prices import shown


def tokens_line(input_tokens: int | None, output_tokens: int | None, *, estimated: bool) -> str:
    """Empty where nothing is known."""
    if input_tokens is None or output_tokens is None:
        return ""
    values = {"input": input_tokens, "output": output_tokens}
    line = _("%(input)s in, %(output)s out") % values
    return _("%(tokens)s (estimated)") % {"tokens": line} if estimated else line


def cost_line(cost: Decimal | None) -> str:
    """Empty where nothing is known."""
    return "" if cost is None else shown(cost)
