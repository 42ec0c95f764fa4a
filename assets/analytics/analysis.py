"""What an asset of analytics is, and what it finds for a partition: pure values, no Dagster run.

Rows are those of a view of `connector.sql`, by day; a partition's own rows decide its numbers, and those of
the days before it are in its picture as well.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg
import duckdb

from connector.money import EXACT, money_text
from connector.pictures import Picture

Row = Mapping[str, Any]

#: Rows of the table that an event shows; Dagster stores it for good.
MOST_ROWS = 200

#: What identifies whose money a row is about.
WHOSE = ("account", "connected_account", "currency")

WHOSE_COLUMNS = (
    dg.TableColumn("account", "string", "The account whose key asked; `default` for the key's own."),
    dg.TableColumn("connected_account", "string", "The connected account; empty where it is about none."),
    dg.TableColumn("currency", "string", "Three letters, lower case."),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a check for a partition: failed where something is at fault.

    Attributes:
        wrong: what is at fault.
        applies: whether there was anything to compare.
    """

    reason: str
    wrong: Sequence[Mapping[str, str]] = ()
    applies: bool = True

    @property
    def result(self) -> str:
        """In a word."""
        return "not applicable" if not self.applies else "failed" if self.wrong else "passed"


@dataclass(frozen=True, slots=True)
class Content:
    """What was found for a partition.

    Attributes:
        rows: those of the table.
        figures: amounts by name and currency, over all accounts.
        verdicts: by the check's name.
        notes: further metadata.
        data: the version of what it is made of; of its rows when empty.
    """

    rows: Sequence[Row]
    figures: Mapping[tuple[str, str], Decimal]
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    data: str = ""

    @property
    def version(self) -> str:
        """Equal for equal rows, or for the same data."""
        if self.data:
            return self.data
        cells = [[_plain(value) for value in row.values()] for row in self.rows]
        return hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Days:
    """The rows of a step: of all its partitions, and of the days before them.

    Attributes:
        rows: of the view that the asset is made of, in order, each with its `_date`.
        beside: of the view that it is compared with; None where no report has it.
    """

    rows: Sequence[Row]
    beside: Sequence[Row] | None

    def between(self, first: date, last: date) -> "Days":
        """Those of some days, both included."""
        return Days(_between(self.rows, first, last), self.beside and _between(self.beside, first, last))


@dataclass(frozen=True, slots=True)
class Need:
    """A report that an asset reads.

    Attributes:
        types: Stripe's ids without version, the better one first.
        columns: those that it has to have.
    """

    types: Sequence[str]
    columns: Sequence[str]


@dataclass(frozen=True, slots=True)
class Analysis:
    """An asset of analytics with a partition for each window of the report it reads.

    Attributes:
        name: the last part of its key.
        need: the report it is made of.
        beside: one that it is compared with, if that is there.
        columns: of its table.
        checks: what each verifies, by name.
        read: the rows from the table of that name, of some days.
        read_beside: those that they are compared with.
        describe: what is found, given the days of a partition.
        draw: the picture of the same days and those before them.
    """

    name: str
    about: str
    need: Need
    columns: Sequence[dg.TableColumn]
    checks: Mapping[str, str]
    read: Callable[[duckdb.DuckDBPyConnection, str, date, date], list[Row]]
    describe: Callable[[Days], Content]
    draw: Callable[[Days], Picture]
    views: Sequence[str]
    beside: Need | None = None
    read_beside: Callable[[duckdb.DuckDBPyConnection, str, date, date], list[Row]] | None = None


def fetch(connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[object]) -> list[Row]:
    """The rows of a query, in its order."""
    found = connection.execute(query, list(values))
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def sums(rows: Iterable[Row], *amounts: str, by: Sequence[str] = ("currency",)) -> dict[Any, Decimal]:
    """Exact sums by the amount's name and what it is by: `("net", "eur")`."""
    found: dict[Any, Decimal] = {}
    for row in rows:
        for name in amounts:
            key = (name, *(row[each] for each in by))
            found[key] = EXACT.add(found.get(key, Decimal(0)), row[name])
    return found


def whose(row: Row) -> str:
    """Whose money a row is about, as people read it."""
    account = "" if row["account"] == "default" else row["account"]
    return " ".join(filter(None, (account, row["connected_account"], row["currency"])))


def metadata(content: Content, picture: Picture | None) -> dict[str, Any]:
    """What Dagster shows of a partition. Floats are for plots alone: the table has exact amounts."""
    shown = content.rows[:MOST_ROWS]
    found: dict[str, Any] = {
        **({"picture": _embedded(picture)} if picture else {}),
        "table": table([_texts(row) for row in shown]),
        **content.notes,
        "dagster/partition_row_count": len(content.rows),
    }
    if len(shown) < len(content.rows):
        found["table_rows_left_out"] = len(content.rows) - len(shown)
    for (name, currency), amount in sorted(content.figures.items()):
        found[f"{name}/{currency}"] = float(amount)
    return found


def table(rows: Sequence[Mapping[str, str]]) -> dg.TableMetadataValue:
    """Rows of text."""
    columns = list(dict.fromkeys(name for row in rows for name in row)) or ["no rows"]
    return dg.MetadataValue.table(
        [dg.TableRecord({name: row.get(name, "") for name in columns}) for row in rows],
        dg.TableSchema([dg.TableColumn(name, "string") for name in columns]),
    )


def _texts(row: Row) -> dict[str, str]:
    return {
        name: money_text(value, row.get("currency"))
        if isinstance(value, Decimal)
        else ""
        if value is None
        else str(value)
        for name, value in row.items()
    }


def _between(rows: Sequence[Row], first: date, last: date) -> list[Row]:
    return [row for row in rows if first <= row["_date"] <= last]


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{EXACT.normalize(value) if value else Decimal(0):f}"
    return value if value is None else str(value)


def _embedded(picture: Picture) -> dg.MarkdownMetadataValue:
    png = base64.b64encode(picture.png()).decode()
    return dg.MetadataValue.md(f"![{_alternative(picture.title)}](data:image/png;base64,{png})")


def _alternative(title: str) -> str:
    return "".join(f"\\{each}" if each in "\\[]`*_<" else each for each in title)
