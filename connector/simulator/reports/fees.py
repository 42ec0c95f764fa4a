"""Every fee that was charged, line by line, from the same ledger as the balance; a platform's as well.

A line is a balance transaction's `fee`, or the amount of one of Stripe's own fee rows; amount and tax of all
lines add up to these, exactly. One fee may be charged in equal parts: identical lines are all real, and each
one counts. Fees in euros include tax, in millionths, unless the tax is a transaction of its own: that has a
line with nothing but tax.

Live mode only. No page of Stripe's about these reports was read: the columns are those that public code
requests.

Source: https://github.com/wikimedia/wikimedia-fundraising-SmashPig (PaymentProviders/Stripe)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.simulator.books.currencies import EXACT, printed
from connector.simulator.books.entries import DAY, Entry
from connector.simulator.reports.columns import Books, stamp
from connector.simulator.reports.selections import Parameters, activity

#: Categories whose rows are fees themselves, as a negative gross.
OWN_FEES = frozenset({"fee", "network_cost"})

_TAX = Decimal("0.19")


@dataclass(frozen=True, slots=True)
class FeeLine:
    """One line. `amount` is without `tax`; both are positive when charged."""

    entry: Entry
    amount: Decimal
    tax: Decimal
    suite: str
    product: str
    feature: str

    @property
    def incurred_at(self) -> int:
        """Stripe's own rows settle what was used on the day before."""
        return self.entry.created - (DAY if self.entry.category in OWN_FEES else 0)


def lines(entry: Entry) -> Iterator[FeeLine]:
    """The fees in one balance transaction; none in most that are not sales."""
    own = entry.category in OWN_FEES
    charged = EXACT.subtract(entry.fee, entry.gross) if own else entry.fee
    if not charged:
        return
    screened = own and "per screened payment" in (entry.description or "")
    suite, product, feature = _product(entry, screened=screened)
    parts = 2 if screened else 1
    for _ in range(parts):
        part = EXACT.divide(charged, Decimal(parts))
        tax = entry.tax or Decimal(0)
        if entry.currency == "eur" and entry.tax is None and entry.dealing is None:
            tax = (part * _TAX / (1 + _TAX)).quantize(Decimal("0.000001"))
        yield FeeLine(entry, EXACT.subtract(part, tax), tax, suite, product, feature)


def _product(entry: Entry, *, screened: bool) -> tuple[str, str, str]:
    if entry.dealing:
        return "Payments", "Connect", "Application fees"
    if screened:
        return "Payments", "Radar", "Screened payments"
    if entry.category == "network_cost":
        return "Payments", "Network costs", entry.description or "Network costs"
    if entry.category == "fee":
        return "Revenue and finance automation", "Billing", "Usage"
    if entry.category in {"dispute", "dispute_reversal"}:
        return "Payments", "Disputes", "Dispute received"
    return "Payments", "Payments", "Card payments"


def _found(books: Books, parameters: Parameters) -> Iterator[FeeLine]:
    """Lines of the interval, by the second the balance moved."""
    for entry in activity(books, parameters):
        if parameters.get("currency") in {None, entry.currency}:
            yield from lines(entry)


def itemized(accounts: Sequence[Books], parameters: Parameters) -> Iterator[list[str | None]]:
    """One row for each line."""
    for books in accounts:
        for line in _found(books, parameters):
            cells = _cells(line, books)
            yield [cells[column] for column in parameters["columns"]]


def _cells(line: FeeLine, books: Books) -> dict[str, str | None]:
    entry = line.entry
    booked, own = stamp(entry.created, books.zone), entry.category in OWN_FEES
    return {
        "balance_transaction_created": booked,
        "balance_transaction_id": entry.id,
        # A fee in a sale has no transaction of its own: an empty text, and the beginning of time.
        "fee_transaction_created": booked if own else "1970-01-01 00:00:00",
        "fee_transaction_id": f"ftxn_1{entry.id[5:]}" if own else "",
        "incurred_at": stamp(line.incurred_at, books.zone),
        "incurred_by": entry.source_id,
        "incurred_by_type": "account" if entry.category in OWN_FEES else entry.category,
        "fee_description": entry.description,
        "amount": printed(line.amount, entry.currency),
        "tax": printed(line.tax, entry.currency),
        "currency": entry.currency,
        "suite": line.suite,
        "product": line.product,
        "feature_name": line.feature,
        "pricing_tier": None,
        "settled_at": booked,
        "settled_via": "balance",
        "fee_category": _fee_category(entry),
    }


def _fee_category(entry: Entry) -> str:
    if entry.dealing:
        return "application_fee"
    return "network_cost" if entry.category == "network_cost" else "stripe_fee"


def summary(accounts: Sequence[Books], parameters: Parameters) -> Iterator[list[str | None]]:
    """One row for each product, feature and currency."""
    sums: dict[tuple[str, str, str, str], tuple[Decimal, Decimal]] = {}
    for books in accounts:
        for line in _found(books, parameters):
            key = (line.suite, line.product, line.feature, line.entry.currency)
            amount, tax = sums.get(key, (Decimal(0), Decimal(0)))
            sums[key] = EXACT.add(amount, line.amount), EXACT.add(tax, line.tax)
    for (suite, product, feature, currency), (amount, tax) in sorted(sums.items()):
        cells = {
            "suite": suite,
            "product": product,
            "feature_name": feature,
            "feature_description": f"{feature} ({product})",
            # To eighteen decimals, whatever the currency.
            "amount": f"{amount:.18f}",
            "tax": f"{tax:.18f}",
            "currency": currency,
        }
        yield [cells[column] for column in parameters["columns"]]
