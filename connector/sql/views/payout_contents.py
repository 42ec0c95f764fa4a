"""`payout_contents`: each payout beside the transactions it was made of."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from connector.catalogue.spec import CONNECTED
from connector.dataset.identity import Dataset
from connector.sql.quoting import literal
from connector.sql.source import Source, family_of, money

NAME = "payout_contents"
ABOUT = (
    "Each payout of `payouts.itemized` beside the transactions that `payout_reconciliation.itemized` has "
    "for it."
)
COLUMNS = {
    "table": "The table of payouts: where there are several of one report, choose one.",
    "contents_table": "The table with what payouts were made of: likewise.",
    "account": "The account whose key asked; `default` for the key's own.",
    "connected_account": "The connected account the payout is of; null for one's own.",
    "payout_id": "Stripe's id.",
    "currency": "Three letters, lower case.",
    "_date": "The first day of the window that has the payout; null where no table of payouts has it.",
    "effective_at": "When it left the balance; null where the column was not asked for.",
    "arrival_date": "The day it should reach the bank; null where the column was not asked for.",
    "status": "Stripe's status as of the file; null where the column was not asked for.",
    "amount": "Positive when paid out; null where only its transactions are known.",
    "returned": "What came back of it later, positive.",
    "transactions": "How many it was made of; 0 for payouts made by hand, which have none.",
    "net": "The sum of their net; null where there are none.",
    "difference": "amount − net: 0 where the payout is explained, null where one of them is not known.",
}

_PAYOUTS, _CONTENTS = "payouts.itemized", "payout_reconciliation.itemized"
_FAMILIES = {f"{whose}{family}" for whose in ("", CONNECTED) for family in (_PAYOUTS, _CONTENTS)}

_OF_PAYOUTS = ("account", "payout_id", "currency", "reporting_category", "_date")
_OF_CONTENTS = ("account", "automatic_payout_id", "currency", "reporting_category")

#: Whether the payout itself is among its transactions is not known; it is none of them.
_IS_PAYOUT = "reporting_category IS NOT DISTINCT FROM 'payout'"


def reads(dataset: Dataset) -> bool:
    """Whether a table has payouts, or what they were made of."""
    return family_of(dataset) in _FAMILIES


def select_payout_contents(sources: Sequence[Source]) -> str | None:
    """The query of the view; None where there are not both tables with the columns it needs."""
    pairs = list(_pairs(sources))
    both = [source for pair in pairs for source in pair]
    return " UNION ALL ".join(_select(*pair, both) for pair in pairs) or None


def _pairs(sources: Sequence[Source]) -> Iterator[tuple[Source, Source]]:
    """Payouts with the table of their contents: with those of the same windows, where there are any."""
    for payouts in sources:
        if not (_is_of(payouts, _PAYOUTS) and payouts.has(*_OF_PAYOUTS) and payouts.has_amounts("net")):
            continue
        whose = CONNECTED if payouts.dataset.report_type.startswith(CONNECTED) else ""
        others = [
            each
            for each in sources
            if family_of(each.dataset) == f"{whose}{_CONTENTS}"
            and each.has(*_OF_CONTENTS)
            and each.has_amounts("net")
            # What a filter leaves out is missing in the sums of payouts.
            and "reporting_category" not in each.dataset.filters
        ]
        alike = [each for each in others if _grid(each.dataset) == _grid(payouts.dataset)]
        yield from ((payouts, each) for each in alike or others)


def _is_of(source: Source, family: str) -> bool:
    return family_of(source.dataset) in {family, f"{CONNECTED}{family}"}


def _grid(dataset: Dataset) -> tuple[object, ...]:
    return dataset.window, dataset.zone, dataset.account, dataset.dimensions


def _select(payouts: Source, contents: Source, both: Sequence[Source]) -> str:
    instant = next(
        (name for name in ("effective_at_utc", "effective_at") if _is_instant(payouts, name)),
        "NULL::TIMESTAMPTZ",
    )
    arrival, status = (
        name if payouts.has(name) else f"NULL::{kind}"
        for name, kind in (("payout_expected_arrival_date", "DATE"), ("payout_status", "VARCHAR"))
    )
    sign = payouts.spec.paid_out_sign
    amount, net = "sum(amount) FILTER (WHERE is_payout)", "sum(net)"
    returned = "coalesce(sum(amount) FILTER (WHERE NOT is_payout), 0)"
    sides = f"""
        SELECT account, {payouts.whose} AS connected_account, payout_id, currency, {_IS_PAYOUT} AS is_payout,
            _date, {instant} AS effective_at, {arrival} AS arrival_date, {status} AS status,
            {sign.positive("net")} AS amount, NULL AS net, NULL AS transaction
        FROM {payouts.name}
        UNION ALL
        SELECT account, {contents.whose}, automatic_payout_id, currency, NULL, NULL, NULL, NULL, NULL, NULL,
            net, 1
        FROM {contents.name} WHERE automatic_payout_id IS NOT NULL AND NOT {_IS_PAYOUT}"""  # noqa: S608 - quoted
    each = f"""
        SELECT account, connected_account, payout_id, currency, max(_date) FILTER (WHERE is_payout) AS _date,
            max(effective_at) FILTER (WHERE is_payout) AS effective_at,
            max(arrival_date) FILTER (WHERE is_payout) AS arrival_date,
            max(status) FILTER (WHERE is_payout) AS status,
            {amount} AS amount, -{returned} AS returned, count(transaction) AS transactions, {net} AS net
        FROM ({sides}) WHERE payout_id IS NOT NULL GROUP BY ALL"""  # noqa: S608 - all quoted
    turned = (
        "1" if sign.factor else f"CASE WHEN {_ties('-amount')} AND NOT {_ties('amount')} THEN -1 ELSE 1 END"
    )
    amounts = {
        "amount": "turned * amount",
        "returned": "turned * returned",
    }
    shown = ", ".join(f"{money(sql, both, 'net')} AS {name}" for name, sql in amounts.items())
    tables = [literal(each.dataset.table) for each in (payouts, contents)]
    return f"""
        SELECT {tables[0]} AS "table", {tables[1]} AS contents_table,
            account, connected_account, payout_id, currency, _date, effective_at, arrival_date, status,
            {shown}, transactions, {money("net", both, "net")} AS net,
            {money("turned * amount - net", both, "net")} AS difference
        FROM (SELECT *, {turned} AS turned FROM ({each}))"""  # noqa: S608 - all quoted


def _ties(amount: str) -> str:
    """SQL for whether any payout of the table is what its transactions add up to."""
    return f"coalesce(bool_or({amount} = net AND net <> 0) OVER (), false)"


def _is_instant(source: Source, name: str) -> bool:
    kind = source.columns.get(name)
    return kind is not None and pa.types.is_timestamp(kind) and kind.tz is not None
