"""`balance_over_time`: what each window opened and closed with, and what moved the balance in between."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import duckdb

from assets.analytics.analysis import (
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
from connector.money import EXACT, money_text, total
from connector.pictures import Balance, Picture, draw_balance_over_time
from connector.sql.views.balances import NAME

BALANCE = Need(("balance.summary",), ("category", "currency", "net_amount"))

ADDS_UP = "opening_and_movements_make_closing"

_MOVED = ("activity", "payouts", "topups", "other")


def read(connection: duckdb.DuckDBPyConnection, table: str, first: date, last: date) -> list[Row]:
    """The balances of each day; of several windows of a day, its first opening and its last closing."""
    moved = ", ".join(f"sum({name}) AS {name}" for name in _MOVED)
    return fetch(
        connection,
        f"""
        SELECT account, connected_account, currency, _date,
            coalesce(arg_min(opening, _interval_start), 0) AS opening, {moved},
            coalesce(arg_max(closing, _interval_start), 0) AS closing
        FROM {NAME} WHERE "table" = ? AND _date BETWEEN ? AND ?
        GROUP BY ALL ORDER BY ALL
        """,  # noqa: S608 - our own view
        [table, first, last],
    )


def describe(own: Days) -> Content:
    """A partition's balances."""
    return Content(
        [{name: value for name, value in row.items() if name != "_date"} for row in own.rows],
        sums(own.rows, "opening", "activity", "payouts", "closing"),
        {ADDS_UP: adds_up(own.rows)},
    )


def draw(days: Days) -> Picture:
    """A line of closing balances."""
    rows = [Balance(row["_date"], row["currency"], row["closing"]) for row in days.rows]
    return draw_balance_over_time(rows)


def adds_up(rows: Sequence[Row]) -> Verdict:
    """Whether each balance closes with what it opened with and what moved it."""
    wrong = []
    for row in rows:
        explained = total([row["opening"], *(row[name] for name in _MOVED)])
        if explained != row["closing"]:
            difference = EXACT.subtract(row["closing"], explained)
            wrong.append(
                {
                    "whose": whose(row),
                    "closing": money_text(row["closing"], row["currency"]),
                    "difference": money_text(difference, row["currency"]),
                }
            )
    if wrong:
        return Verdict(
            f"{wrong[0]['whose']} closes with {wrong[0]['difference']} that nothing explains.",
            wrong,
        )
    return Verdict(f"All {len(rows)} balances close with what they opened with and what moved them.")


BALANCE_OVER_TIME = Analysis(
    name="balance_over_time",
    about="The balance that each window opened and closed with, and what moved it in between. The picture "
    "has the windows before it as well.",
    need=BALANCE,
    columns=(
        *WHOSE_COLUMNS,
        dg.TableColumn("opening", "decimal", "The balance at the start."),
        dg.TableColumn("activity", "decimal", "What moved it except payouts and top-ups, after fees."),
        dg.TableColumn("payouts", "decimal", "Negative when money leaves the balance."),
        dg.TableColumn("topups", "decimal", "Positive when money comes in from the bank."),
        dg.TableColumn("other", "decimal", "Movements that are none of these."),
        dg.TableColumn("closing", "decimal", "The balance at the end."),
    ),
    checks={ADDS_UP: "In every currency, opening and movements add up to the closing balance."},
    read=read,
    describe=describe,
    draw=draw,
    views=(NAME,),
)
