"""The report types that Stripe's pages document, as data: a new type is a new entry.

Versions of a report differ in columns and parameters only. Where a page does not state the default columns, a
version has those of its siblings. Whether `connected_account` is a default column is not known; here it is
not one, so that it must be requested.

Source: https://docs.stripe.com/reports/report-types/balance,
https://docs.stripe.com/reports/report-types/payouts,
https://docs.stripe.com/reports/report-types/payout-reconciliation,
https://docs.stripe.com/reports/report-types/connect, https://docs.stripe.com/reports/report-types/tax
"""

from connector.simulator.report_types import column_sets
from connector.simulator.report_types.report_type import ReportType
from connector.simulator.reports import connect_overview as overview
from connector.simulator.reports import rows as reports
from connector.simulator.reports import selections, tax
from connector.simulator.reports.selections import Selection

# Parameters

INTERVAL, END, PAYOUT = ("interval_start", "interval_end"), ("interval_end",), ("payout",)
_ONE_ACCOUNTS_PAYOUT = ("connected_account", "payout")
_FILTERS = ("currency", "reporting_category", "decimal_separator", "columns")
_ACCOUNT = ("connected_account",)
_ACCOUNTS = ("connected_account", "connected_accounts")


def default_columns(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of a run that requests none; in local times where there are any."""
    suffix = "" if "created" in columns or "effective_at" in columns else "_utc"
    money = (*column_sets.AMOUNTS, "reporting_category", "description")
    if "payout_id" in columns:
        arrival = ("payout_expected_arrival_date", "payout_status")
        return ("balance_transaction_id", "payout_id", f"effective_at{suffix}", *arrival, *money)
    return ("balance_transaction_id", f"created{suffix}", f"available_on{suffix}", *money)


def listing(
    id: str,
    name: str,
    columns: tuple[str, ...],
    select: Selection,
    *,
    required: tuple[str, ...] = INTERVAL,
    optional: tuple[str, ...] = _FILTERS,
    first: tuple[str, ...] = (),
) -> ReportType:
    """A report with one row for each balance transaction. `first` precede the usual default columns.

    It takes a `timezone` if it has local times.
    """
    local = ("timezone",) if {"created", "effective_at"} & set(columns) else ()
    return ReportType(
        id=id,
        name=name,
        version=int(id.rpartition(".")[2]),
        columns=tuple(sorted(columns)),
        default_columns=(*first, *default_columns(columns)),
        rows=reports.itemized(select),
        required=required,
        optional=(*optional, *local),
        connected=id.startswith("connected_account_"),
    )


def totals(
    id: str,
    name: str,
    select: Selection,
    *,
    required: tuple[str, ...] = INTERVAL,
    optional: tuple[str, ...] = ("currency", "timezone", "columns"),
) -> ReportType:
    """A report with one row for each category and currency."""
    return ReportType(
        id=id,
        name=name,
        version=int(id.rpartition(".")[2]),
        columns=tuple(sorted(column_sets.SUMMARY)),
        default_columns=column_sets.SUMMARY,
        rows=reports.summary(select),
        required=required,
        optional=optional,
        connected=id.startswith("connected_account_"),
    )


BALANCE_SUMMARY = ReportType(
    id="balance.summary.1",
    name="Balance summary",
    version=1,
    columns=tuple(sorted(column_sets.BALANCE)),
    default_columns=column_sets.BALANCE,
    rows=reports.balance_summary,
)
BALANCE_CHANGE_ITEMIZED = listing(
    "balance_change_from_activity.itemized.3",
    "Itemized balance change from activity",
    column_sets.ACTIVITY[3],
    selections.activity,
)
_BY_PAYOUT = ("automatic_payout_id", "automatic_payout_effective_at")
_NO_CURRENCY = ("reporting_category", "decimal_separator", "columns")

#: About the caller's own account.
OWN_TYPES = (
    BALANCE_SUMMARY,
    BALANCE_CHANGE_ITEMIZED,
    *(
        listing(
            f"balance_change_from_activity.itemized.{version}",
            "Itemized balance change from activity",
            column_sets.ACTIVITY[version],
            selections.activity,
        )
        for version in (1, 2)
    ),
    totals("balance_change_from_activity.summary.1", "Balance change from activity", selections.activity),
    *(
        listing(f"payouts.itemized.{version}", "Itemized payouts", columns, selections.payouts)
        for version, columns in column_sets.PAYOUTS.items()
    ),
    totals("payouts.summary.1", "Payouts", selections.payouts),
    *(
        listing(
            f"payout_reconciliation.itemized.{version}",
            "Itemized payout reconciliation",
            columns,
            selections.paid_out,
            first=_BY_PAYOUT,
        )
        for version, columns in column_sets.RECONCILIATION.items()
    ),
    totals("payout_reconciliation.summary.1", "Payout reconciliation", selections.paid_out),
    *(
        listing(
            f"payout_reconciliation.by_id.itemized.{version}",
            "Itemized reconciliation of one payout",
            columns,
            selections.one_payout,
            required=PAYOUT,
            optional=_NO_CURRENCY,
        )
        for version, columns in column_sets.BY_ID.items()
    ),
    totals(
        "payout_reconciliation.by_id.summary.1",
        "Reconciliation of one payout",
        selections.one_payout,
        required=PAYOUT,
        optional=("columns",),
    ),
    *(
        listing(
            f"ending_balance_reconciliation.itemized.{version}",
            "Itemized reconciliation of the ending balance",
            columns,
            selections.ending_balance,
            required=END,
            # The separator came with the fourth version.
            optional=_FILTERS if version == 4 else ("currency", "reporting_category", "columns"),
        )
        for version, columns in column_sets.ENDING.items()
    ),
    totals(
        "ending_balance_reconciliation.summary.1",
        "Reconciliation of the ending balance",
        selections.ending_balance,
        required=END,
    ),
    ReportType(
        id="tax.transactions.itemized.2",
        name="Itemized tax transactions",
        version=2,
        columns=tuple(sorted(column_sets.TAX)),
        default_columns=tuple(name for name in column_sets.TAX if "[" not in name),
        rows=reports.itemized(tax.taxed, tax.reader),
        optional=("timezone", "decimal_separator", "columns"),
    ),
)

_ABOUT = "Connected accounts: "

#: About the accounts connected to the caller's.
CONNECTED_TYPES = (
    ReportType(
        id="connected_account_balance.summary.1",
        name=_ABOUT + "balance summary",
        version=1,
        columns=tuple(sorted(column_sets.BALANCE)),
        default_columns=column_sets.BALANCE,
        rows=reports.balance_summary,
        optional=("timezone", "currency", "columns", *_ACCOUNT),
        connected=True,
    ),
    *(
        listing(
            f"connected_account_balance_change_from_activity.itemized.{version}",
            _ABOUT + "itemized balance change from activity",
            columns,
            selections.activity,
            optional=(*_FILTERS, *(_ACCOUNT if version == 1 else _ACCOUNTS)),
        )
        for version, columns in column_sets.CONNECTED_ACTIVITY.items()
    ),
    totals(
        "connected_account_balance_change_from_activity.summary.1",
        _ABOUT + "balance change from activity",
        selections.activity,
        optional=("currency", "timezone", "columns", *_ACCOUNTS),
    ),
    *(
        listing(
            f"connected_account_payouts.itemized.{version}",
            _ABOUT + "itemized payouts",
            columns,
            selections.payouts,
            optional=(*_FILTERS, *_ACCOUNT),
        )
        for version, columns in column_sets.CONNECTED_PAYOUTS.items()
    ),
    totals(
        "connected_account_payouts.summary.1",
        _ABOUT + "payouts",
        selections.payouts,
        optional=("currency", "timezone", "columns", *_ACCOUNT),
    ),
    *(
        listing(
            f"connected_account_payout_reconciliation.itemized.{version}",
            _ABOUT + "itemized payout reconciliation",
            columns,
            selections.paid_out,
            optional=(*_FILTERS, *_ACCOUNT),
            first=_BY_PAYOUT,
        )
        for version, columns in column_sets.CONNECTED_RECONCILIATION.items()
    ),
    totals(
        "connected_account_payout_reconciliation.summary.1",
        _ABOUT + "payout reconciliation",
        selections.paid_out,
        optional=("currency", "timezone", "columns", *_ACCOUNT),
    ),
    *(
        listing(
            f"connected_account_payout_reconciliation.by_id.itemized.{version}",
            _ABOUT + "itemized reconciliation of one payout",
            columns,
            selections.one_payout,
            required=_ONE_ACCOUNTS_PAYOUT,
            optional=_NO_CURRENCY,
        )
        for version, columns in column_sets.CONNECTED_BY_ID.items()
    ),
    totals(
        "connected_account_payout_reconciliation.by_id.summary.1",
        _ABOUT + "reconciliation of one payout",
        selections.one_payout,
        required=_ONE_ACCOUNTS_PAYOUT,
        optional=("columns",),
    ),
    *(
        listing(
            f"connected_account_ending_balance_reconciliation.itemized.{version}",
            _ABOUT + "itemized reconciliation of the ending balance",
            columns,
            selections.ending_balance,
            required=END,
            optional=(*_FILTERS, *_ACCOUNT),
        )
        for version, columns in column_sets.CONNECTED_ENDING.items()
    ),
    totals(
        "connected_account_ending_balance_reconciliation.summary.1",
        _ABOUT + "reconciliation of the ending balance",
        selections.ending_balance,
        required=END,
        optional=("currency", "timezone", "columns", *_ACCOUNT),
    ),
    ReportType(
        id="connected_account_tax.transactions.itemized.2",
        name=_ABOUT + "itemized tax transactions",
        version=2,
        columns=tuple(sorted((*column_sets.TAX, "connected_account"))),
        default_columns=tuple(name for name in column_sets.TAX if "[" not in name),
        rows=reports.itemized(tax.taxed, tax.reader),
        optional=("timezone", "decimal_separator", "columns", *_ACCOUNT),
        connected=True,
    ),
    ReportType(
        id="connect.negative_balance_refunds_disputes_overview.1",
        name=_ABOUT + "negative balances, refunds and disputes",
        version=1,
        columns=tuple(sorted(column_sets.OVERVIEW)),
        default_columns=None,
        rows=overview.overview,
        required=END,
        optional=(),
        connected=True,
    ),
)

DOCUMENTED_TYPES = (*OWN_TYPES, *CONNECTED_TYPES)
