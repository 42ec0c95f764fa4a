"""The reports on financial accounts: money that is held outside the payments balance.

Stripe's page has those on connected accounts with their parameters; the copy that was read ends before their
columns, so each file is read by its header. Those on one's own account are known from a program that uses
them, and so are the names that are typed here.

Source: https://docs.stripe.com/reports/report-types/financial-accounts
"""

from dataclasses import replace

from connector.catalogue.dictionary.entries import money, text
from connector.catalogue.reports.family import Family
from connector.catalogue.spec import Granularity, RowKind, RowKindRules, Scope, Status

#: Seen in files of one's own account.
_SEEN = (
    text("category", "What kind of transaction or line it is: received_credit, received_debit, reward…"),
    text("status", "How far the transaction is: pending, posted or void."),
    money("available_balance_impact", "What the transaction changes the available balance by."),
)

#: What a line between the two balances is, nobody has published: no kind is better than a wrong one.
_LINES = RowKindRules(
    column="category",
    kinds={"starting_balance": RowKind.BALANCE, "ending_balance": RowKind.BALANCE},
)

_BALANCE = Family(
    id="financial_account_balance.summary",
    title="Financial account, balance summary",
    about="Opening balance of the financial account, what moved it, and closing balance.",
    source="https://docs.stripe.com/reports/report-types/financial-accounts",
    granularity=Granularity.SUMMARY,
    optional=("timezone", "decimal_separator", "columns"),
    own=_SEEN,
    row_kinds=_LINES,
)

_ACTIVITY = replace(
    _BALANCE,
    id="financial_account_balance_change_from_activity.itemized",
    title="Financial account, balance change from activity, itemized",
    about="Everything that moved the financial account. One row for each transaction.",
    granularity=Granularity.ITEMIZED,
    row_kinds=None,
)

_BY_CATEGORY = replace(
    _BALANCE,
    id="financial_account_balance_change_from_activity.summary",
    title="Financial account, balance change from activity, summary",
    about="What moved the financial account, added up by category.",
    row_kinds=replace(_LINES, kinds={"total": RowKind.TOTAL}, otherwise=RowKind.MOVEMENT),
)


def _connected(family: Family) -> Family:
    return replace(
        family,
        id=f"connected_account_{family.id}",
        title=f"{family.title}, connected accounts",
        about=f"For a platform's connected accounts. {family.about}",
        optional=("timezone", "decimal_separator", "connected_account", "connected_accounts", "columns"),
        scope=Scope.CONNECTED_ACCOUNTS,
    )


REPORTS = (
    *(_connected(each).version(1, complete=False) for each in (_ACTIVITY, _BY_CATEGORY, _BALANCE)),
    _ACTIVITY.version(2, status=Status.OBSERVED, complete=False),
    _BALANCE.version(1, status=Status.OBSERVED, complete=False),
)
