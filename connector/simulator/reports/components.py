"""Activity by component: a balance transaction's amount, its fees and their tax in rows of their own.

The columns and their order are those of a schema seen in public; the components are those of a template for
the same table. A fee that is charged is negative, a part of nothing has no row, and payouts are not among
them. What no program names is null: what happened (`event_type`), and the stretch of time of a part.

Source: https://github.com/fivetran/dbt_stripe (models/stripe_financial_reports)
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from connector.simulator.books.currencies import EXACT, printed
from connector.simulator.books.entries import Entry
from connector.simulator.reports.columns import Books, Reader, reader
from connector.simulator.reports.selections import Parameters, activity

#: What a column is called in the reports of whole transactions.
_ELSEWHERE = {
    "balance_transaction_created_at": "created_utc",
    "balance_transaction_reporting_category": "reporting_category",
    "balance_transaction_regulatory_tag": "regulatory_tag",
    "balance_transaction_description": "description",
    "activity_at": "created_utc",
    "automatic_payout_effective_at": "automatic_payout_effective_at_utc",
}

#: Of which category the column has the source.
_SOURCES = {
    "refund_id": frozenset({"refund", "refund_failure"}),
    "dispute_id": frozenset({"dispute", "dispute_reversal"}),
    "transfer_id": frozenset({"transfer", "transfer_reversal"}),
}

_COMPONENT, _AMOUNT = "balance_transaction_component", "amount"
_NULLS = frozenset(
    {
        "fee_id", "destination_id", "event_type", "activity_interval_type", "activity_start_date",
        "activity_end_date",
    }
)  # fmt: skip


def itemized(accounts: Sequence[Books], parameters: Parameters) -> Iterator[list[str | None]]:
    """One row for each component, by the second of the activity."""
    columns = parameters["columns"]
    readers = {name: _reader(name) for name in columns if name not in {_COMPONENT, _AMOUNT}}
    for books in accounts:
        for entry in activity(books, parameters):
            whole = {name: read(entry, books) for name, read in readers.items()}
            for component, amount in _components(entry):
                part = {_COMPONENT: component, _AMOUNT: printed(amount, entry.currency)}
                yield [(whole | part)[name] for name in columns]


def _components(entry: Entry) -> Iterator[tuple[str, Decimal]]:
    """The parts of a transaction; together its net."""
    tax = EXACT.minus(entry.tax or Decimal(0))
    is_fee = entry.category == "fee"
    fee = "dispute_fee" if entry.category.startswith("dispute") else "payments_fee"
    parts = (
        ("gross", Decimal(0) if is_fee else entry.gross),
        (fee, EXACT.minus(entry.fee)),
        ("other_fee", EXACT.subtract(entry.gross, tax) if is_fee else Decimal(0)),
        ("tax", tax if is_fee else Decimal(0)),
    )
    return (part for part in parts if part[1])


def _reader(name: str) -> Reader:
    if name in _NULLS:
        return lambda _, __: None
    if categories := _SOURCES.get(name):
        return lambda entry, _: entry.source_id if entry.category in categories else None
    return reader(_ELSEWHERE.get(name, name))
