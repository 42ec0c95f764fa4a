"""The report types that Stripe's pages document, as data: a new type is a new entry.

Versions of a report differ in columns and parameters only. Default columns and their order are as Stripe's
own list gave them to an account in December 2021; types it did not have follow their siblings.

Source: https://docs.stripe.com/reports/report-types/balance,
https://docs.stripe.com/reports/report-types/payouts,
https://docs.stripe.com/reports/report-types/payout-reconciliation,
https://docs.stripe.com/reports/report-types/connect, https://docs.stripe.com/reports/report-types/tax,
https://docs.stripe.com/reports/report-types/financial-accounts (parameters; the columns are those that a
program reads of one's own account), https://docs.stripe.com/tax/reports (the columns of the tax summary)
"""

from collections.abc import Collection, Iterator, Mapping

from connector.simulator.report_types import column_sets
from connector.simulator.report_types.column_sets import Versions
from connector.simulator.report_types.report_type import ReportType
from connector.simulator.reports import connect_overview as overview
from connector.simulator.reports import financial_accounts, selections, tax
from connector.simulator.reports import rows as reports
from connector.simulator.reports.selections import Selection

# Parameters

INTERVAL, END, PAYOUT = ("interval_start", "interval_end"), ("interval_end",), ("payout",)
_ONE_ACCOUNTS_PAYOUT = ("connected_account", "payout")
_ACCOUNT = ("connected_account",)
_ACCOUNTS = ("connected_account", "connected_accounts")

#: Of versions that lack a parameter of the others: the parameter, and the versions.
_Lacks = Mapping[str, Collection[int]]

_BY_PAYOUT = ("automatic_payout_id", "automatic_payout_effective_at")
#: The versions that begin with them unless columns are named.
_PAYOUT_FIRST = {("payout_reconciliation", 5), ("ending_balance_reconciliation", 4)}
_TAX_DEFAULTS = tuple(name for name in column_sets.TAX if "[" not in name)
_CONNECTED = "connected_account_"


def default_columns(stem: str, version: int, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of a run that requests none; in local times where there are any."""
    suffix = "" if "created" in columns or "effective_at" in columns else "_utc"
    last = _ACCOUNT if stem.startswith(_CONNECTED) else ()
    if "payout_id" in columns:
        more = ("payout_reversed_at", "payout_type", "payout_description", "payout_destination_id")
        return (
            "payout_id", f"effective_at{suffix}", *column_sets.AMOUNTS, "reporting_category",
            "balance_transaction_id", "description", "payout_expected_arrival_date", "payout_status",
            *(more if version == 1 else ()), *last,
        )  # fmt: skip
    transaction = (
        "balance_transaction_id", f"created{suffix}", f"available_on{suffix}", *column_sets.AMOUNTS,
        "reporting_category",
    )  # fmt: skip
    if version == 1:
        facing = ("customer_facing_amount", "customer_facing_currency")
        return (*transaction, "source_id", "description", *facing, *_BY_PAYOUT, "charge_id", *last)
    name = stem.removeprefix(_CONNECTED)
    first = _BY_PAYOUT if (name, version) in _PAYOUT_FIRST else ()
    return (*first, *transaction, "description", *last)


def _family(
    stem: str,
    name: str,
    versions: Versions,
    select: Selection,
    *,
    required: tuple[str, ...] = INTERVAL,
    account: tuple[str, ...] = (),
    lacks: _Lacks | None = None,
) -> Iterator[ReportType]:
    """The versions with one row for each balance transaction, and the summary by category and currency.

    An itemized version takes a `timezone` if it has local times. `account` are the parameters that choose
    among connected accounts.
    """
    of_one = "payout" in required
    filters = ("reporting_category", "decimal_separator", "columns", *(() if of_one else ("currency",)))
    for version, columns in versions.items():
        local = ("timezone",) if {"created", "effective_at"} & set(columns) else ()
        optional = (*filters, *account, *local)
        yield ReportType(
            id=f"{stem}.itemized.{version}",
            name=_titled(stem, f"itemized {name}"),
            columns=columns,
            default_columns=default_columns(stem, version, columns),
            rows=reports.itemized(select),
            required=required,
            optional=tuple(each for each in optional if version not in (lacks or {}).get(each, ())),
        )
    yield ReportType(
        id=f"{stem}.summary.1",
        name=_titled(stem, name),
        columns=column_sets.SUMMARY,
        default_columns=column_sets.SUMMARY,
        rows=reports.summary(select),
        required=required,
        optional=("columns",) if of_one else ("currency", "timezone", "columns", *account),
    )


def _titled(id: str, name: str) -> str:
    return f"Connected accounts: {name}" if id.startswith(_CONNECTED) else name.capitalize()


#: About the caller's own account.
OWN_TYPES = (
    ReportType(
        id="balance.summary.1",
        name="Balance summary",
        columns=column_sets.BALANCE,
        default_columns=column_sets.BALANCE,
        rows=reports.balance_summary,
    ),
    *_family(
        "balance_change_from_activity",
        "balance change from activity",
        column_sets.ACTIVITY,
        selections.activity,
    ),
    *_family("payouts", "payouts", column_sets.PAYOUTS, selections.payouts),
    *_family(
        "payout_reconciliation",
        "payout reconciliation",
        column_sets.RECONCILIATION,
        selections.paid_out,
    ),
    *_family(
        "payout_reconciliation.by_id",
        "reconciliation of one payout",
        column_sets.BY_ID,
        selections.one_payout,
        required=PAYOUT,
    ),
    *_family(
        "ending_balance_reconciliation",
        "reconciliation of the ending balance",
        column_sets.ENDING,
        selections.ending_balance,
        required=END,
        lacks={"decimal_separator": (1, 2, 3)},
    ),
    ReportType(
        id="tax.transactions.itemized.2",
        name="Itemized tax transactions",
        columns=column_sets.TAX,
        default_columns=_TAX_DEFAULTS,
        rows=reports.itemized(tax.taxed, tax.reader),
        optional=("timezone", "decimal_separator", "columns"),
    ),
    ReportType(
        id="tax.itemized_export.1",
        name="Itemized tax export",
        columns=column_sets.TAX_EXPORT,
        default_columns=column_sets.TAX_EXPORT,
        rows=reports.itemized(tax.taxed, tax.export_reader),
        optional=(
            "timezone", "decimal_separator", "country", "states", "taxable", "is_eu_vat_moss", "tax_type",
            "jurisdiction_key", "type", "columns",
        ),
    ),
    ReportType(
        id="tax.summarized_export.1",
        name="Tax by jurisdiction",
        columns=column_sets.TAX_SUM,
        default_columns=column_sets.TAX_SUM,
        rows=tax.summarized,
        optional=("currency", "timezone", "decimal_separator", "type", "country", "states", "columns"),
    ),
)  # fmt: skip

#: About the accounts connected to the caller's.
CONNECTED_TYPES = (
    ReportType(
        id="connected_account_balance.summary.1",
        name=_titled(_CONNECTED, "balance summary"),
        columns=column_sets.BALANCE,
        default_columns=column_sets.BALANCE,
        rows=reports.balance_summary,
        optional=("timezone", "currency", "columns", *_ACCOUNT),
    ),
    *_family(
        "connected_account_balance_change_from_activity",
        "balance change from activity",
        column_sets.CONNECTED_ACTIVITY,
        selections.activity,
        account=_ACCOUNTS,
        lacks={"connected_accounts": (1,)},
    ),
    *_family(
        "connected_account_payouts",
        "payouts",
        column_sets.CONNECTED_PAYOUTS,
        selections.payouts,
        account=_ACCOUNT,
    ),
    *_family(
        "connected_account_payout_reconciliation",
        "payout reconciliation",
        column_sets.CONNECTED_RECONCILIATION,
        selections.paid_out,
        account=_ACCOUNT,
    ),
    *_family(
        "connected_account_payout_reconciliation.by_id",
        "reconciliation of one payout",
        column_sets.CONNECTED_BY_ID,
        selections.one_payout,
        required=_ONE_ACCOUNTS_PAYOUT,
    ),
    *_family(
        "connected_account_ending_balance_reconciliation",
        "reconciliation of the ending balance",
        column_sets.CONNECTED_ENDING,
        selections.ending_balance,
        required=END,
        account=_ACCOUNT,
    ),
    ReportType(
        id="connected_account_tax.transactions.itemized.2",
        name=_titled(_CONNECTED, "itemized tax transactions"),
        columns=(*column_sets.TAX, "connected_account"),
        default_columns=_TAX_DEFAULTS,
        rows=reports.itemized(tax.taxed, tax.reader),
        optional=("timezone", "decimal_separator", "columns", *_ACCOUNT),
    ),
    ReportType(
        id="connect.negative_balance_refunds_disputes_overview.1",
        name=_titled(_CONNECTED, "negative balances, refunds and disputes"),
        columns=tuple(sorted(column_sets.OVERVIEW)),
        default_columns=None,
        rows=overview.overview,
        required=END,
        optional=(),
    ),
    *(
        ReportType(
            id=f"connected_account_financial_account_{stem}.1",
            name=_titled(_CONNECTED, name),
            columns=(*columns, "connected_account"),
            default_columns=(*columns, "connected_account"),
            rows=rows,
            optional=("timezone", "decimal_separator", *_ACCOUNTS, "columns"),
        )
        for stem, name, columns, rows in (
            (
                "balance_change_from_activity.itemized",
                "itemized activity of the financial account",
                column_sets.FINANCIAL_ITEMS,
                financial_accounts.itemized,
            ),
            (
                "balance_change_from_activity.summary",
                "activity of the financial account",
                column_sets.FINANCIAL_SUMS,
                financial_accounts.summary,
            ),
            (
                "balance.summary",
                "balance of the financial account",
                column_sets.FINANCIAL_BALANCE,
                financial_accounts.balance,
            ),
        )
    ),
)

DOCUMENTED_TYPES = (*OWN_TYPES, *CONNECTED_TYPES)
