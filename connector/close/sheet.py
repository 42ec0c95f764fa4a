"""The sheet of a month: what the rows of an account's files add up to in one currency, as a value."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Protocol, TypeVar

from connector.catalogue import RowKind
from connector.catalogue.reports.balance import CLOSING, OPENING
from connector.catalogue.signs import OWN_FEES
from connector.close.rows import BalanceLine, CategoryRow, ContentRow, FeeRow, Owner, PayoutRow, Rows
from connector.money import EXACT, money_text, total

ZERO = Decimal(0)

PAYOUT = "payout"


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the balance summary: `gross` and `fee` are None where the file has but their sum.

    A fee lowers the balance, so it is negative here, as the Dashboard has it.
    """

    name: str
    gross: Decimal | None
    fee: Decimal | None
    net: Decimal


@dataclass(frozen=True, slots=True)
class Fees:
    """What Stripe charged, positive, in three ways.

    Attributes:
        ledger: by the activity: the fees of transactions, and transactions that are fees. None where there is
            no activity.
        listed: the amounts of the fee report; None where there is none.
        tax: its tax; None where there is none.
    """

    ledger: Decimal | None
    listed: Decimal | None
    tax: Decimal | None

    @property
    def difference(self) -> Decimal | None:
        """What the ledger has more than the fee report, whose amounts are with tax or without: the nearer of
        the two decides. None where one of them is not there."""
        if self.ledger is None or self.listed is None:
            return None
        ways = [self.listed, EXACT.add(self.listed, self.tax or ZERO)]
        return min((EXACT.subtract(self.ledger, each) for each in ways), key=abs)


@dataclass(frozen=True, slots=True)
class TiedPayout:
    """A payout beside what it was made of. `contents` and `count` are None where no transaction names it: one
    made by hand has none."""

    payout: str
    net: Decimal
    contents: Decimal | None
    count: int | None

    @property
    def difference(self) -> Decimal | None:
        """What the payout has more than its transactions."""
        return None if self.contents is None else EXACT.subtract(self.net, self.contents)


@dataclass(frozen=True, slots=True)
class CurrencySheet:
    """A month of one account in one currency.

    Attributes:
        next_opening: what the month after it opens with; None where that is not there.
        movements: the lines of the balance summary between opening and closing, in the order of the file.
        categories: the activity by reporting category; None where no table has it.
        payouts: payouts and what came back, by category; None where no table has them.
        in_transit: what has left the balance and is to reach the bank after the month's last day; None where
            no table says.
        tied: each payout beside its transactions; None where no table has these.
    """

    owner: Owner
    currency: str
    opening: Decimal
    movements: tuple[Movement, ...]
    closing: Decimal
    next_opening: Decimal | None
    categories: tuple[CategoryRow, ...] | None
    payouts: tuple[CategoryRow, ...] | None
    in_transit: Decimal | None
    fees: Fees
    tied: tuple[TiedPayout, ...] | None

    def moved(self, name: str) -> Decimal:
        """What the line of that name moved; zero where there is none."""
        return total(each.net for each in self.movements if each.name == name)

    @property
    def other(self) -> Decimal:
        """What moved the balance beside activity and payouts, such as top-ups."""
        return total(each.net for each in self.movements if each.name not in {"activity", "payouts"})

    @property
    def unexplained(self) -> Decimal:
        """What the closing has more than the opening and all movements."""
        moved = total([self.opening, *(each.net for each in self.movements)])
        return EXACT.subtract(self.closing, moved)

    @property
    def gap(self) -> Decimal | None:
        """What the next month opens with more than this one closes with; None where it is not there."""
        return None if self.next_opening is None else EXACT.subtract(self.next_opening, self.closing)

    @property
    def activity_difference(self) -> Decimal | None:
        """What the categories amount to more than the balance's activity; None without them.

        Whether a report of activity lists top-ups, which the balance may have apart, differs.
        """
        if self.categories is None:
            return None
        found, led = total(each.net for each in self.categories), self.moved("activity")
        return min((EXACT.subtract(found, each) for each in (led, EXACT.add(led, self.other))), key=abs)

    @property
    def payouts_difference(self) -> Decimal | None:
        """What the payouts amount to more than what the balance paid out; None without them."""
        if self.payouts is None:
            return None
        return EXACT.add(total(each.net for each in self.payouts), self.moved("payouts"))

    @property
    def differing(self) -> tuple[TiedPayout, ...]:
        """The payouts that are not the sum of their transactions."""
        return tuple(each for each in self.tied or () if each.difference)

    @property
    def sums(self) -> dict[str, Decimal]:
        """What is signed: the amounts that people book."""
        return {
            "opening": self.opening,
            "activity": self.moved("activity"),
            "payouts": self.moved("payouts"),
            "other": self.other,
            "closing": self.closing,
        }

    def faults(self) -> Iterator[str]:
        """What does not agree within the sheet, as sentences."""
        checked = (
            ("the closing is {} more than opening and movements", self.unexplained),
            ("the next month opens with {} more than this one closes with", self.gap),
            ("the categories are {} more than the activity of the balance", self.activity_difference),
            ("the payouts are {} more than the balance paid out", self.payouts_difference),
        )
        for text, amount in checked:
            if amount:
                yield f"{self.owner}, {self.currency}: {text.format(money_text(amount, self.currency))}."
        for each in self.differing[:_SHOWN]:
            texts = [money_text(amount or ZERO, self.currency) for amount in (each.net, each.contents)]
            yield (
                f"{self.owner}, {self.currency}: payout {each.payout} is {texts[0]}, and its transactions, "
                f"{each.count:,} in all, are {texts[1]}."
            )
        if (more := len(self.differing) - _SHOWN) > 0:
            yield f"{self.owner}, {self.currency}: {more:,} more payouts differ from their transactions."


#: So many payouts are named.
_SHOWN = 5


class _OfCurrency(Protocol):
    @property
    def owner(self) -> Owner: ...
    @property
    def currency(self) -> str: ...


R = TypeVar("R", bound=_OfCurrency)


def sheets(rows: Rows, last: date) -> tuple[CurrencySheet, ...]:
    """One sheet for each account and currency that any row is about, in that order.

    Args:
        last: the month's last day.
    """
    tables = (rows.balance, rows.activity, rows.payouts, rows.contents, rows.fees)
    keys = {(each.owner, each.currency) for table in tables for each in table or ()}
    keys |= {
        (owner, currency)
        for owner, opening in (rows.next_opening or {}).items()
        for currency, amount in opening.items()
        if amount
    }
    return tuple(_sheet(rows, owner, currency, last) for owner, currency in sorted(keys))


def _sheet(rows: Rows, owner: Owner, currency: str, last: date) -> CurrencySheet:
    def own(table: Sequence[R] | None) -> list[R] | None:
        if table is None:
            return None
        return [each for each in table if (each.owner, each.currency) == (owner, currency)]

    lines, payouts, activity = own(rows.balance) or [], own(rows.payouts), own(rows.activity)
    periods = sorted({each.period for each in rows.balance if each.owner == owner})
    ends = {(each.period, each.category): each.amount for each in _added_up(lines)}
    opening, closing = (
        ends.get((periods[at], category), ZERO) if periods else ZERO
        for at, category in ((0, OPENING), (-1, CLOSING))
    )
    following = None if rows.next_opening is None else rows.next_opening.get(owner)
    return CurrencySheet(
        owner=owner,
        currency=currency,
        opening=opening,
        movements=tuple(_movements(lines)),
        closing=closing,
        next_opening=None if following is None else following.get(currency, ZERO),
        categories=None if activity is None else tuple(_by_category(activity)),
        payouts=None if payouts is None else tuple(_by_category(map(_as_category, payouts))),
        in_transit=_in_transit(payouts, last) if rows.arrivals else None,
        fees=_fees(activity, own(rows.fees)),
        tied=_tied(payouts, own(rows.contents)),
    )


def _added_up(lines: Iterable[BalanceLine]) -> Iterator[BalanceLine]:
    """Lines of one name in one period as one."""
    found: dict[tuple[str, str], BalanceLine] = {}
    for each in lines:
        key = each.period, each.category
        amount = EXACT.add(found[key].amount, each.amount) if key in found else each.amount
        found[key] = replace(each, amount=amount)
    yield from found.values()


def _movements(lines: Iterable[BalanceLine]) -> Iterator[Movement]:
    moved: dict[str, dict[str, Decimal]] = {}
    for each in lines:
        if each.kind == RowKind.MOVEMENT.value:
            parts = moved.setdefault(each.whole, {})
            part = each.category.removeprefix(each.whole)
            parts[part] = EXACT.add(parts.get(part, ZERO), each.amount)
    # A line that one file has in parts and another has as a whole is known as a whole alone.
    for name in sorted(moved, key=lambda each: (each == "payouts", each != "activity", each)):
        parts, split = moved[name], set(moved[name]) <= {"_gross", "_fee"}
        gross, fee = (parts.get(part, ZERO) if split else None for part in ("_gross", "_fee"))
        yield Movement(name, gross, fee, total(parts.values()))


def _by_category(rows: Iterable[CategoryRow]) -> Iterator[CategoryRow]:
    found: dict[str, CategoryRow] = {}
    for each in rows:
        before = found.get(each.category)
        found[each.category] = each if before is None else _joined(before, each)
    yield from sorted(found.values(), key=lambda each: each.category)


def _joined(one: CategoryRow, two: CategoryRow) -> CategoryRow:
    counted = None if one.count is None or two.count is None else one.count + two.count
    return replace(
        one,
        count=counted,
        gross=EXACT.add(one.gross, two.gross),
        fee=EXACT.add(one.fee, two.fee),
        net=EXACT.add(one.net, two.net),
    )


def _as_category(row: PayoutRow) -> CategoryRow:
    return CategoryRow(row.owner, row.currency, row.category, 1, row.gross, row.fee, row.net)


def _in_transit(payouts: Iterable[PayoutRow] | None, last: date) -> Decimal | None:
    if payouts is None:
        return None
    return total(
        each.net for each in payouts if each.category == PAYOUT and each.arrival and each.arrival > last
    )


def _fees(activity: Iterable[CategoryRow] | None, listed: Sequence[FeeRow] | None) -> Fees:
    ledger = None
    if activity is not None:
        charged = [
            EXACT.subtract(each.fee, each.gross) if each.category in OWN_FEES else each.fee
            for each in activity
        ]
        ledger = total(charged)
    if listed is None:
        return Fees(ledger, None, None)
    return Fees(ledger, total(each.amount for each in listed), total(each.tax for each in listed))


def _tied(
    payouts: Iterable[PayoutRow] | None, contents: Iterable[ContentRow] | None
) -> tuple[TiedPayout, ...] | None:
    if payouts is None or contents is None:
        return None
    paid: dict[str, list[Decimal]] = {}
    for row in payouts:
        if row.category == PAYOUT:
            paid.setdefault(row.payout, []).append(row.net)
    made: dict[str, list[ContentRow]] = {}
    for each in contents:
        made.setdefault(each.payout, []).append(each)
    return tuple(_beside(payout, total(amounts), made.get(payout)) for payout, amounts in paid.items())


def _beside(payout: str, net: Decimal, rows: Sequence[ContentRow] | None) -> TiedPayout:
    if rows is None:
        return TiedPayout(payout, net, None, None)
    return TiedPayout(payout, net, total(each.net for each in rows), sum(each.count for each in rows))
