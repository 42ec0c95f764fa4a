"""The commands to run after `init`: pull a first month and reconcile it, as text to paste."""

import shlex
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

from connector.catalogue.signs import FEE_POSITIVE, PAID_OUT_POSITIVE
from connector.settings import API_KEY

if TYPE_CHECKING:
    from connector.project.defs_yaml import DefsYaml

_OWN, _CONNECTED = (
    "balance_change_from_activity_itemized",
    "connected_account_balance_change_from_activity_itemized",
)

#: What the query of a platform's fees needs besides what every report of balance transactions has.
_TIES = {_OWN: "connected_account_id", _CONNECTED: "source_id"}

#: By the tables it needs: a query of two independently computed totals that have to be equal. `{paid_out}` is
#: what a payout paid out, `{fee}` a fee that was charged, as their reports print them.
_RECONCILIATIONS: Mapping[tuple[str, str], str] = {
    ("balance_summary", "balance_change_from_activity_itemized"): (
        "SELECT currency, by_summary, by_transactions, by_summary = by_transactions AS equal "
        "FROM (SELECT currency, sum(net_amount) AS by_summary FROM balance_summary "
        "WHERE _row_kind = 'movement' AND category LIKE 'activity%' GROUP BY ALL) JOIN (SELECT currency, "
        "sum(net) AS by_transactions FROM balance_change_from_activity_itemized GROUP BY ALL) "
        "USING (currency) ORDER BY ALL"
    ),
    ("payouts_itemized", "payout_reconciliation_itemized"): (
        "SELECT *, paid_out = by_transactions AS equal FROM (SELECT payout_id, payout.currency, "
        "{paid_out} AS paid_out, sum(part.net) AS by_transactions FROM payouts_itemized AS payout "
        "JOIN payout_reconciliation_itemized AS part ON part.automatic_payout_id = payout_id "
        "WHERE payout.reporting_category = 'payout' GROUP BY ALL) ORDER BY equal, payout_id"
    ),
    # A fee that was given back is an adjustment of its own there, of the category `fee`.
    # Source: https://docs.stripe.com/reports/reporting-categories
    (_OWN, _CONNECTED): (
        "SELECT account, currency, coalesce(earned, 0) AS earned, coalesce(paid, 0) AS paid, "
        "coalesce(earned, 0) - coalesce(paid, 0) AS difference FROM (SELECT connected_account_id AS account, "
        "currency, sum(net) AS earned FROM balance_change_from_activity_itemized "
        "WHERE reporting_category LIKE 'platform_earning%' GROUP BY ALL) "
        "FULL JOIN (SELECT connected_account AS account, currency, sum({fee}) - "
        "coalesce(sum(gross) FILTER (WHERE reporting_category = 'fee' AND source_id LIKE 'fr_%'), 0) AS paid "
        "FROM connected_account_balance_change_from_activity_itemized GROUP BY ALL) "
        "USING (account, currency) ORDER BY ALL"
    ),
}


def commands(configuration: "DefsYaml", span: tuple[date, date] | None) -> Iterator[str]:
    """Commands that pull `span` of each report, check it and reconcile it; none without a span.

    Args:
        span: the first day and the one after the last, bounds of windows both.
    """
    if span is None:
        return
    windows, root = configuration.windows, _option("--root", configuration.root)
    key = "" if configuration.key_variable == API_KEY else f'{API_KEY}="${configuration.key_variable}" '
    cut = _option("--window", None if windows.unit == "daily" else windows.unit)
    cut += _option("--zone", None if windows.zone == "UTC" else windows.zone)
    account = _option("--account", configuration.account)
    for spec in configuration.specs:
        yield f"{key}stripe-reports pull {spec.id} --from {span[0]} --to {span[1]}{cut}{root}{account}"
    yield f"stripe-reports check{root}"
    specs = {spec.name: spec for spec in configuration.specs}
    payouts, connected = specs.get("payouts_itemized"), specs.get(_CONNECTED)
    paid_out = (payouts.paid_out_sign if payouts else PAID_OUT_POSITIVE).positive("payout.net")
    fee = (connected.fee_sign if connected else FEE_POSITIVE).positive("fee")
    for needed, query in _RECONCILIATIONS.items():
        ties = needed == (_OWN, _CONNECTED)
        if specs.keys() >= {*needed} and (
            not ties or all(_TIES[name] in specs[name].default_columns for name in needed)
        ):
            # The queries hold nothing that a shell expands within double quotes.
            yield f'stripe-reports sql{root} "{query.format(paid_out=paid_out, fee=fee)}"'


def _option(name: str, value: str | None) -> str:
    return f" {name} {shlex.quote(value)}" if value else ""
