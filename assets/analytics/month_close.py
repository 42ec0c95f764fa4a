"""`month_close`: a month's books of all accounts, made of the days of its reports, and whether they stand.

The numbers are those of `stripe-reports close`; this asset makes them again when a day is restated, and then
says whether the month is still as it was signed off.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import dagster as dg

from assets.analytics.analysis import Content, Row, Verdict, sums
from assets.analytics.asset import Definition, Found
from assets.reports.configured import ConfiguredReport
from assets.reports.partitions import partitions_definition
from assets.resources import StripeReporting
from connector.accounts import AccountLists
from connector.close import Closing, CurrencySheet, Month, Register, SignOff, changes_since, close_month
from connector.close.layout import laid_out
from connector.close.rendering import as_markdown
from connector.close.tables import find_books
from connector.partitions import Windows
from connector.pictures import Picture, Step, draw_waterfall

NAME = "month_close"

CAN_BE_CLOSED, AS_SIGNED = "month_can_be_closed", "month_is_as_signed_off"

_ABOUT = (
    "A month of all accounts: opening, activity, payouts and closing, what differs, and whether it is as it "
    "was signed off. It is `stripe-reports close`, made again whenever a day changes. The picture goes from "
    "the opening to the closing balance."
)

_CHECKS = {
    CAN_BE_CLOSED: "Every day is there, all checks pass, and the sums agree: nothing speaks against closing "
    "the month.",
    AS_SIGNED: "Nothing has changed since the month was signed off.",
}

_COLUMNS = (
    dg.TableColumn("whose", "string", "The account."),
    dg.TableColumn("currency", "string", "Three letters, lower case."),
    dg.TableColumn("opening", "decimal", "The balance at the start of the month."),
    dg.TableColumn("activity", "decimal", "What moved it except payouts and top-ups, after fees."),
    dg.TableColumn("payouts", "decimal", "Negative when money leaves the balance."),
    dg.TableColumn("other", "decimal", "Movements that are none of these, such as top-ups."),
    dg.TableColumn("closing", "decimal", "The balance at the end."),
    dg.TableColumn("in_transit", "decimal", "Paid out, and to reach the bank after the month's last day."),
    dg.TableColumn("fees", "decimal", "What was charged, by the activity."),
)

_AMOUNTS = ("opening", "activity", "payouts", "other", "closing")

#: A sheet of more characters is left to `stripe-reports close`: Dagster stores it for good.
_LONGEST_SHEET = 50_000

#: Months in one run: each reads and checks every file of its days.
_AT_ONCE = 12

#: How many reasons a check gives.
_FEW = 5


@dataclass(frozen=True)
class Monthly:
    """The reports that months are made of, on one calendar.

    Attributes:
        by_payout: those with a file for each payout, which are read and not waited for: any payout might be
            of any month.
    """

    reports: Sequence[ConfiguredReport]
    by_payout: Sequence[ConfiguredReport] = ()

    @property
    def zone(self) -> str:
        """Of all of them."""
        return self.reports[0].query.zone

    @property
    def partitions(self) -> dg.TimeWindowPartitionsDefinition:
        """The whole months that all the reports have."""
        latest = max(self.reports, key=lambda report: report.windows.start)
        return partitions_definition(Windows("monthly", self.zone), latest.start or date.min)


def find_monthly(reports: Sequence[ConfiguredReport]) -> tuple[Monthly | None, str]:
    """The reports that months are made of; without them, what is lacking, as sentences."""
    by_table = {report.query.name: report for report in reports}
    found = find_books([report.query.dataset(mode="", account=None) for report in reports])
    if not found:
        return (
            None,
            "It is made of balance_summary with daily, hourly or monthly windows. Add that to "
            "`reports` in defs.yaml.",
        )
    whole = [books for books in found if not list(books.lacking())]
    if not whole:
        return None, " ".join(found[0].lacking("Add {} to `reports` in defs.yaml."))
    zone = whole[0].balance.zone
    chosen = [
        by_table[dataset.table]
        for books in whole
        if books.balance.zone == zone
        for dataset in books.tables.values()
    ]
    windowed = [report for report in chosen if not report.query.by_payout]
    return Monthly(windowed, [report for report in chosen if report.query.by_payout]), ""


def define_month_close(monthly: Monthly) -> Definition:
    """The asset of these reports."""
    return Definition(
        name=NAME,
        about=_ABOUT,
        reports=monthly.reports,
        partitions=monthly.partitions,
        columns=_COLUMNS,
        checks=_CHECKS,
        at_once=_AT_ONCE,
        find=lambda context, stripe: _find(context, monthly, stripe),
        window="monthly",
    )


def _find(context: dg.AssetExecutionContext, monthly: Monthly, stripe: StripeReporting) -> Found:
    store, mode = stripe.store(), stripe.mode()
    read = [*monthly.reports, *monthly.by_payout]
    datasets = [report.query.dataset(mode=mode, account=stripe.account) for report in read]
    for dataset in datasets:
        store.check(dataset)
    lists = AccountLists(
        {report.query.name: [report.accounts] for report in monthly.reports if report.accounts}
    )
    register = Register(stripe.root, mode)
    contents, pictures = {}, {}
    for key in sorted(context.partition_keys):
        month = Month(date.fromisoformat(key))
        signed = register.signed(month)
        closing = close_month(store, datasets, month, lists, signed=signed)
        if signed:
            signed = signed.about({each.table for each in datasets}, {each.owner for each in closing.sheets})
        contents[key] = describe(closing, signed)
        pictures[key] = draw(closing)
    return Found(contents, pictures)


def describe(closing: Closing, signed: SignOff | None) -> Content:
    """What is recorded of a month."""
    changes = list(changes_since(signed, closing.inputs, closing.sheets)) if signed else []
    rows = [_row(sheet) for sheet in closing.sheets]
    document = laid_out(closing, signed, changes)
    sheet = as_markdown(document)
    shown = {"sheet": dg.MetadataValue.md(sheet)} if len(sheet) <= _LONGEST_SHEET else {}
    return Content(
        rows,
        sums(rows, *_AMOUNTS),
        {
            CAN_BE_CLOSED: _verdict(closing.problems, "Nothing speaks against closing the month."),
            AS_SIGNED: _verdict(changes, "The month is as it was signed off.")
            if signed
            else Verdict("Not applicable: the month is not signed off.", applies=False),
        },
        {"status": document.status, "command": f"stripe-reports close {closing.month}", **shown},
        _version(closing, signed),
    )


def draw(closing: Closing) -> Picture:
    """From the opening to the closing balance, of all accounts."""
    added = sums([_row(sheet) for sheet in closing.sheets], *_AMOUNTS)
    currencies = sorted({currency for _, currency in added})
    return draw_waterfall(
        [step for currency in currencies for step in _steps(currency, added)],
        title=f"From opening to closing balance, {closing.month}",
    )


def _steps(currency: str, added: Mapping[tuple[str, str], Decimal]) -> Iterator[Step]:
    for name in _AMOUNTS:
        amount = added[name, currency]
        if amount or name != "other":
            yield Step(currency, name, amount, is_balance=name in {"opening", "closing"})


def _row(sheet: CurrencySheet) -> Row:
    return {
        "whose": str(sheet.owner),
        "currency": sheet.currency,
        "opening": sheet.opening,
        "activity": sheet.moved("activity"),
        "payouts": sheet.moved("payouts"),
        "other": sheet.other,
        "closing": sheet.closing,
        "in_transit": sheet.in_transit,
        "fees": sheet.fees.ledger,
    }


def _verdict(reasons: Sequence[str], otherwise: str) -> Verdict:
    if not reasons:
        return Verdict(otherwise)
    more = f" And {len(reasons) - _FEW} more." if len(reasons) > _FEW else ""
    return Verdict(" ".join(reasons[:_FEW]) + more, [{"reason": each} for each in reasons])


def _version(closing: Closing, signed: SignOff | None) -> str:
    """Equal as long as the month is made of the same data, and signed off or not."""
    made_of = sorted((each.table, each.key, each.data_version) for each in closing.inputs)
    text = json.dumps([made_of, list(closing.problems), signed is not None])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
