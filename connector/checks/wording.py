"""How findings are worded: counts, amounts, rows and advice, for somebody who closes books."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connector.dataset.provenance import Provenance
from connector.money import money_text

#: How many rows or totals a finding shows.
SHOWN = 10

#: What to do about a file that is not what Stripe sent.
REFRESH = "Refresh the partition: materialize it again, or pull it with --force."

Example = Mapping[str, str]


def format_count(number: int, what: str) -> str:
    """`1 row`, `1,250 rows`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def format_share(number: int, total: int, what: str, verb: str, plural: str) -> str:
    """`1 of 13 rows lies`, `2 of 13 rows lie`."""
    return f"{number:,} of {format_count(total, what)} {verb if number == 1 else plural}"


def format_money(amount: Decimal, currency: str | None) -> str:
    """`12.30 usd`."""
    return f"{money_text(amount, currency)} {currency or 'without a currency'}"


def format_row(columns: Sequence[str], row: Sequence[Any], currency: str | None = None) -> Example:
    """A row as text: amounts in their currency's digits, null as `null`."""
    return {name: _format_value(value, currency) for name, value in zip(columns, row, strict=True)}


def _format_value(value: Any, currency: str | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, Decimal):
        return money_text(value, currency)
    return str(value)


def describe_row(example: Example) -> str:
    """A row in a sentence: `balance_transaction_id txn_1, net 9.51`."""
    return ", ".join(f"{name} {value}" for name, value in example.items())


def refer_to_stripe(provenance: Provenance) -> str:
    """What to do about figures that do not add up within the file Stripe made."""
    return (
        f"Stripe sent it so in report run {provenance.run_id}: "
        "if a refresh does not change it, ask Stripe support."
    )


def explain_sign(saw: str) -> str:
    """What it means that everything adds up once a sign is turned, and what shows it, as a clause: the
    figures are right, our reading of them is not, and a further report run would print the same."""
    return (
        f"Everything adds up once the sign is turned: {saw}, other than this release expects. "
        "The amounts are whole; please report the sign."
    )


def explain_difference(one: str, file: Provenance, other: str, other_file: Provenance) -> str:
    """What may be behind a difference between two files, called `one` and `other`, and what to do about it: a
    refresh only where one may be outdated, since two accounts never agree."""
    if file.livemode != other_file.livemode:
        live, test = (one, other) if file.livemode else (other, one)
        return (
            f"{live} comes from a live key and {test} from a test key, which are different books. A refresh "
            "with the same keys does not help: give each key a root of its own."
        )
    here, there = (f"{each.as_of:%Y-%m-%d %H:%M:%S} UTC" for each in (file, other_file))
    if file.as_of == other_file.as_of:
        return (
            f"Both are as of {here}, so neither is outdated. If both come from the same Stripe account, ask "
            f"Stripe support about report runs {file.run_id} and {other_file.run_id}."
        )
    older = one if file.as_of < other_file.as_of else other
    return (
        f"{one} is as of {here}, {other} as of {there}. If Stripe restated figures in between, refresh "
        f"{older}. If the files come from keys of two Stripe accounts, a refresh does not help: give each "
        "account a root of its own."
    )
