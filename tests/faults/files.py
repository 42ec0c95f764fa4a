"""Files that are wrong, or odd but correct, as faults of a run: every check can be seen to fail.

    sim.faults.add(UnbalancedRow(), Match(report_type="balance_change*"))       net is a cent off, once
    sim.faults.add(RemovedColumn("fee"), "POST", times=None)                    drift, in all runs
    sim.faults.add(ManyCurrencies(20), times=None)                              odd, but consistent

The file is changed before its size is known, so its download looks right; several faults on one run act one
after the other. A file without the columns that a fault needs is an error, unless the fault is `lenient`; one
with too few rows stays as it is. `plant_all` adds every kind at once. `Simulator.csv` shows the file without
faults.

Source: https://docs.stripe.com/reports/report-types/balance
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from connector.simulator.books.currencies import KNOWN, digits, printed
from connector.simulator.books.entries import PAYOUT_CATEGORIES
from connector.simulator.faults import ActiveFault, Faults
from tests.faults.file_editing import FileFault, Row, Table, add, amount

CENT = Decimal("0.01")
#: The columns that decide a row's day, in one report or another; each may exist in UTC too.
DECIDING = ("created", "effective_at", "automatic_payout_effective_at", "transaction_date")

_ITEMS = frozenset({"balance_transaction_id", "currency", "gross", "net"})
_BALANCES = frozenset({"category", "currency", "net_amount"})
_TOTALS = frozenset({"reporting_category", "currency", "count", "gross", "fee", "net"})


# Drift


@dataclass(frozen=True)
class AddedColumn(FileFault):
    """A column that was not requested, with one text in all rows; by default the last."""

    name: str = "settlement_batch"
    text: str | None = "7"
    before: str | None = None

    def edit(self, table: Table) -> None:
        at = len(table.header) if self.before is None else table.header.index(self.before)
        table.header.insert(at, self.name)
        for row in table.rows:
            row[self.name] = self.text


@dataclass(frozen=True)
class RemovedColumn(FileFault):
    """A column that was requested is missing; by default the last."""

    name: str | None = None

    def suits(self, table: Table) -> bool:
        return len(table.header) > 1 if self.name is None else self.name in table.header

    def edit(self, table: Table) -> None:
        table.header.remove(table.header[-1] if self.name is None else self.name)


# Broken identities


@dataclass(frozen=True)
class UnbalancedRow(FileFault):
    """In the first row, net is not gross less fee."""

    by: Decimal = CENT

    needs = (frozenset({"gross", "fee", "net", "currency"}),)

    def edit(self, table: Table) -> None:
        for row in table.rows[:1]:
            add(row, "net", self.by)


@dataclass(frozen=True)
class RepeatedRow(FileFault):
    """The first row comes twice: whole, or only its balance transaction's id, on the row that follows."""

    whole: bool = True

    needs = (frozenset({"balance_transaction_id"}),)

    def edit(self, table: Table) -> None:
        if self.whole and table.rows:
            table.rows.insert(1, dict(table.rows[0]))
        elif len(table.rows) > 1:
            table.rows[1]["balance_transaction_id"] = table.rows[0]["balance_transaction_id"]


@dataclass(frozen=True)
class RowOutside(FileFault):
    """The first row's time lies `days` before what it was, in every column that could decide its interval."""

    days: int = 400

    needs = tuple(frozenset({name + utc}) for name in DECIDING for utc in ("", "_utc"))

    def edit(self, table: Table) -> None:
        for row in table.rows[:1]:
            for (name,) in self.needs:
                if row.get(name):
                    earlier = datetime.fromisoformat(row[name] or "") - timedelta(days=self.days)
                    row[name] = f"{earlier:%Y-%m-%d %H:%M:%S}"


@dataclass(frozen=True)
class WrongClosing(FileFault):
    """In each currency, or the one given, the ending balance is not the start plus activity and payouts."""

    by: Decimal = CENT
    currency: str | None = None

    needs = (_BALANCES,)

    def edit(self, table: Table) -> None:
        for row in table.of("ending_balance"):
            if self.currency in {None, row["currency"]}:
                add(row, "net_amount", self.by)


@dataclass(frozen=True)
class MovedBalances(FileFault):
    """Start and end are both off: consistent within the file, but not with the file before."""

    by: Decimal = CENT

    needs = (_BALANCES,)

    def edit(self, table: Table) -> None:
        for row in table.rows:
            if (row["category"] or "").startswith(("starting_balance", "ending_balance")):
                add(row, "net_amount", self.by)


@dataclass(frozen=True)
class WrongSummary(FileFault):
    """The first line of a summary is not the sum of its items, though its own amounts agree."""

    by: Decimal = CENT

    needs = (_TOTALS,)

    def edit(self, table: Table) -> None:
        for row in table.rows[:1]:
            add(row, "gross", self.by)
            add(row, "net", self.by)


# Odd, but correct


@dataclass(frozen=True)
class DocumentedLines(FileFault):
    """A balance summary has only the lines that are documented: no parts of a movement, no other balance,
    and top-ups among the activity."""

    needs = (_BALANCES,)

    def edit(self, table: Table) -> None:
        named = {"starting_balance", "activity", "payouts", "ending_balance"}
        topups = {row["currency"]: amount(row, "net_amount") for row in table.of("topups")}
        for row in table.of("activity"):
            add(row, "net_amount", topups.get(row["currency"], Decimal(0)))
        table.rows = [row for row in table.rows if row["category"] in named]


@dataclass(frozen=True)
class LineWithoutCurrency(FileFault):
    """A balance summary's rows of one line have no currency."""

    line: str

    needs = (_BALANCES,)

    def edit(self, table: Table) -> None:
        for row in table.rows:
            if (row["category"] or "").startswith(self.line):
                row["currency"] = None


@dataclass(frozen=True)
class PayoutsWithoutCurrency(LineWithoutCurrency):
    """A balance summary's payout rows have no currency."""

    line: str = "payouts"


@dataclass(frozen=True)
class FineAmounts(FileFault):
    """Two rows of one category and currency have `decimals` decimals, which cancel out in every sum."""

    decimals: int = 6

    needs = (_ITEMS | {"reporting_category"},)

    def edit(self, table: Table) -> None:
        first: dict[tuple[str | None, str | None], Row] = {}
        for row in table.rows:
            other = first.setdefault((row["reporting_category"], row["currency"]), row)
            if other is not row:
                for name in ("gross", "net"):
                    add(other, name, Decimal(1).scaleb(-self.decimals))
                    add(row, name, -Decimal(1).scaleb(-self.decimals))
                return


@dataclass(frozen=True)
class ManyCurrencies(FileFault):
    """`count` currencies: the further ones repeat the rows in dollars, with other ids.

    A summary and its items, both changed so, still agree.
    """

    count: int = 20

    needs = (frozenset({"currency"}),)

    def edit(self, table: Table) -> None:
        here = {row["currency"] for row in table.rows}
        two_digits = [code for code in sorted(KNOWN) if digits(code) == 2 and code not in {*here, "eur"}]
        dollars = [row for row in table.rows if row["currency"] == "usd"]
        for code in two_digits[: max(self.count - len(here), 0)]:
            for row in dollars:
                copy: Row = {**row, "currency": code}
                if row.get("balance_transaction_id"):
                    copy["balance_transaction_id"] = f"{row['balance_transaction_id']}{code}"
                table.rows.append(copy)


@dataclass(frozen=True)
class OnlyPayouts(FileFault):
    """Only payouts: no other rows, and a balance that changed by them alone."""

    needs = (_BALANCES, frozenset({"reporting_category"}))

    def edit(self, table: Table) -> None:
        if "reporting_category" in table.header:
            table.rows = [row for row in table.rows if row["reporting_category"] in PAYOUT_CATEGORIES]
            return
        moved: defaultdict[str | None, Decimal] = defaultdict(Decimal)
        for row in [*table.of("activity"), *table.of("topups")]:
            moved[row["currency"]] += amount(row, "net_amount")
        for row in table.rows:
            if (row["category"] or "").startswith(("activity", "topups")):
                row["net_amount"] = printed(Decimal(0), row["currency"] or "usd")
            elif row["category"] == "ending_balance":
                add(row, "net_amount", -moved[row["currency"]])


@dataclass(frozen=True)
class NoRows(FileFault):
    """The header alone."""

    def edit(self, table: Table) -> None:
        table.rows.clear()


# Odd cells


@dataclass(frozen=True)
class TooManyDecimals(FileFault):
    """In the first row, or the first of the currency given, money has one decimal more than its currency.

    Net stays gross less fee.
    """

    currency: str | None = None

    needs = (frozenset({"currency", "gross", "net"}), _BALANCES)

    def edit(self, table: Table) -> None:
        for row in table.rows:
            if row["currency"] and self.currency in {None, row["currency"]}:
                for name in {"gross", "net", "net_amount"} & set(table.header):
                    add(row, name, Decimal(1).scaleb(-digits(row["currency"]) - 1))
                return


@dataclass(frozen=True)
class OddCell(FileFault):
    """The first row has `text` in `column`, by default its first amount of money; None is null."""

    text: str | None = "n/a"
    column: str | None = None

    def suits(self, table: Table) -> bool:
        return bool(table.money) if self.column is None else self.column in table.header

    def edit(self, table: Table) -> None:
        column = table.money[0] if self.column is None else self.column
        for row in table.rows[:1]:
            row[column] = self.text


#: Every kind at least once, by what is wrong.
KINDS: Mapping[str, FileFault] = {
    "added column": AddedColumn(),
    "removed column": RemovedColumn(),
    "net is not gross less fee": UnbalancedRow(),
    "row twice": RepeatedRow(),
    "id twice": RepeatedRow(whole=False),
    "row outside the interval": RowOutside(),
    "wrong closing balance": WrongClosing(),
    "closing is not the next opening": MovedBalances(),
    "summary is not its items": WrongSummary(),
    "documented lines": DocumentedLines(),
    "payouts without a currency": PayoutsWithoutCurrency(),
    "six decimals": FineAmounts(6),
    "eighteen decimals": FineAmounts(18),
    "twenty currencies": ManyCurrencies(20),
    "only payouts": OnlyPayouts(),
    "no rows": NoRows(),
    "too many decimals": TooManyDecimals(),
    "text for a number": OddCell("about ten"),
    "comma for a point": OddCell("12,50"),
    "NA": OddCell("NA"),
    "null": OddCell("null"),
    "no number": OddCell(None),
}


def plant_all(faults: Faults, *, probability: float = 0.05) -> dict[str, ActiveFault]:
    """Add every kind, for any run, each with `probability`; files that do not fit stay as they are."""
    return {
        name: faults.add(replace(kind, lenient=True), "POST", times=None, probability=probability)
        for name, kind in KINDS.items()
    }
