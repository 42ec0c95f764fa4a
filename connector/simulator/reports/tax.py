"""Tax on the sales of the ledger: one line for each sale, one with the opposite sign for each refund.

The tax is a part of what the buyer paid, so `total` is the entry's gross, and `subtotal` and `tax_amount` add
up to it. Neither the default columns nor the text of a rate are documented; here a rate of 19 % is 0.19, and
exchange rates have the sixteen decimals seen in real data. Nor are the values of an export's filters: they
are those of the columns here.

Source: https://docs.stripe.com/reports/report-types/tax, https://docs.stripe.com/tax/reports
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.simulator.books.currencies import EXACT, digits, printed
from connector.simulator.books.entries import Entry
from connector.simulator.books.people import buyer
from connector.simulator.reports.columns import METADATA, Books, Reader, stamp
from connector.simulator.reports.columns import reader as entry_reader
from connector.simulator.reports.selections import Parameters, activity


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """Where a sale is taxed, at which rate, and in which currency that is filed.

    `exchange` holds the rate from each settlement currency, one where it is the same.
    """

    country: str
    state: str | None
    level: str
    name: str
    tax: str
    rate: Decimal
    filing: str

    @property
    def kind(self) -> str | None:
        """The tax as a code."""
        return {"VAT": "vat", "Sales tax": "sales_tax", "Consumption tax": "jct"}.get(self.tax)

    @property
    def key(self) -> str:
        return "-".join(filter(None, (self.country, self.state))).lower()

    def exchange(self, currency: str) -> Decimal:
        if currency == self.filing:
            return Decimal(1)
        return (_IN_DOLLARS[currency] / _IN_DOLLARS[self.filing]).quantize(Decimal(1).scaleb(-16))


_IN_DOLLARS = {
    "usd": Decimal(1),
    "eur": Decimal("1.0833"),
    "jpy": Decimal("0.0067"),
    "kwd": Decimal("3.2511"),
    "nad": Decimal("0.0543"),
}
_AT_HOME = Jurisdiction("US", "CA", "state", "California", "Sales tax", Decimal("0.08625"), "usd")
_JURISDICTIONS = {
    "US": _AT_HOME,
    "DE": Jurisdiction("DE", None, "country", "Germany", "VAT", Decimal("0.19"), "eur"),
    "FR": Jurisdiction("FR", None, "country", "France", "VAT", Decimal("0.2"), "eur"),
    "JP": Jurisdiction("JP", None, "country", "Japan", "Consumption tax", Decimal("0.1"), "jpy"),
    "NA": Jurisdiction("NA", None, "country", "Namibia", "VAT", Decimal("0.15"), "nad"),
    "KW": Jurisdiction("KW", None, "country", "Kuwait", "None", Decimal(0), "kwd"),
}


@dataclass(frozen=True, slots=True)
class TaxLine:
    """The tax on one sale or refund. Money in the entry's currency; a refund's is negative."""

    jurisdiction: Jurisdiction
    total: Decimal
    tax: Decimal
    currency: str

    @property
    def subtotal(self) -> Decimal:
        return EXACT.subtract(self.total, self.tax)

    @property
    def taxable(self) -> Decimal:
        return self.subtotal if self.jurisdiction.rate else Decimal(0)

    @property
    def non_taxable(self) -> Decimal:
        return EXACT.subtract(self.subtotal, self.taxable)

    def filed(self, amount: Decimal) -> Decimal:
        """`amount` in the currency of the filing, in whole minor units."""
        filing = self.jurisdiction.filing
        rate = self.jurisdiction.exchange(self.currency)
        return EXACT.multiply(amount, rate).quantize(Decimal(1).scaleb(-digits(filing)))


def taxed(books: Books, parameters: Parameters) -> Iterator[Entry]:
    """Sales and refunds of the interval, as far as an export's filters leave them."""
    filters = {name: value for name, value in parameters.items() if name in _FILTERS}
    return (
        entry
        for entry in activity(books, parameters)
        if entry.sale is not None
        and entry.category in {"charge", "refund"}
        and all(_FILTERS[name](entry, books) in _listed(value) for name, value in filters.items())
    )


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def line(entry: Entry, books: Books) -> TaxLine:
    """The tax included in `entry`."""
    country = buyer(books.seed, entry.sale).address.country if entry.sale else None
    where = _JURISDICTIONS.get(country or "", _AT_HOME)
    smallest = Decimal(1).scaleb(-digits(entry.currency))
    tax = (entry.gross * where.rate / (1 + where.rate)).quantize(smallest)
    return TaxLine(where, entry.gross, tax, entry.currency)


def reader(column: str) -> Reader:
    """How `column` of a tax report is read from a sale or a refund.

    Raises:
        KeyError: tax reports do not have this column.
    """
    return entry_reader(column) if METADATA.fullmatch(column) or column in _SHARED else _READERS[column]


def export_reader(column: str) -> Reader:
    """How `column` of the itemized export is read from a sale or a refund.

    Raises:
        KeyError: the export does not have this column.
    """
    return _EXPORT_READERS.get(column) or reader(column)


def summarized(accounts: Sequence[Books], parameters: Parameters) -> Iterator[list[str | None]]:
    """One row for each jurisdiction and currency: sales, refunds, tax."""
    sums: dict[tuple[Jurisdiction, str], list[TaxLine]] = {}
    for books in accounts:
        for entry in taxed(books, parameters):
            found = line(entry, books)
            sums.setdefault((found.jurisdiction, found.currency), []).append(found)
    for (where, currency), lines in sorted(sums.items(), key=lambda item: (item[0][0].country, item[0][1])):
        cells = _summary_cells(where, currency, lines)
        for edge, second in (("start", parameters["interval_start"]), ("end", parameters["interval_end"])):
            cells[f"transaction_date_{edge}"] = stamp(second, accounts[0].zone)
            cells[f"transaction_date_{edge}_utc"] = stamp(second)
        yield [cells[column] for column in parameters["columns"]]


def _summary_cells(where: Jurisdiction, currency: str, lines: list[TaxLine]) -> dict[str, str | None]:
    sold = [found for found in lines if found.total > 0]
    returned = [found for found in lines if found.total <= 0]

    def both(name: str, pick: Callable[[TaxLine], Decimal], some: list[TaxLine]) -> dict[str, str]:
        own, filed = sum(map(pick, some), Decimal(0)), sum((f.filed(pick(f)) for f in some), Decimal(0))
        return {name: printed(own, currency), f"filing_{name}": printed(filed, where.filing)}

    payable = sum((found.filed(found.tax) for found in lines), Decimal(0))
    return {
        "country_code": where.country,
        "state_code": where.state,
        "jurisdiction_level": where.level,
        "jurisdiction_name": where.name,
        "tax_rate": f"{where.rate:f}",
        "transaction_currency": currency,
        "filing_currency": where.filing,
        "filing_tax_payable": printed(payable, where.filing),
        "total": printed(sum((found.total for found in lines), Decimal(0)), currency),
        **both("total_sales", lambda found: found.subtotal, sold),
        **both("total_taxable_sales", lambda found: found.taxable, sold),
        **both("total_nontaxable_sales", lambda found: found.non_taxable, sold),
        **both("total_tax_collected", lambda found: found.tax, sold),
        **both("total_sales_refunded", lambda found: found.subtotal, returned),
        **both("total_tax_refunded", lambda found: found.tax, returned),
        **both("total_taxable_refunded", lambda found: found.taxable, returned),
    }


def _of_line(pick: Callable[[TaxLine], str | None]) -> Reader:
    return lambda entry, books: pick(line(entry, books))


def _money(name: str, pick: Callable[[TaxLine], Decimal]) -> dict[str, Reader]:
    """An amount in the currency of the sale, and the same as filed."""
    return {
        name: _of_line(lambda found: printed(pick(found), found.currency)),
        f"filing_{name}": _of_line(
            lambda found: printed(found.filed(pick(found)), found.jurisdiction.filing)
        ),
    }


def _tax_ids(entry: Entry, books: Books) -> str | None:
    """A list in one cell, for the few buyers with a tax id."""
    where = line(entry, books).jurisdiction
    if where.tax != "VAT" or not entry.sale or not entry.sale.token[-1].isdigit():
        return None
    return json.dumps([{"type": "eu_vat", "value": f"{where.country}123456789"}])


def _address(part: str) -> Reader:
    def read(entry: Entry, books: Books) -> str | None:
        value: str | None = getattr(buyer(books.seed, entry.sale).address, part) if entry.sale else None
        return value

    return read


_SHARED = frozenset({"connected_account", "currency"})
_READERS: dict[str, Reader] = {
    "id": lambda entry, _: f"taxtxn_1{entry.id[5:]}",
    "line_item_id": lambda entry, _: f"tax_li_{entry.id[5:]}",
    "type": lambda entry, _: "reversal" if entry.category == "refund" else "transaction",
    "transaction_date": lambda entry, books: stamp(entry.created, books.zone),
    "tax_date": lambda entry, books: stamp(entry.created, books.zone),
    "quantity": lambda _, __: "1",
    "quantity_decimal": lambda _, __: "1.000000000000",
    "customer_tax_id": _tax_ids,
    "tax_code": lambda _, __: "txcd_99999999",
    "tax_name": _of_line(lambda found: found.jurisdiction.tax),
    "tax_rate": _of_line(lambda found: f"{found.jurisdiction.rate:f}"),
    "taxability": _of_line(lambda found: "taxable" if found.jurisdiction.rate else "non_taxable"),
    "taxability_reason": _of_line(
        lambda found: "standard_rated" if found.jurisdiction.rate else "not_subject_to_tax"
    ),
    "country_code": _of_line(lambda found: found.jurisdiction.country),
    "state_code": _of_line(lambda found: found.jurisdiction.state),
    "jurisdiction_level": _of_line(lambda found: found.jurisdiction.level),
    "jurisdiction_name": _of_line(lambda found: found.jurisdiction.name),
    "destination_resolved_address_state": _address("state"),
    "destination_resolved_address_country": _address("country"),
    "origin_resolved_address_state": lambda _, __: "CA",
    "origin_resolved_address_country": lambda _, __: "US",
    "filing_currency": _of_line(lambda found: found.jurisdiction.filing),
    "filing_exchange_rate": _of_line(lambda found: f"{found.jurisdiction.exchange(found.currency):f}"),
    "subtotal": _of_line(lambda found: printed(found.subtotal, found.currency)),
    **_money("total", lambda found: found.total),
    **_money("tax_amount", lambda found: found.tax),
    **_money("taxable_amount", lambda found: found.taxable),
    **_money("non_taxable_amount", lambda found: found.non_taxable),
}


def _kind_of_object(entry: Entry, _: Books) -> str:
    return "refund" if entry.category == "refund" else "checkout"


_EXPORT_READERS: dict[str, Reader] = {
    "id": lambda entry, _: entry.source_id if entry.category == "refund" else f"cs_live_{entry.id[5:]}",
    "tax_transaction_id": lambda entry, _: f"tax_1{entry.id[5:]}",
    "reversal_original_tax_transaction_id": lambda entry, _: (
        f"tax_1{entry.sale.token}" if entry.sale and entry.category == "refund" else ""
    ),
    "type": _kind_of_object,
    "transaction_type": _READERS["type"],
    "provider": lambda _, __: "stripe",
    "applied_tax_calculation_type": lambda _, __: "automatic",
    "payment_intent_id": lambda entry, _: entry.sale.payment_intent_id if entry.sale else None,
    "tax_type": _of_line(lambda found: found.jurisdiction.kind),
}

_EU = frozenset({"DE", "FR"})
#: What each filter of an export compares with its value, or its values.
_FILTERS: dict[str, Reader] = {
    "country": _READERS["country_code"],
    "states": _READERS["state_code"],
    "taxable": _of_line(lambda found: "true" if found.jurisdiction.rate else "false"),
    "is_eu_vat_moss": _of_line(lambda found: "true" if found.jurisdiction.country in _EU else "false"),
    "tax_type": _EXPORT_READERS["tax_type"],
    "jurisdiction_key": _of_line(lambda found: found.jurisdiction.key),
    "type": _kind_of_object,
    "currency": lambda entry, _: entry.currency,
}
