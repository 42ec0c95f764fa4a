"""`daily_activity`: what moved the balance except payouts, by reporting category."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import dagster as dg
import duckdb

from assets.analytics import balances
from assets.analytics.analysis import (
    WHOSE,
    WHOSE_COLUMNS,
    Analysis,
    Content,
    Days,
    Need,
    Row,
    Verdict,
    fetch,
    sums,
    whose,
)
from connector.money import EXACT, money_text
from connector.pictures import Activity, Picture, draw_daily_activity
from connector.sql.views.balances import NAME as BALANCES
from connector.sql.views.ledger import DAILY_NET

ACTIVITY = Need(
    ("balance_change_from_activity.itemized", "balance_change_from_activity.summary"),
    ("currency", "reporting_category", "gross", "net"),
)

AGREES = "activity_agrees_with_balance"

_AMOUNTS = ("gross", "fee", "net")


def read(connection: duckdb.DuckDBPyConnection, table: str, first: date, last: date) -> list[Row]:
    """The sums of each category on each day."""
    return fetch(
        connection,
        f"""
        SELECT account, connected_account, currency, _date, reporting_category, sum(rows) AS rows,
            sum(gross) AS gross, sum(fee) AS fee, sum(net) AS net
        FROM {DAILY_NET} WHERE "table" = ? AND _date BETWEEN ? AND ?
        GROUP BY ALL ORDER BY ALL
        """,  # noqa: S608 - our own view
        [table, first, last],
    )


def describe(own: Days) -> Content:
    """A partition's activity."""
    return Content(
        [{name: value for name, value in row.items() if name != "_date"} for row in own.rows],
        sums(own.rows, *_AMOUNTS),
        {AGREES: agreement(own.rows, own.beside)},
    )


def draw(days: Days) -> Picture:
    """Bars of each day."""
    rows = [
        Activity(row["_date"], row["currency"], row["reporting_category"], row["net"]) for row in days.rows
    ]
    return draw_daily_activity(rows, title="Activity of each day by category")


def agreement(rows: Sequence[Row], lines: Sequence[Row] | None) -> Verdict:
    """Whether the activity adds up to what the balance says. Whether top-ups are activity differs between
    reports, so the balance may have them apart."""
    if not lines:
        return Verdict("Not applicable: no balance summary has these days.", applies=False)
    moved = sums(rows, "net", by=WHOSE)
    wrong = []
    for line in lines:
        found = moved.pop(("net", *(line[name] for name in WHOSE)), Decimal(0))
        apart = EXACT.add(line["topups"], line["other"])
        if found not in {line["activity"], EXACT.add(line["activity"], apart)}:
            wrong.append(_beside(line, found, line["activity"]))
    wrong += [
        _beside(dict(zip(WHOSE, key[1:], strict=True)), found, Decimal(0))
        for key, found in moved.items()
        if found
    ]
    if wrong:
        return Verdict(f"The activity is not that of the balance for {wrong[0]['whose']}.", wrong)
    return Verdict(f"The activity is that of the balance in all {len(lines)} currencies.")


def _beside(row: Row, found: Decimal, led: Decimal) -> dict[str, str]:
    return {
        "whose": whose(row),
        "activity": money_text(found, row["currency"]),
        "balance": money_text(led, row["currency"]),
    }


DAILY_ACTIVITY = Analysis(
    name="daily_activity",
    about="What moved the balance except payouts, by reporting category: gross, fee and net of each window. "
    "The picture has the windows before it as well.",
    need=ACTIVITY,
    columns=(
        *WHOSE_COLUMNS,
        dg.TableColumn("reporting_category", "string", "Stripe's reporting category."),
        dg.TableColumn("rows", "int64", "Balance transactions that are added up."),
        dg.TableColumn("gross", "decimal", "Amount before fees; negative when money leaves the balance."),
        dg.TableColumn("fee", "decimal", "Positive when charged."),
        dg.TableColumn("net", "decimal", "What the balance changed by."),
    ),
    checks={AGREES: "In every currency, the activity adds up to that of the balance summary."},
    read=read,
    describe=describe,
    draw=draw,
    views=(DAILY_NET, BALANCES),
    beside=balances.BALANCE,
    read_beside=balances.read,
)
