"""Balance transactions taken apart: what came in or went out, and what was charged, as a row each.

The parts of one transaction add up to its net. What the parts are called is not documented.

Source: https://github.com/fivetran/dbt_stripe (models/stripe_financial_reports)
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from decimal import Decimal

from connector.simulator.columns import Reader, Sheet, stamp, times
from connector.simulator.columns import reader as entry_reader
from connector.simulator.currencies import EXACT, printed
from connector.simulator.entries import Entry
from connector.simulator.selections import Parameters, activity


@dataclass(frozen=True, slots=True)
class Component(Entry):
    """An entry seen from one of its parts. `amount` is signed as it moves the balance."""

    part: str = "gross"
    amount: Decimal = Decimal(0)


def components(sheet: Sheet, parameters: Parameters) -> Iterator[Entry]:
    """The parts of all activity of the interval; a fee only where there is one."""
    for entry in activity(sheet, parameters):
        whole = {field.name: getattr(entry, field.name) for field in fields(Entry)}
        yield Component(**whole, part="gross", amount=entry.gross)
        if entry.fee:
            yield Component(**whole, part="fee", amount=EXACT.minus(entry.fee))


def reader(column: str) -> Reader:
    """How `column` is read from a part.

    Raises:
        KeyError: no such column.
    """
    return _READERS.get(column) or entry_reader(column)


def _of_part(entry: Entry, _sheet: Sheet) -> str | None:
    return entry.part if isinstance(entry, Component) else None


def _amount(entry: Entry, _sheet: Sheet) -> str | None:
    return printed(entry.amount, entry.currency) if isinstance(entry, Component) else None


def _source(prefix: str) -> Reader:
    """The id of what caused the entry, where it is of that kind."""
    return lambda entry, _: entry.source_id if entry.source_id.startswith(prefix) else None


def _fee_id(entry: Entry, sheet: Sheet) -> str | None:
    return f"fee_1{entry.id[5:]}" if _of_part(entry, sheet) == "fee" else None


def _day(entry: Entry, sheet: Sheet) -> str:
    return stamp(entry.created, sheet.zone)[:10]


_READERS: dict[str, Reader] = {
    **times("balance_transaction_created_at", lambda entry, _: entry.created),
    **times("activity_at", lambda entry, _: entry.sale.created if entry.sale else entry.created),
    "balance_transaction_reporting_category": entry_reader("reporting_category"),
    "balance_transaction_description": entry_reader("description"),
    "balance_transaction_regulatory_tag": entry_reader("regulatory_tag"),
    "balance_transaction_component": _of_part,
    "amount": _amount,
    "event_type": entry_reader("reporting_category"),
    "fee_id": _fee_id,
    "refund_id": _source("re_"),
    "dispute_id": _source("du_"),
    "transfer_id": _source("tr_"),
    "destination_id": lambda _, __: None,
    "activity_interval_type": lambda _, __: "day",
    "activity_start_date": _day,
    "activity_end_date": _day,
}
