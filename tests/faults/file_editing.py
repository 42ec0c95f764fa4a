"""A finished file taken apart, changed, and put together again: the base of faults of files."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import ClassVar

from connector.simulator.books.currencies import EXACT, printed
from connector.simulator.report_runs import RunPlan
from connector.simulator.reports.csv_writer import document, rows_of
from tests.faults.runs import RunFault

Row = dict[str, str | None]
MONEY = ("gross", "fee", "net", "net_amount", "amount", "total", "total_amount")
"""Columns of money, in the order in which one is looked for."""

_ANY: frozenset[str] = frozenset()


@dataclass
class Table:
    """A file taken apart. A row may hold cells that the header does not name; they are not printed."""

    header: list[str]
    rows: list[Row]

    @classmethod
    def read(cls, body: bytes) -> "Table":
        header, *rows = rows_of(body)
        names = [name or "" for name in header]
        return cls(names, [dict(zip(names, row, strict=True)) for row in rows])

    def written(self) -> bytes:
        return document(self.header, ([row.get(name) for name in self.header] for row in self.rows))

    @property
    def money(self) -> list[str]:
        return [name for name in MONEY if name in self.header]

    def of(self, category: str) -> list[Row]:
        """The rows of a balance summary with that category, one for each currency."""
        return [row for row in self.rows if row["category"] == category]


def amount(row: Row, column: str) -> Decimal:
    return Decimal(row[column] or 0)


def add(row: Row, column: str, by: Decimal) -> None:
    """Add to a cell, printed as its currency is, with more decimals where that takes more."""
    row[column] = printed(EXACT.add(amount(row, column), by), row["currency"] or "usd")


@dataclass(frozen=True)
class FileFault(RunFault, ABC):
    """Base of what befalls a file. `needs` are sets of columns, one of which the file must have."""

    lenient: bool = field(default=False, kw_only=True)

    needs: ClassVar[tuple[frozenset[str], ...]] = (_ANY,)

    @abstractmethod
    def edit(self, table: Table) -> None:
        """Change `table` in place."""

    def suits(self, table: Table) -> bool:
        return any(columns <= set(table.header) for columns in self.needs)

    def spoil(self, body: bytes) -> bytes:
        """The file, spoiled.

        Raises:
            ValueError: it has not the columns for that.
        """
        table = Table.read(body)
        if self.suits(table):
            self.edit(table)
        elif not self.lenient:
            raise ValueError(f"{self} cannot befall a file of {', '.join(table.header)}")
        return table.written()

    def fate(self, fate: RunPlan) -> RunPlan:
        earlier = fate.rewrite
        return replace(fate, rewrite=lambda body: self.spoil(body if earlier is None else earlier(body)))
