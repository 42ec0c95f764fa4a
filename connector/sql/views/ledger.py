"""`daily_net` and `fees_by_category`: what moved the balance except payouts, added up.

They are made of the itemized reports of what the balance changed by, and of the sums by category where
there is no itemized one. Reports print fees with one sign or the other; here a fee is positive when charged,
and net is gross less fee, whatever the report.
"""

from collections.abc import Iterator, Sequence

from connector.catalogue import Granularity
from connector.catalogue.signs import OWN_FEES
from connector.catalogue.spec import CONNECTED
from connector.convert.decode import ROW_KIND
from connector.dataset.identity import Dataset
from connector.sql.quoting import literal
from connector.sql.source import Source, family_of, is_part, money
from connector.sql.views.movements import IS_MOVEMENT

DAILY_NET = "daily_net"
DAILY_NET_ABOUT = (
    "What moved the balance except payouts, by day, category and currency: from "
    "`balance_change_from_activity.itemized`, else from its summary."
)
_GROUP = {
    "table": "The table the row is from: where there are several of one report, choose one.",
    "account": "The account whose key asked; `default` for the key's own.",
    "connected_account": "The connected account the row is about; null where it is about none.",
    "currency": "Three letters, lower case.",
    "_date": "The first day of the window, by the calendar of the table's zone.",
    "reporting_category": "Stripe's reporting category: `charge`, `refund`, `fee`, …",
}
DAILY_NET_COLUMNS = {
    **_GROUP,
    "gross": "Amount before fees; negative when money leaves the balance.",
    "fee": "Positive when charged, in every table: a cost.",
    "net": "What the balance changed by: gross − fee.",
    "rows": "Balance transactions that are added up; null where the summary does not count them.",
}

FEES = "fees_by_category"
FEES_ABOUT = "What was charged, by day, category and currency, from the same table."
FEES_COLUMNS = {
    **_GROUP,
    "fee": "Positive when charged: fees of transactions, and those that are transactions of their own.",
}

_LEDGER = "balance_change_from_activity"
_FAMILIES = {f"{whose}{_LEDGER}.{kind}" for whose in ("", CONNECTED) for kind in ("itemized", "summary")}
_AMOUNTS = ("gross", "fee", "net")
_NEEDED = ("account", "currency", "_date", "reporting_category")


def reads(dataset: Dataset) -> bool:
    """Whether a table says what moved the balance."""
    return family_of(dataset) in _FAMILIES


def select_daily_net(sources: Sequence[Source]) -> str | None:
    """The query of the view; None where no table has the columns it needs."""
    usable = list(_chosen(sources))
    return " UNION ALL ".join(_select(each, usable) for each in usable) or None


def select_fees(sources: Sequence[Source]) -> str | None:
    """The query of the view; None where no table has the columns it needs."""
    usable = list(_chosen(sources))
    if not usable:
        return None
    own = ", ".join(map(literal, OWN_FEES))
    fee = money(f"fee - CASE WHEN reporting_category IN ({own}) THEN gross ELSE 0 END", usable, *_AMOUNTS)
    group = ", ".join(f'"{name}"' for name in _GROUP)
    rows = " UNION ALL ".join(_select(each, usable) for each in usable)
    return f"SELECT {group}, {fee} AS fee FROM ({rows})"  # noqa: S608 - all quoted


def _chosen(sources: Sequence[Source]) -> Iterator[Source]:
    """The itemized tables, or the sums where there is no itemized one of the same accounts.

    Where there is a table of all rows, those that a filter leaves rows out of are not added to it.
    """
    usable = [
        each
        for each in sources
        if each.has(*_NEEDED)
        and each.has_amounts("gross", "net")
        and (_is_itemized(each) or each.has(ROW_KIND))
    ]
    for connected in (False, True):
        tiers: dict[tuple[bool, bool], list[Source]] = {}
        for each in usable:
            if each.dataset.report_type.startswith(CONNECTED) is connected:
                tiers.setdefault((is_part(each.dataset), not _is_itemized(each)), []).append(each)
        if tiers:
            yield from tiers[min(tiers)]


def _is_itemized(source: Source) -> bool:
    return source.spec.granularity is Granularity.ITEMIZED


def _select(source: Source, sources: Sequence[Source]) -> str:
    gross, net, fee = (f"coalesce(sum({name}), 0)" for name in ("gross", "net", "fee"))
    sign = source.spec.fee_sign.factor
    # Which sign a file has that nobody has seen, its rows show: net is gross less what was charged.
    charged = (
        f"{gross} - {net}"
        if sign is None or not source.has_amounts("fee")
        else fee
        if sign > 0
        else f"-{fee}"
    )
    if _is_itemized(source):
        rows, which = "count(*)", ""
    else:
        rows = 'sum("count")::BIGINT' if source.has("count") else "NULL::BIGINT"
        which = f"WHERE {IS_MOVEMENT}"
    amounts = {"gross": gross, "fee": charged, "net": net}
    shown = ", ".join(f"{money(each, sources, *_AMOUNTS)} AS {name}" for name, each in amounts.items())
    return f"""
        SELECT {literal(source.dataset.table)} AS "table", account, {source.whose} AS connected_account,
            currency, _date, reporting_category, {shown}, {rows} AS rows
        FROM {source.name} {which} GROUP BY 1, 2, 3, 4, 5, 6"""  # noqa: S608 - all quoted
