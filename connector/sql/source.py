"""A table as views are made of it: which report it is of, and which columns it has in SQL."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from connector.catalogue import REPORTS, ReportSpec, columns_by_header, custom_report, report
from connector.dataset.identity import Dataset
from connector.dataset.schema_evolution import Footer
from connector.errors import ConfigurationError
from connector.money import decimals
from connector.sql.quoting import quoted

#: The schema that tables, views and macros are in.
SCHEMA = "stripe"

#: The one name for the connected account a row is about, whatever Stripe calls it there, and also where only
#: the path says it.
WHOSE = "connected_account"

#: What the columns of ours mean.
_OURS = {
    "account": "The account whose key asked; `default` for the key's own.",
    "connected": "The connected account that the file is about.",
    "period": "The window as its partition's key has it, or the payout's id.",
    WHOSE: "The connected account a row is about.",
    "_date": "The first day of the window, by the calendar of the table's zone: filter and group on it.",
    "_interval_start": "Where the window begins, an instant.",
    "_interval_end": "Where it ends, exclusive.",
    "_report_run_id": "The report run at Stripe that the row is from.",
    "_row_kind": "What the row is: balance, movement, or a subtotal or total, not to be added to its parts.",
}

#: The decimals of amounts in views: a third of the digits there are, so that two amounts multiply.
DECIMALS = 6

#: Parameters that change how rows are printed, and not which there are.
_PRINTING = frozenset({"timezone", "decimal_separator"})

#: The macro that gives an amount those decimals, and fails where it has more.
EXACT_MONEY = "exact_money"


@dataclass(frozen=True, slots=True)
class Source:
    """A table that is there in SQL.

    Attributes:
        columns: its columns with their Arrow types, those of its path included.
        footers: the files that count, of which there is at least one.
    """

    dataset: Dataset
    columns: Mapping[str, pa.DataType]
    footers: Sequence[Footer]

    @property
    def spec(self) -> ReportSpec:
        """The report type, as far as the catalogue knows it."""
        return spec_of(self.dataset)

    @property
    def name(self) -> str:
        """The table as SQL has it."""
        return f"{SCHEMA}.{quoted(self.dataset.table)}"

    def has(self, *names: str) -> bool:
        """Whether it has all of these columns."""
        return self.columns.keys() >= set(names)

    def has_amounts(self, *names: str) -> bool:
        """Whether it has all of these columns, as exact numbers."""
        return self.has(*names) and all(pa.types.is_decimal(self.columns[name]) for name in names)

    @property
    def whose(self) -> str:
        """SQL for the connected account that a row is about, null where it is about none."""
        return WHOSE if self.has(WHOSE) else "NULL::VARCHAR"

    def abouts(self) -> dict[str, str]:
        """What the columns mean, by name."""
        newest = max(self.footers, key=lambda each: each.age).provenance
        found = columns_by_header(self.spec, newest.header if newest else ())
        abouts = {each.stored_name: each.about for each in found} | _OURS
        return {name: abouts[name] for name in self.columns if name in abouts}


def spec_of(dataset: Dataset) -> ReportSpec:
    """The report type of a table; a version that the catalogue does not have is like the newest it has."""
    with contextlib.suppress(ConfigurationError):
        return REPORTS.get(dataset.report_type) or report(family_of(dataset).replace(".", "_"))
    return custom_report(dataset.report_type, {})


def family_of(dataset: Dataset) -> str:
    """The report type of a table without its version."""
    return dataset.report_type.rpartition(".")[0]


def is_part(dataset: Dataset) -> bool:
    """Whether a filter leaves rows out."""
    return not dataset.filters.keys() <= _PRINTING


def money(amount: str, sources: Iterable[Source], *names: str) -> str:
    """SQL for an amount, or a sum of amounts, in the type of money in views, exact.

    Args:
        amount: SQL for a decimal.
        sources: the tables it is from; a view has one type for all of them.
        names: the columns it is made of. Where these have more than six decimals, as sums of files show, the
            type has eighteen: such amounts cannot be multiplied with each other.
    """
    wide = any(
        decimals(total) > DECIMALS
        for source in sources
        for footer in source.footers
        if footer.provenance
        for label, totals in footer.provenance.sums.items()
        if label.partition(" of ")[0] in names
        for total in totals.values()
    )
    return f"CAST({amount} AS DECIMAL(38,18))" if wide else f"{SCHEMA}.{EXACT_MONEY}({amount})"


def exact_money_macro() -> str:
    """The statement that makes the macro. DuckDB alone would round."""
    narrow = f"CAST(amount AS DECIMAL(38,{DECIMALS}))"
    text = (
        f"'views have {DECIMALS} decimals and do not round ' || amount::VARCHAR || ': query the table itself'"
    )
    return (
        f"CREATE MACRO {SCHEMA}.{EXACT_MONEY}(amount) AS "
        f"CASE WHEN amount <> {narrow} THEN error({text}) ELSE {narrow} END"
    )
