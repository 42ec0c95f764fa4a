"""Sums of amounts that are exact or an error."""

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact

EXACT = Context(prec=200, traps=[Inexact])


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The sum, every decimal of it."""
    found = Decimal(0)
    for amount in amounts:
        found = EXACT.add(found, amount)
    return found
