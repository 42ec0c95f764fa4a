"""The sums of a report's rows: what the file amounts to, and by which a later file shows what changed.

Everything is exact. Arrow adds in 38 digits where that cannot overflow, else in 76, which is twenty times
slower; money of 18 digits never overflows.
"""

from collections.abc import Mapping
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from connector.catalogue.spec import ColumnType, RowKind
from connector.convert.arrow_types import NUMBER
from connector.convert.decode import ROW_KIND, ReportFileReader
from connector.money import EXACT

_WIDE = pa.decimal256(76, NUMBER.scale)

#: So many digits has the widest decimal that is fast to add up.
_FAST = 38

#: The column by which people add up an itemized report.
_CATEGORY = "reporting_category"

#: More sums than this are not worth their place in a file's metadata: then each column has one per currency.
_MOST = 500

_ZERO = Decimal(0)

_NUMBERS = {ColumnType.MONEY, ColumnType.NUMBER, ColumnType.INTEGER}


class Sums:
    """Adds up the numbers of a report, row group by row group.

    Args:
        report: whose rows will be added.
        amount_column, currency_column: the stored names of the column that `totals` add up, and of the one
            that says in which currency rows are. The file may lack either.
        line_column: the stored name of the column that names a summary's lines; None for other reports.
    """

    def __init__(
        self,
        report: ReportFileReader,
        amount_column: str | None,
        currency_column: str,
        line_column: str | None = None,
    ) -> None:
        names = report.schema.names
        self._amount = amount_column if amount_column in names else None
        self._numbers = [each.stored_name for each in report.columns if each.type in _NUMBERS]
        line = line_column or _CATEGORY
        present = (name if name in names else None for name in (currency_column, line, ROW_KIND))
        self._currency, self._line, self._kind = present
        self._found: dict[tuple[str, str, str | None, str], Decimal] = {}

    def add(self, rows: pa.Table) -> None:
        """Count these rows, too."""
        numbers = list(dict.fromkeys([*self._numbers, *filter(None, [self._amount])]))
        if not numbers:
            return
        keys = {
            "currency": rows[self._currency] if self._currency else pa.nulls(rows.num_rows, pa.string()),
            "line": rows[self._line] if self._line else pa.nulls(rows.num_rows, pa.string()),
            "kind": rows[self._kind] if self._kind else pa.nulls(rows.num_rows, pa.string()),
        }
        amounts = {f"{number}": _addable(rows[name]) for number, name in enumerate(numbers)}
        sums = pa.table(keys | amounts).group_by(list(keys)).aggregate([(name, "sum") for name in amounts])
        found = zip(*(sums[name].to_pylist() for name in keys), strict=True)
        for row, (currency, line, kind) in enumerate(found):
            for number, name in enumerate(numbers):
                amount = sums[f"{number}_sum"][row].as_py()
                if amount is not None or name == self._amount:
                    key = (name, currency or "", kind, line or "")
                    self._found[key] = EXACT.add(self._found.get(key, _ZERO), amount or _ZERO)

    @property
    def totals(self) -> dict[str, Decimal]:
        """The sum of the amount column by currency, over all rows of an itemized report and over the
        movements of a summary, in major units. A row without a currency counts under "".

        Empty where there is no amount column.
        """
        found: dict[str, Decimal] = {}
        for (name, currency, kind, _), amount in self._found.items():
            if name == self._amount and (self._kind is None or kind == RowKind.MOVEMENT.value):
                found[currency] = EXACT.add(found.get(currency, _ZERO), amount)
        return found

    @property
    def by_column(self) -> dict[str, dict[str, Decimal]]:
        """The sum of every column of numbers by currency: of each line of a summary, or of each reporting
        category, where the report has them: `net_amount of ending_balance`."""
        with_lines = len(self._found) <= _MOST
        found: dict[str, dict[str, Decimal]] = {}
        for (name, currency, _, line), amount in sorted(self._found.items(), key=lambda each: str(each[0])):
            label = f"{name} of {line}" if with_lines and line else name
            sums = found.setdefault(label, {})
            sums[currency] = EXACT.add(sums.get(currency, _ZERO), amount)
        return found


def _addable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The numbers in a type in which their sum cannot overflow."""
    if pa.types.is_integer(column.type):
        return column.cast(_WIDE)
    summed = pa.decimal128(_FAST, column.type.scale)
    room = summed.precision - column.type.precision
    if len(column) < 10**room:
        return column.cast(summed)
    bounds: Mapping[str, Decimal | None] = pc.min_max(column).as_py()
    largest = max(abs(bounds["min"] or _ZERO), abs(bounds["max"] or _ZERO))
    fits = largest * len(column) < 10 ** (summed.precision - summed.scale)
    return column.cast(summed if fits else _WIDE)
