"""`fees_by_category`: what Stripe charged, by reporting category."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import dagster as dg
import duckdb

from assets.analytics import activity
from assets.analytics.analysis import (
    WHOSE,
    WHOSE_COLUMNS,
    Analysis,
    Content,
    Days,
    Row,
    Verdict,
    fetch,
    sums,
    whose,
)
from connector.catalogue.signs import OWN_FEES
from connector.money import EXACT, money_text
from connector.pictures import Fees, Picture, draw_fees_by_category
from connector.sql.views.ledger import DAILY_NET, FEES

BETWEEN = "fees_are_between_gross_and_net"


def read(connection: duckdb.DuckDBPyConnection, table: str, first: date, last: date) -> list[Row]:
    """The fees of each category with fees on each day."""
    return fetch(
        connection,
        f"""
        SELECT account, connected_account, currency, _date, reporting_category, sum(fee) AS fee
        FROM {FEES} WHERE "table" = ? AND _date BETWEEN ? AND ?
        GROUP BY ALL HAVING sum(fee) <> 0 ORDER BY ALL
        """,  # noqa: S608 - our own view
        [table, first, last],
    )


def describe(own: Days) -> Content:
    """A partition's fees."""
    return Content(
        [{name: value for name, value in row.items() if name != "_date"} for row in own.rows],
        sums(own.rows, "fee"),
        {BETWEEN: agreement(own.rows, own.beside or ())},
    )


def draw(days: Days) -> Picture:
    """Bars of each category, over all the days."""
    rows = [Fees(row["currency"], row["reporting_category"], row["fee"]) for row in days.rows]
    first = min((row["_date"] for row in days.rows), default=None)
    return draw_fees_by_category(
        rows, title=f"Fees by category since {first}" if first else "Fees by category"
    )


def agreement(rows: Sequence[Row], moved: Sequence[Row]) -> Verdict:
    """Whether the fees are what lies between gross and net, and what left the balance as a fee of its own."""
    charged = sums(rows, "fee", by=WHOSE)
    between: dict[tuple[str, ...], Decimal] = {}
    for row in moved:
        key = ("fee", *(row[name] for name in WHOSE))
        gross = Decimal(0) if row["reporting_category"] in OWN_FEES else row["gross"]
        between[key] = EXACT.add(between.get(key, Decimal(0)), EXACT.subtract(gross, row["net"]))
    wrong = [
        {
            "whose": whose(dict(zip(WHOSE, key[1:], strict=True))),
            "fees": money_text(charged.get(key, Decimal(0)), key[3]),
            "between": money_text(between.get(key, Decimal(0)), key[3]),
        }
        for key in sorted({*charged, *between}, key=str)
        if charged.get(key, Decimal(0)) != between.get(key, Decimal(0))
    ]
    if wrong:
        reason = f"The fees are not what lies between gross and net for {wrong[0]['whose']}."
        return Verdict(reason, wrong)
    return Verdict(f"The fees are what lies between gross and net in all {len(between)} currencies.")


FEES_BY_CATEGORY = Analysis(
    name="fees_by_category",
    about="What Stripe charged, by reporting category: fees of transactions, and those that are transactions "
    "of their own. The picture adds up the windows before it as well.",
    need=activity.ACTIVITY,
    columns=(
        *WHOSE_COLUMNS,
        dg.TableColumn("reporting_category", "string", "Stripe's reporting category."),
        dg.TableColumn("fee", "decimal", "Positive when charged."),
    ),
    checks={BETWEEN: "In every currency, the fees are what lies between gross and net of the same rows."},
    read=read,
    describe=describe,
    draw=draw,
    views=(FEES, DAILY_NET),
    beside=activity.ACTIVITY,
    read_beside=activity.read,
)
