"""What a new file changed against the one it replaced, in what people and checks add up."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol, Self

from connector.column_diff import ColumnDiff
from connector.money import differences, money_text


class Summed(Protocol):
    """What is compared of a file; a `Provenance`."""

    @property
    def csv_sha256(self) -> str: ...
    @property
    def rows(self) -> int: ...
    @property
    def columns(self) -> Mapping[str, str]: ...
    @property
    def totals(self) -> Mapping[str, Decimal]: ...
    @property
    def sums(self) -> Mapping[str, Mapping[str, Decimal]]: ...


@dataclass(frozen=True, slots=True)
class Change:
    """How two files of one partition differ.

    Attributes:
        same_bytes: both were made of the same CSV.
        rows: how many more the new one has.
        totals: differences of the amount column per currency; currencies that did not change are left out.
            Empty where other columns are stored: a column that is not there has not become zero.
        columns: how the stored columns differ.
        sums: differences of the sums of numbers by currency, such as those of `net_amount of ending_balance`;
            sums that did not change are left out, and those that only one of the files can have.
    """

    same_bytes: bool
    rows: int
    totals: Mapping[str, Decimal]
    columns: ColumnDiff = field(default_factory=ColumnDiff)
    sums: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)

    @classmethod
    def between(cls, old: Summed, new: Summed) -> Self:
        """From `old` to `new`."""
        columns = ColumnDiff.between(old.columns, new.columns)
        same_columns = not (columns.added or columns.removed)
        return cls(
            same_bytes=old.csv_sha256 == new.csv_sha256,
            rows=new.rows - old.rows,
            totals=differences(old.totals, new.totals) if same_columns else {},
            columns=columns,
            sums=_moved(old.sums, new.sums, columns),
        )

    def __bool__(self) -> bool:
        """Whether anything that people or checks add up is another."""
        return bool(self.rows or self.totals or self.columns or self.sums)

    def texts(self, *, most: int = 3) -> Iterator[str]:
        """What changed, for people: rows, columns, totals, and where no total did, the first few sums."""
        if self.rows:
            yield f"{self.rows:+,} rows"
        if self.columns:
            yield f"columns: {self.columns}"
        yield from (_signed(amount, currency) for currency, amount in self.totals.items())
        moved = [] if self.totals else list(self.sums.items())
        for label, amounts in moved[:most]:
            yield f"{label}: {', '.join(_signed(amount, name) for name, amount in amounts.items())}"
        if len(moved) > most:
            yield f"{len(moved) - most} more sums"


def _moved(
    old: Mapping[str, Mapping[str, Decimal]], new: Mapping[str, Mapping[str, Decimal]], columns: ColumnDiff
) -> dict[str, dict[str, Decimal]]:
    elsewhere = {*columns.added, *columns.removed, *columns.retyped}
    found = {
        label: differences(old.get(label, {}), new.get(label, {}))
        for label in sorted({*old, *new})
        if label.partition(" of ")[0] not in elsewhere
    }
    return {label: amounts for label, amounts in found.items() if amounts}


def _signed(amount: Decimal, currency: str) -> str:
    return f"{'+' if amount > 0 else ''}{money_text(amount, currency)} {currency}".strip()
