"""How findings are worded: counts, amounts, rows, for somebody who closes books."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connector.dataset.provenance import Provenance
from connector.money import money_text

#: How many rows or sums a finding shows.
SHOWN = 10

Example = Mapping[str, str]


def counted(number: int, what: str) -> str:
    """`1 row`, `1,250 rows`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def listed(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`, and how many more there are."""
    found = list(words)
    if len(found) > SHOWN:
        found = [*found[:SHOWN], f"{len(found) - SHOWN:,} more"]
    return " and ".join(filter(None, (", ".join(found[:-1]), *found[-1:])))


def money(amount: Decimal, currency: str | None) -> str:
    """`12.30 usd`."""
    return f"{money_text(amount, currency)} {currency or 'without a currency'}"


def restated(ours: str, kept: Provenance, theirs: str, other: Provenance) -> str:
    """What may be behind a difference between two files, and what to do about it."""
    here, there = (f"{each.as_of:%Y-%m-%d %H:%M:%S} UTC" for each in (kept, other))
    if here == there:
        return f"Both files are as of {here}."
    return (
        f"{ours} is as of {here}, {theirs} as of {there}: "
        "if Stripe changed closed days in between, asking anew for the older one mends it."
    )


def in_words(example: Example) -> str:
    """A row in a sentence: `balance_transaction_id txn_1, net 9.51`."""
    return ", ".join(f"{name} {value}" for name, value in example.items())


def example(columns: Sequence[str], row: Sequence[Any], currency: str | None = None) -> Example:
    """A row as text: amounts in their currency's digits, null as `null`."""
    return {name: _text(value, currency) for name, value in zip(columns, row, strict=True)}


def _text(value: Any, currency: str | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, Decimal):
        return money_text(value, currency)
    return str(value)
