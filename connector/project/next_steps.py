"""The commands that lead from a fresh configuration to a month that reconciles, as text to paste."""

import shlex
from collections.abc import Collection, Iterator, Mapping
from datetime import date

from connector.project.defs_yaml import KEY_VARIABLE, DefsYaml

#: Tables it takes to reconcile, and the question that does: two sums that have to be equal, made apart.
_RECONCILED: Mapping[tuple[str, str], str] = {
    ("balance_summary", "balance_change_from_activity_itemized"): (
        "SELECT currency, by_summary, by_transactions, by_summary = by_transactions AS equal "
        "FROM (SELECT currency, sum(net_amount) AS by_summary FROM balance_summary "
        "WHERE _row_kind = 'movement' AND category LIKE 'activity%' GROUP BY ALL) JOIN (SELECT currency, "
        "sum(net) AS by_transactions FROM balance_change_from_activity_itemized GROUP BY ALL) "
        "USING (currency) ORDER BY ALL"
    ),
    ("payouts_itemized", "payout_reconciliation_itemized"): (
        "SELECT *, paid_out = by_transactions AS equal FROM (SELECT payout_id, payout.currency, "
        "-payout.net AS paid_out, sum(part.net) AS by_transactions FROM payouts_itemized AS payout "
        "JOIN payout_reconciliation_itemized AS part ON part.automatic_payout_id = payout_id "
        "WHERE payout.reporting_category = 'payout' GROUP BY ALL) ORDER BY equal, payout_id"
    ),
}


def commands(configuration: DefsYaml, span: tuple[date, date] | None) -> Iterator[str]:
    """Pull `span` of each report, and let what was pulled prove itself; nothing without a span.

    Args:
        span: the first day and the one after the last, bounds of windows both.
    """
    if span is None:
        return
    windows, root = configuration.windows, _option("--root", configuration.root)
    key = (
        ""
        if configuration.key_variable == KEY_VARIABLE
        else f'{KEY_VARIABLE}="${configuration.key_variable}" '
    )
    cut = _option("--window", None if windows.unit == "daily" else windows.unit)
    cut += _option("--zone", None if windows.zone == "UTC" else windows.zone)
    account = _option("--account", configuration.account)
    for spec in configuration.specs:
        yield f"{key}stripe-reports pull {spec.id} --from {span[0]} --to {span[1]}{cut}{root}{account}"
    yield f"stripe-reports check{root}"
    for question in _questions({spec.name for spec in configuration.specs}):
        # Within double quotes, as nothing in the questions means anything to a shell there.
        yield f'stripe-reports sql{root} "{question}"'


def _questions(tables: Collection[str]) -> Iterator[str]:
    return (question for needed, question in _RECONCILED.items() if set(needed) <= set(tables))


def _option(name: str, value: str | None) -> str:
    return f" {name} {shlex.quote(value)}" if value else ""
