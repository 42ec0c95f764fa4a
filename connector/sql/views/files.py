"""`_partitions` and `restated`: the files themselves, and what changed since each was first published."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from connector.convert.arrow_types import INSTANT
from connector.dataset.change import Change
from connector.dataset.identity import OWN_ACCOUNT, Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.schema_evolution import Footer
from connector.dataset.store import Store
from connector.money import EXACT, decimals
from connector.sql.source import DECIMALS

PARTITIONS = "_partitions"
PARTITIONS_ABOUT = "Each file that counts, and the report run that it is from."
_KEY = {
    "table": "The table.",
    "key": "The partition's key.",
    "account": "The account whose key asked; `default` for the key's own.",
    "connected_account": "The account the partition is of; null where partitions are windows alone.",
    "period": "The window's part of the key, or the payout's id.",
}
PARTITIONS_COLUMNS = {
    **_KEY,
    "interval_start": "Where the window begins, an instant; null for one payout.",
    "interval_end": "Where it ends, exclusive; null for one payout.",
    "report_type": "Stripe's id with the version.",
    "report_run_id": "The report run at Stripe; `_report_run_id` of each row.",
    "run_created": "When the run was created.",
    "as_of": "When Stripe made the file: what the data are as of.",
    "csv_sha256": "Hash of the bytes that Stripe sent.",
    "data_version": "Equal for equal bytes that were read in the same way.",
    "rows": "Rows in the file.",
    "path": "Where the file is.",
}

RESTATED = "restated"
RESTATED_ABOUT = (
    "Partitions whose rows or amounts are others than in the first file published for them, as far as that "
    "is still set aside (the last five are)."
)
RESTATED_COLUMNS = {
    **_KEY,
    "currency": "Three letters, lower case; null where no amount is added up.",
    "first_as_of": "What the first file's data were as of.",
    "as_of": "What those of the file that counts are as of.",
    "first_run_id": "The first report run.",
    "report_run_id": "The one that counts.",
    "rows_before": "Rows of the first file, in all currencies.",
    "rows_after": "Rows of the file that counts, in all currencies.",
    "net_before": "The sum of the report's amount column in this currency, first: subtotals left out.",
    "net_after": "The same in the file that counts.",
    "difference": "net_after − net_before.",
}

_INSTANTS = {"interval_start", "interval_end", "run_created", "as_of", "first_as_of"}
_COUNTS = {"rows", "rows_before", "rows_after"}
_AMOUNTS = {"net_before", "net_after", "difference"}

#: A sum of one file has no more digits.
_MONEY = pa.decimal128(38, DECIMALS)
_WIDE = pa.decimal128(38, 18)


def partitions(tables: Iterable[tuple[Dataset, Sequence[Footer]]]) -> pa.Table:
    """One row for each file that counts."""
    rows = [
        {
            **_key(dataset, found),
            "interval_start": found.interval.start if found.interval else None,
            "interval_end": found.interval.end if found.interval else None,
            "report_type": found.report_type,
            "report_run_id": found.run_id,
            "run_created": found.run_created,
            "as_of": found.as_of,
            "csv_sha256": found.csv_sha256,
            "data_version": found.data_version,
            "rows": found.rows,
            "path": footer.path,
        }
        for dataset, footers in tables
        for footer in footers
        if (found := footer.provenance)
    ]
    return _table(PARTITIONS_COLUMNS, rows)


def restated(store: Store, tables: Iterable[tuple[Dataset, Sequence[Footer]]]) -> pa.Table:
    """One row for each currency of each partition that was restated."""
    rows = [
        row
        for dataset, footers in tables
        for footer in footers
        if footer.provenance and (found := find_restatement(store, dataset, footer.provenance))
        for row in _changes(dataset, found.first, found.now)
    ]
    return _table(RESTATED_COLUMNS, rows)


@dataclass(frozen=True, slots=True)
class Restatement:
    """A partition whose rows or amounts are others than at first.

    Attributes:
        first: the oldest file that is still set aside.
        now: the file that counts.
    """

    first: Provenance
    now: Provenance


def find_restatement(store: Store, dataset: Dataset, now: Provenance) -> Restatement | None:
    """How a partition's file differs from the first one; None where it does not, and where there is none.

    Other columns alone are no restatement: somebody asked for them.
    """
    first = None
    for _, file in store.superseded(dataset, now.period):
        first = file.footer.provenance
    if first is None:
        return None
    change = Change.between(first, now)
    if change.same_bytes or not (change.rows or change.totals or change.sums):
        return None
    return Restatement(first, now)


def _changes(dataset: Dataset, first: Provenance, now: Provenance) -> Iterator[dict[str, Any]]:
    for currency in sorted({*first.totals, *now.totals}) or [""]:
        before, after = (
            each.totals.get(currency, Decimal(0)) if each.totals else None for each in (first, now)
        )
        difference = None if before is None or after is None else EXACT.subtract(after, before)
        yield {
            **_key(dataset, now),
            "currency": currency or None,
            "first_as_of": first.as_of,
            "as_of": now.as_of,
            "first_run_id": first.run_id,
            "report_run_id": now.run_id,
            "rows_before": first.rows,
            "rows_after": now.rows,
            "net_before": before,
            "net_after": after,
            "difference": difference,
        }


def _key(dataset: Dataset, found: Provenance) -> dict[str, Any]:
    *account, period = dataset.key_format.values(found.period)
    return {
        "table": dataset.table,
        "key": found.period,
        "account": dataset.account_of(found.period) or OWN_ACCOUNT,
        "connected_account": account[0] if account else None,
        "period": period,
    }


def _table(columns: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    arrays = {name: [row[name] for row in rows] for name in columns}
    return pa.table({name: pa.array(values, _kind(name, arrays)) for name, values in arrays.items()})


def _kind(name: str, arrays: Mapping[str, Sequence[Any]]) -> pa.DataType:
    if name in _AMOUNTS:
        amounts = (each for other in _AMOUNTS for each in arrays.get(other, ()) if each is not None)
        return _WIDE if any(decimals(each) > DECIMALS for each in amounts) else _MONEY
    return INSTANT if name in _INSTANTS else pa.int64() if name in _COUNTS else pa.string()
