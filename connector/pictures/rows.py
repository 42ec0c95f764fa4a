"""What is drawn: rows of one amount each, in major units of its currency."""

from datetime import date
from decimal import Decimal
from typing import NamedTuple


class Balance(NamedTuple):
    """The balance at the end of a day. The days of several accounts are added up."""

    day: date
    currency: str | None
    amount: Decimal


class Activity(NamedTuple):
    """What one category moved on a day; negative amounts leave the balance."""

    day: date
    currency: str | None
    category: str | None
    amount: Decimal


class Fees(NamedTuple):
    """The fees of one category; positive where they were paid."""

    currency: str | None
    category: str | None
    amount: Decimal


class Step(NamedTuple):
    """A step of a waterfall, of the order in which they come.

    Attributes:
        is_balance: whether the amount is a balance, which stands on zero. Else it is a movement, which begins
            where the step before it ended.
    """

    currency: str | None
    name: str
    amount: Decimal
    is_balance: bool = False
