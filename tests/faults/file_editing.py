"""A finished file parsed, changed and written again: the base of faults of files."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import ClassVar

from connector.simulator.books.currencies import EXACT, printed
from connector.simulator.report_runs import RunPlan
from connector.simulator.reports.csv_writer import document
from tests.faults.runs import RunFault

Row = dict[str, str | None]
#: Columns of money; the first that a file has is its first amount.
MONEY = ("gross", "fee", "net", "net_amount", "amount", "total", "total_amount")

_FIELD = re.compile(r'(?:"((?:[^"]|"")*)")?([,\n])')

_ANY: frozenset[str] = frozenset()


def rows_of(body: bytes) -> list[list[str | None]]:
    """All rows of a file in Stripe's dialect, the header first; null and empty text stay apart.

    Raises:
        ValueError: `body` is in another dialect, or ends within a row.
    """
    text = body.decode()
    rows: list[list[str | None]] = []
    cells: list[str | None] = []
    at = 0
    while at < len(text):
        field = _FIELD.match(text, at)
        if field is None:
            raise ValueError(f"there is no quoted or empty field at character {at}")
        cells.append(None if field[1] is None else field[1].replace('""', '"'))
        if field[2] == "\n":
            rows.append(cells)
            cells = []
        at = field.end()
    if cells:
        raise ValueError("the last row does not end with a line feed")
    return rows


@dataclass
class Table:
    """A parsed file. Cells of a row that the header does not name are not written."""

    header: list[str]
    rows: list[Row]

    @classmethod
    def read(cls, body: bytes) -> "Table":
        header, *rows = rows_of(body)
        names = [name or "" for name in header]
        return cls(names, [dict(zip(names, row, strict=True)) for row in rows])

    def csv(self) -> bytes:
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
    """Add to a cell, with the decimals of its currency, or more where they are needed."""
    row[column] = printed(EXACT.add(amount(row, column), by), row["currency"] or "usd")


@dataclass(frozen=True)
class FileFault(RunFault, ABC):
    """Base of all faults of files. `needs` are sets of columns, one of which the file must have.

    A `lenient` fault leaves other files as they are; otherwise they are an error.
    """

    lenient: bool = field(default=False, kw_only=True)

    needs: ClassVar[tuple[frozenset[str], ...]] = (_ANY,)

    @abstractmethod
    def edit(self, table: Table) -> None:
        """Change `table` in place."""

    def suits(self, table: Table) -> bool:
        return any(columns <= set(table.header) for columns in self.needs)

    def change(self, body: bytes) -> bytes:
        """The file with the fault.

        Raises:
            ValueError: it does not have the columns that the fault needs.
        """
        table = Table.read(body)
        if self.suits(table):
            self.edit(table)
        elif not self.lenient:
            raise ValueError(f"{self} does not apply to a file of {', '.join(table.header)}")
        return table.csv()

    def plan(self, plan: RunPlan) -> RunPlan:
        earlier = plan.rewrite
        return replace(plan, rewrite=lambda body: self.change(body if earlier is None else earlier(body)))
