"""What the demo shows of a month's books, by SQL over the Parquet.

Each function takes a warehouse of `connector.open_warehouse` and returns a table or a sentence.
"""

from collections.abc import Callable
from decimal import Decimal

import duckdb

from connector.catalogue import report
from connector.money import money_text
from connector.terminal.console import DisplayTable
from connector.terminal.tables import table

SUMMARY, ACTIVITY = "balance_summary", "balance_change_from_activity_itemized"
PAYOUTS, RECONCILIATION = "payouts_itemized", "payout_reconciliation_itemized"

_SHOWN_DAYS = 7

#: Each payout with the sum of its transactions.
_TIES = f"""
    SELECT payout.payout_id, payout.currency, payout.period,
           {report(PAYOUTS).paid_out_sign.positive("payout.net")} AS paid_out,
           sum(part.gross) AS gross, sum(part.fee) AS fee, sum(part.net) AS added_up,
           count(part.net) AS transactions,
           count(DISTINCT part.reporting_category) AS categories
    FROM {PAYOUTS} AS payout LEFT JOIN {RECONCILIATION} AS part
      ON part.automatic_payout_id = payout.payout_id
    WHERE payout.reporting_category = 'payout'
      AND payout._interval_start >= (SELECT max(_interval_end) FROM {PAYOUTS}) - to_days(?)
    GROUP BY ALL
"""  # noqa: S608 - our own tables


def net_activity(warehouse: duckdb.DuckDBPyConnection) -> DisplayTable:
    """Net activity by day and currency, the last days only."""
    rows = warehouse.execute(
        f"""
        SELECT period, currency, sum(net) FROM {ACTIVITY}
        WHERE _interval_start >= (SELECT max(_interval_start) FROM {ACTIVITY}) - to_days(?)
        GROUP BY ALL ORDER BY ALL
        """,  # noqa: S608 - our own table
        [_SHOWN_DAYS - 1],
    ).fetchall()
    currencies = sorted({currency for _, currency, _ in rows})
    found = {(period, currency): money_text(net, currency) for period, currency, net in rows}
    books = _table(f"Net activity, the last {_SHOWN_DAYS} days", "day", *currencies)
    for period in sorted({period for period, _, _ in rows}):
        books.add_row(period, *(found.get((period, currency), "") for currency in currencies))
    return books


def balances(warehouse: duckdb.DuckDBPyConnection, days: int) -> DisplayTable:
    """Opening and closing balance of the last `days` in each currency, and what moved it."""
    rows = warehouse.execute(
        f"""
        SELECT currency,
               arg_min(net_amount, _interval_start) FILTER (category = 'starting_balance'),
               sum(net_amount) FILTER (_row_kind = 'movement' AND category NOT LIKE 'payouts%'),
               sum(net_amount) FILTER (_row_kind = 'movement' AND category LIKE 'payouts%'),
               arg_max(net_amount, _interval_end) FILTER (category = 'ending_balance'),
               min(_interval_start)::DATE, max(_interval_end)::DATE
        FROM {SUMMARY}
        WHERE _interval_start >= (SELECT max(_interval_end) FROM {SUMMARY}) - to_days(?)
        GROUP BY currency ORDER BY currency
        """,  # noqa: S608 - our own table
        [days],
    ).fetchall()
    title = f"Balance from {rows[0][5]} to {rows[0][6]}" if rows else "Balance"
    books = _table(title, "currency", "opening", "activity", "payouts", "closing")
    for currency, *amounts in rows:
        books.add_row(currency, *(money_text(amount or Decimal(0), currency) for amount in amounts[:4]))
    return books


def continuity(warehouse: duckdb.DuckDBPyConnection) -> str:
    """Whether each day's opening balance is the closing balance of the day before."""
    ((total, equal),) = warehouse.execute(
        f"""
        WITH days AS (
            SELECT currency, _interval_start, _interval_end,
                   any_value(net_amount) FILTER (category = 'starting_balance') AS opening,
                   any_value(net_amount) FILTER (category = 'ending_balance') AS closing
            FROM {SUMMARY} GROUP BY ALL
        )
        SELECT count(*), count(*) FILTER (day.closing = following.opening)
        FROM days AS day JOIN days AS following
          ON day.currency = following.currency AND day._interval_end = following._interval_start
        """  # noqa: S608 - our own table
    ).fetchall()
    return f"Closing balances that are the next day's opening balance: {_share(equal, total)}."


def payout(warehouse: duckdb.DuckDBPyConnection, days: int) -> DisplayTable | None:
    """The most varied payout of the last `days` and its components; None where there was none."""
    chosen = warehouse.execute(
        f"FROM ({_TIES}) WHERE transactions > 0 ORDER BY categories DESC, period DESC, payout_id LIMIT 1",
        [days],
    ).fetchone()
    if chosen is None:
        return None
    payout_id, currency, day, paid_out, *totals, transactions, _ = chosen
    shown = _in(currency)
    books = _table(
        f"Payout {payout_id} of {day}, in {currency}", "component", "transactions", "gross", "fee", "net"
    )
    for category, count, *amounts in warehouse.execute(
        f"""
        SELECT reporting_category, count(*), sum(gross), sum(fee), sum(net) FROM {RECONCILIATION}
        WHERE automatic_payout_id = ? GROUP BY ALL ORDER BY abs(sum(net)) DESC, reporting_category
        """,  # noqa: S608 - our own table
        [payout_id],
    ).fetchall():
        books.add_row(category, str(count), *map(shown, amounts))
    books.add_section()
    books.add_row("total", str(transactions), *map(shown, totals))
    books.add_row("paid out", "", "", "", shown(paid_out), style="bold")
    return books


def payouts_tie(warehouse: duckdb.DuckDBPyConnection, days: int) -> str:
    """Whether the transactions of each payout of the last `days` add up to it, to the last decimal."""
    ((payouts, tied),) = warehouse.execute(
        f"SELECT count(*), count(*) FILTER (added_up = paid_out) FROM ({_TIES})",  # noqa: S608 - our own tables
        [days],
    ).fetchall()
    return f"Payouts that equal the sum of their transactions, to the last decimal: {_share(tied, payouts)}."


def _share(good: int, total: int) -> str:
    return f"all {total}" if good == total else f"{good} of {total}, NOT ALL"


def _in(currency: str) -> Callable[[Decimal], str]:
    return lambda amount: money_text(amount, currency)


def _table(title: str, first: str, *amounts: str) -> DisplayTable:
    return table(first, *amounts, title=title, numbers=amounts)
