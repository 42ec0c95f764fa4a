"""Which tables a month is made of, and which of their partitions it needs."""

from datetime import date

import pytest

from connector.accounts import AccountLife, AccountLists, AccountLives
from connector.close import Month
from connector.close.tables import Role, explain_missing, find_books, needs_beside, needs_of
from connector.dataset.identity import Dataset
from connector.errors import ConfigurationError
from connector.query import ReportQuery

JUNE = Month.of("2026-06")
DAYS = [f"2026-06-{day:02}" for day in range(1, 31)]


def table(report: str, *, account: str | None = None, by_account: bool = False, **given: object) -> Dataset:
    query = ReportQuery.of(report, by_account=by_account, **given)  # type: ignore[arg-type]
    return query.dataset(mode="live", account=account)


BALANCE = table("balance_summary")
ACTIVITY = table("balance_change_from_activity_itemized")
CONNECTED = table("connected_account_balance_summary", by_account=True)


def tables_of(*datasets: Dataset) -> list[dict[Role, str]]:
    return [{role: each.table for role, each in books.tables.items()} for books in find_books(datasets)]


@pytest.mark.parametrize("text", ["2026-6", "2026-00", "2026-13", "26-06", "2026-06-01", "0000-01", ""])
def test_a_month_is_written_as_year_and_month(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a month such as 2026-06"):
        Month.of(text)


def test_months_follow_each_other_over_the_end_of_a_year() -> None:
    assert [f"{each}" for each in (Month.of("2026-12").following, Month.of("2026-01").before)] == [
        *("2027-01", "2025-12"),
    ]
    assert Month.of("2028-02").last == date(2028, 2, 29)


@pytest.mark.parametrize(("zone", "month", "hours"), [
    ("America/New_York", "2026-03", 31 * 24 - 1),
    ("America/New_York", "2026-11", 30 * 24 + 1),
    ("Africa/Cairo", "2026-04", 30 * 24 - 1),
    ("Australia/Lord_Howe", "2026-04", 30 * 24),
    ("UTC", "2026-06", 30 * 24),
])  # fmt: skip
def test_windows_of_any_length_make_up_the_month(zone: str, month: str, hours: int) -> None:
    found = Month.of(month)

    assert len(found.partitions("hourly", zone)) == hours
    ends = {
        (cut[0].interval and cut[0].interval.start, cut[-1].interval and cut[-1].interval.end)
        for cut in (found.partitions(window, zone) for window in ("hourly", "daily", "monthly"))
    }
    assert len(ends) == 1


def test_the_balance_decides_the_zone_and_tables_of_another_one_are_named() -> None:
    new_york = table("payouts_itemized", zone="America/New_York")

    (books,) = find_books([BALANCE, ACTIVITY, new_york])

    assert books.tables == {Role.BALANCE: BALANCE, Role.ACTIVITY: ACTIVITY}
    assert list(books.lacking()) == [
        "There is no table of payouts beside balance_summary: payouts_itemized has windows of "
        "America/New_York, and balance_summary of UTC. Pull payouts_itemized."
    ]


def test_the_table_with_the_reports_own_name_counts() -> None:
    other = table("balance_summary", name="a_copy", window="monthly")
    usd = table("balance_change_from_activity_itemized", name="a_usd", filters={"currency": "usd"})
    refunds = table("payouts_itemized", filters={"reporting_category": "payout"})
    weeks = table("balance_summary", name="weeks", window="weekly")

    assert tables_of(other, BALANCE, usd, refunds, weeks, ACTIVITY) == [
        {Role.BALANCE: "balance_summary", Role.ACTIVITY: "balance_change_from_activity_itemized"}
    ]
    assert tables_of(weeks) == []


def test_what_is_filtered_by_one_currency_fits_to_its_like() -> None:
    usd = [
        table(report, name=f"{report}_usd", filters={"currency": "usd"})
        for report in ("balance_summary", "balance_change_from_activity_itemized")
    ]

    assert tables_of(*usd, table("payouts_itemized")) == [
        {Role.BALANCE: usd[0].table, Role.ACTIVITY: usd[1].table}
    ]


def test_the_books_of_each_account_are_their_own() -> None:
    acted_for = table("balance_summary", account="acct_1a", name="of_a")
    acting = table("balance_summary", name="of_each", acting=True)

    found = find_books([CONNECTED, acting, acted_for, BALANCE, ACTIVITY])

    assert [(each.connected, each.account, each.balance.table) for each in found] == [
        (False, "acct_1a", "of_a"),
        (False, "default", "balance_summary"),
        (False, "default", "of_each"),
        (True, "default", "connected_account_balance_summary"),
    ]
    assert [Role.ACTIVITY in each.tables for each in found] == [False, True, False, False]


def keys(account: str, *days: str) -> list[str]:
    return [f"{account}|{day}" for day in days]


def test_all_windows_of_the_month_are_needed() -> None:
    needs = needs_of(BALANCE, ["2026-05-31", *DAYS[:16], *DAYS[17:], "2026-07-01"], JUNE)

    assert needs.present == (*DAYS[:16], *DAYS[17:])
    assert needs.missing == {"": (DAYS[16],)}
    assert needs.begins == {}


def test_a_table_that_begins_later_lacks_the_whole_month() -> None:
    for there in ([], ["2026-07-01"]):
        assert needs_of(BALANCE, there, JUNE).missing == {"": tuple(DAYS)}


def test_an_account_needs_the_windows_of_its_life_or_all_since_its_first_file() -> None:
    lives = AccountLives((
        AccountLife("acct_1known", date(2026, 6, 10), date(2026, 6, 12)),
        AccountLife("acct_1without", date(2026, 6, 29)),
        AccountLife("acct_1later", date(2026, 7, 1)),
    ))  # fmt: skip
    lists = AccountLists({CONNECTED.table: [lives]})
    there = [
        *keys("acct_1known", "2026-06-10", "2026-06-12"),
        *keys("acct_1gone", "2026-05-01"),
        *keys("acct_1new", "2026-07-02"),
        *keys("acct_1begins", *DAYS[20:]),
    ]

    needs = needs_of(CONNECTED, there, JUNE, lists)

    assert needs.missing == {
        "acct_1known": ("acct_1known|2026-06-11",),
        "acct_1without": ("acct_1without|2026-06-29", "acct_1without|2026-06-30"),
        "acct_1gone": tuple(keys("acct_1gone", *DAYS)),
        "acct_1begins": tuple(keys("acct_1begins", *DAYS[:20])),
    }
    assert needs.begins == {"acct_1begins": "2026-06-21"}


def test_an_account_that_another_table_has_needs_the_windows_of_that_time() -> None:
    activity = table("connected_account_balance_change_from_activity_itemized", by_account=True)
    months = table("connected_account_payouts_itemized", by_account=True, window="monthly")
    tables = {Role.BALANCE: CONNECTED, Role.ACTIVITY: activity, Role.PAYOUTS: months}
    there = {Role.BALANCE: keys("acct_1a", *DAYS[27:]), Role.ACTIVITY: [], Role.PAYOUTS: []}
    found = {role: needs_of(tables[role], there[role], JUNE) for role in tables}

    needs = needs_beside(found, tables, JUNE)

    assert needs[Role.BALANCE] == found[Role.BALANCE]
    assert needs[Role.ACTIVITY].missing == {"acct_1a": tuple(keys("acct_1a", *DAYS[27:]))}
    assert needs[Role.PAYOUTS].missing == {"acct_1a": ("acct_1a|2026-06-01",)}


def test_what_brings_missing_windows_is_said_in_full() -> None:
    odd = table(
        "connected_account_balance_summary", name="odd", by_account=True, window="monthly",
        zone="America/New_York", filters={"currency": "usd"},
    )  # fmt: skip

    said = explain_missing(odd, ["acct_1a|2026-06-01"], account="acct_1a")

    assert said == (
        "odd lacks acct_1a|2026-06-01. Run: stripe-reports pull connected_account_balance.summary.1 "
        "--from 2026-06-01 --to 2026-07-01 --window monthly --zone America/New_York --name odd "
        "--connected-accounts acct_1a --filter currency=usd"
    )
