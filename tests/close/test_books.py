"""The sheets of a month are the simulator's books, to the last decimal."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from connector.accounts import AccountLives
from connector.close import Closing, CurrencySheet, Month, close_month
from connector.close.layout import laid_out
from connector.close.rows import Owner
from connector.dataset.store import Store
from connector.money import total
from connector.partitions import Windows
from connector.query import ReportQuery
from connector.simulator import Simulator
from connector.simulator.books.entries import Entry, Totals
from tests.conftest import ClientFor, Pull
from tests.support.clock import ManualClock
from tests.support.months import REPORTS, pull_month

Closed = Callable[..., Closing]

LIVE = "sk_live_closing"
FEES = "all_fees.balance_transaction_created.itemized.2"

#: A month with a day of 23 hours, which has no midnight in Cairo; one with a day of 25; one with a top-up.
SPRING, AUTUMN, TOP_UP = Month.of("2026-04"), Month.of("2025-11"), Month.of("2025-12")


@pytest.fixture
def simulator(clock: ManualClock) -> Simulator:
    clock.move_to(datetime(2026, 8, 8, 13, tzinfo=UTC))
    return Simulator(clock, seed=5, volume=2, opening=date(2025, 10, 20), run_seconds=0)


@pytest.fixture
def closed(pull: Pull, store: Store, simulator: Simulator, client_for: ClientFor) -> Closed:
    """With a live key, as fees exist in live mode only."""
    client = client_for(simulator.handle, api_key=LIVE)

    def close(month: Month, window: str, zone: str, *reports: str) -> Closing:
        pull_month(pull, month=month, window=window, zone=zone, reports=reports, client=client)
        return close_month(store, store.datasets(), month)

    return close


def bounds(month: Month, zone: str) -> tuple[int, int]:
    (whole,) = month.partitions("monthly", zone)
    assert whole.interval
    return int(whole.interval.start.timestamp()), int(whole.interval.end.timestamp())


def booked(simulator: Simulator, month: Month, zone: str, account: str | None = None) -> list[Entry]:
    start, end = bounds(month, zone)
    as_of = int(simulator.now().timestamp())
    return list(simulator.ledger(account).entries(start, end, as_of=as_of))


def balances(
    simulator: Simulator, month: Month, zone: str, account: str | None = None
) -> Iterator[dict[str, Totals]]:
    for at in bounds(month, zone):
        yield simulator.ledger(account).totals(at, as_of=int(simulator.now().timestamp()))


def equal_the_books(sheet: CurrencySheet, entries: list[Entry], before: Totals, after: Totals) -> bool:
    """Whether the sheet has what these entries of its currency add up to."""
    own = [each for each in entries if each.currency == sheet.currency]
    activity = [each for each in own if not each.is_payout]
    fees = [each.fee - (each.gross if each.category in {"fee", "network_cost"} else 0) for each in activity]
    by_category = {name: total(e.net for e in activity if e.category == name) for name in _names(activity)}
    paid_out = [each for each in own if each.is_payout]
    moved = after.minus(before)
    return (
        sheet.sums
        == {
            "opening": before.balance,
            "activity": moved.activity,
            "payouts": moved.payouts,
            "other": moved.topups,
            "closing": after.balance,
        }
        and sheet.fees.ledger == total(fees)
        and {each.category: each.net for each in sheet.categories or ()} == by_category
        and total(each.net for each in sheet.payouts or ()) == -total(each.net for each in paid_out)
        and (sheet.gap or Decimal(0), sheet.unexplained, sheet.activity_difference)
        == (Decimal(0), Decimal(0), Decimal(0))
    )


def _names(entries: list[Entry]) -> set[str]:
    return {each.category for each in entries}


def differing(closing: Closing, simulator: Simulator, zone: str) -> list[str]:
    """The currencies whose sheet is not what the books say."""
    entries = booked(simulator, closing.month, zone)
    before, after = balances(simulator, closing.month, zone)
    assert {each.currency for each in closing.sheets} == {"eur", "jpy", "kwd", "usd"}
    return [
        each.currency
        for each in closing.sheets
        if not equal_the_books(each, entries, before.get(each.currency, Totals()), after[each.currency])
    ]


@pytest.mark.parametrize(("month", "zone"), [(SPRING, "Africa/Cairo"), (AUTUMN, "America/New_York")])
def test_days_of_23_and_25_hours_make_up_a_month(
    closed: Closed, simulator: Simulator, month: Month, zone: str
) -> None:
    closing = closed(month, "daily", zone, *REPORTS[:3])

    assert closing.problems == ()
    assert differing(closing, simulator, zone) == []


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_one_file_of_a_month_with_all_that_can_be_there(
    closed: Closed, simulator: Simulator, zone: str
) -> None:
    closing = closed(TOP_UP, "monthly", zone, *REPORTS, FEES)

    assert closing.problems == ()
    assert differing(closing, simulator, zone) == []
    assert [each.currency for each in closing.sheets if each.other] == ["usd"]
    for each in closing.sheets:
        assert each.fees.difference == 0
        assert all(payout.difference == 0 for payout in each.tied or ())
        assert each.tied
    assert {each.currency: bool(each.fees.tax) for each in closing.sheets}["eur"]


def test_a_month_beside_its_days_and_hours(
    closed: Closed, pull: Pull, store: Store, simulator: Simulator, client_for: ClientFor
) -> None:
    closed(TOP_UP, "monthly", "Asia/Kolkata", REPORTS[0])
    closing = closed(TOP_UP, "daily", "Asia/Kolkata", *REPORTS[1:3])

    assert closing.problems == ()
    assert differing(closing, simulator, "Asia/Kolkata") == []


def test_activity_added_up_by_stripe_is_as_good(closed: Closed, simulator: Simulator) -> None:
    reports = ("balance_summary", "balance_change_from_activity_summary", "payouts_itemized")

    closing = closed(TOP_UP, "monthly", "UTC", *reports)

    assert closing.problems == ()
    assert differing(closing, simulator, "UTC") == []


def test_what_was_requested_without_the_columns_is_not_there_and_what_is_needed_is_a_problem(
    closed: Closed, pull: Pull, store: Store, client_for: ClientFor, simulator: Simulator
) -> None:
    columns = ["balance_transaction_id", "currency", "net", "reporting_category"]
    for report in (REPORTS[1], REPORTS[3]):
        query = ReportQuery.of(report, columns=columns, window="monthly")
        pull(query, TOP_UP.partitions("monthly", "UTC"), client=client_for(simulator.handle, api_key=LIVE))

    closing = closed(TOP_UP, "monthly", "UTC", REPORTS[0], REPORTS[2])

    assert closing.problems == (
        f"{REPORTS[1]} 2025-12-01 was requested without gross, fee. Pull it with its usual columns.",
    )
    assert [each.tied for each in closing.sheets] == [None] * 4
    notes = laid_out(closing, None, ()).pages[0].sections[-1].notes
    assert notes == (
        f"Contents of payouts: not there: {REPORTS[3]} was requested without automatic_payout_id.",
    )


def test_without_arrival_dates_nobody_knows_what_is_in_transit(
    closed: Closed, pull: Pull, client_for: ClientFor, simulator: Simulator
) -> None:
    columns = ["payout_id", "currency", "reporting_category", "gross", "fee", "net"]
    query = ReportQuery.of(REPORTS[2], columns=columns, window="monthly")
    pull(query, TOP_UP.partitions("monthly", "UTC"), client=client_for(simulator.handle, api_key=LIVE))

    closing = closed(TOP_UP, "monthly", "UTC", *REPORTS[:2])

    assert closing.problems == ()
    assert {each.in_transit for each in closing.sheets} == {None}
    assert all(each.payouts_difference == 0 for each in closing.sheets)


def test_payouts_are_tied_to_files_of_their_own_where_there_are_such(
    closed: Closed, pull: Pull, store: Store, simulator: Simulator, client_for: ClientFor
) -> None:
    start, end = bounds(TOP_UP, "UTC")
    paid = [
        each.id for each in simulator.ledger().arriving(start, end, as_of=int(simulator.now().timestamp()))
    ]
    *others, last = paid
    (earlier, *_) = simulator.ledger().arriving(0, start, as_of=end)
    query = ReportQuery.of("payout_reconciliation.by_id.itemized.4")
    client = client_for(simulator.handle, api_key=LIVE)
    pull(query, [query.payout(each) for each in (earlier.id, *others)], client=client)

    closing = closed(TOP_UP, "monthly", "UTC", *REPORTS[:3])

    assert closing.problems == ()
    tied = [each for sheet in closing.sheets for each in sheet.tied or ()]
    assert {each.payout: each.difference for each in tied} == {**dict.fromkeys(paid, Decimal(0)), last: None}
    assert {each.key for each in closing.inputs if each.table == query.name} == {*others}
    said = [note for page in laid_out(closing, None, ()).pages for note in page.sections[-1].notes]
    assert [each for each in said if "no transactions" in each] == [
        f"1 has no transactions in {query.name} and cannot be tied; those made by hand have none."
    ]


def test_payouts_of_their_own_files_count_where_the_other_table_has_nothing_of_the_month(
    closed: Closed, pull: Pull, store: Store, simulator: Simulator, client_for: ClientFor
) -> None:
    client = client_for(simulator.handle, api_key=LIVE)
    pull_month(pull, month=AUTUMN, window="monthly", reports=REPORTS[3:], following=False, client=client)
    start, end = bounds(TOP_UP, "UTC")
    (first, *_) = simulator.ledger().arriving(start, end, as_of=int(simulator.now().timestamp()))
    query = ReportQuery.of("payout_reconciliation.by_id.itemized.4")
    pull(query, [query.payout(first.id)], client=client)

    closing = closed(TOP_UP, "monthly", "UTC", *REPORTS[:3])

    assert closing.problems == ()
    tied = [each for sheet in closing.sheets for each in sheet.tied or ()]
    assert [each.payout for each in tied if each.contents is not None] == [first.id]


def test_accounts_that_are_acted_for_have_a_sheet_each(
    pull: Pull, store: Store, simulator: Simulator, client_for: ClientFor
) -> None:
    accounts = simulator.connected_accounts[:2]
    windows = TOP_UP.partitions("monthly", "UTC")
    for report in REPORTS[:3]:
        query = ReportQuery.of(report, window="monthly", acting=True)
        pull(query, query.each_account(windows, accounts), client=client_for(simulator.handle))

    closing = close_month(store, store.datasets(), TOP_UP)

    assert closing.problems == ()
    for account in accounts:
        entries = booked(simulator, TOP_UP, "UTC", account)
        before, after = balances(simulator, TOP_UP, "UTC", account)
        sheets = [each for each in closing.sheets if each.owner == Owner(account)]
        assert sheets
        assert all(
            equal_the_books(each, entries, before.get(each.currency, Totals()), after[each.currency])
            for each in sheets
        )


def test_an_account_that_one_table_has_is_expected_in_the_others(
    pull: Pull, store: Store, simulator: Simulator, client_for: ClientFor
) -> None:
    one, two = simulator.connected_accounts[:2]
    windows = TOP_UP.partitions("monthly", "UTC")
    for report, accounts in zip(REPORTS[:3], ([one], [one, two], [two]), strict=True):
        query = ReportQuery.of(report, window="monthly", acting=True)
        pull(
            query, query.each_account(windows, AccountLives.of(accounts)), client=client_for(simulator.handle)
        )

    closing = close_month(store, store.datasets(), TOP_UP)

    assert [each.partition(". Run")[0] for each in closing.problems] == [
        f"{REPORTS[0]} lacks {two}|2025-12-01",
        f"{REPORTS[2]} lacks {one}|2025-12-01",
    ]
    assert [each.split()[-1] for each in closing.problems] == [two, one]


def test_each_connected_account_has_its_books(
    pull: Pull, store: Store, simulator: Simulator, client_for: ClientFor
) -> None:
    accounts = simulator.connected_accounts[:2]
    client = client_for(simulator.handle)
    pull_month(pull, month=TOP_UP, window="monthly", client=client)
    connected = [f"connected_account_{each}" for each in REPORTS]
    pull_month(pull, month=TOP_UP, window="monthly", reports=connected[:1], accounts=accounts, client=client)
    # One file of all, whose rows say whose they are.
    pull_month(pull, month=TOP_UP, window="monthly", reports=connected[1:2], client=client)
    pull_month(pull, month=TOP_UP, window="monthly", reports=connected[2:], accounts=accounts, client=client)

    closing = close_month(store, store.datasets(), TOP_UP)
    later = close_month(store, store.datasets(), Month.of("2027-03"), now=simulator.now())

    assert later.problems == ("2027-03 has not begun: its first day is 2027-03-01, on the calendar of UTC.",)
    own = Owner("default")
    assert {each.owner for each in closing.sheets} >= {own, *(Owner("default", each) for each in accounts)}
    for owner, account in [(own, None), *((Owner("default", each), each) for each in accounts)]:
        entries = booked(simulator, TOP_UP, "UTC", account)
        before, after = balances(simulator, TOP_UP, "UTC", account)
        sheets = [each for each in closing.sheets if each.owner == owner]
        assert sheets
        assert [
            (owner, each.currency)
            for each in sheets
            if not equal_the_books(each, entries, before.get(each.currency, Totals()), after[each.currency])
        ] == []


def test_tables_filtered_by_one_connected_account_are_its_books(
    pull: Pull, store: Store, simulator: Simulator, client_for: ClientFor
) -> None:
    account, client = simulator.connected_accounts[0], client_for(simulator.handle)
    for report in REPORTS[:3]:
        query = ReportQuery.of(
            f"connected_account_{report}", window="monthly", filters={"connected_account": account}
        )
        pull(query, TOP_UP.partitions("monthly", "UTC"), client=client)

    closing = close_month(store, store.datasets(), TOP_UP)

    assert closing.problems == ()
    assert {each.owner for each in closing.sheets} == {Owner("default", account)}


def test_an_account_that_begins_within_the_month_lacks_nothing_before_nor_does_a_currency(
    pull: Pull, store: Store, simulator: Simulator, client_for: ClientFor, clock: ManualClock
) -> None:
    october = Month.of("2025-10")
    at = int(datetime(2025, 10, 27, 9, tzinfo=UTC).timestamp())
    pounds = Entry("txn_1gbp", "contribution", at, at, "gbp", Decimal("-3.07"), Decimal(0), "adj_1", None)
    simulator.book_late(pounds)
    clock.sleep(timedelta(days=1).total_seconds())
    client = client_for(simulator.handle)
    windows = Windows("daily").between(date(2025, 10, 20), date(2025, 11, 2))
    for report in REPORTS[:3]:
        pull(ReportQuery.of(report), windows, client=client)

    closing = close_month(store, store.datasets(), october)

    assert closing.problems == ()
    assert {each.opening for each in closing.sheets} == {Decimal(0)}
    assert {each.currency: (each.closing, each.next_opening) for each in closing.sheets}["gbp"] == (
        pounds.net,
        pounds.net,
    )
    assert closing.parts[0].remarks[0] == (
        "own account begins on 2025-10-20 with a balance of zero; nothing is expected before."
    )


@pytest.mark.parametrize("window", ["hourly", "daily", "monthly"])
def test_what_begins_within_a_window_is_expected_in_that_window(
    pull: Pull, store: Store, simulator: Simulator, client_for: ClientFor, window: str
) -> None:
    client = client_for(simulator.handle)
    days = Windows("daily").between(date(2025, 10, 20), date(2025, 11, 2))
    for report in (REPORTS[0], REPORTS[2]):
        pull(ReportQuery.of(report), days, client=client)
    (later, *_) = Month.of("2025-11").partitions(window, "UTC")
    pull(ReportQuery.of(REPORTS[1], window=window), [later], client=client)

    (problem,) = close_month(store, store.datasets(), Month.of("2025-10")).problems

    first = {"hourly": "2025-10-20-00:00,", "daily": "2025-10-20 to", "monthly": "2025-10-01."}[window]
    assert problem.startswith(f"{REPORTS[1]} lacks {first}")


def test_one_that_begins_with_money_lacks_what_comes_before(
    pull: Pull, store: Store, simulator: Simulator, client_for: ClientFor
) -> None:
    client = client_for(simulator.handle)
    windows = Windows("daily").between(date(2025, 10, 25), date(2025, 11, 2))
    for report in REPORTS[:3]:
        pull(ReportQuery.of(report), windows, client=client)

    closing = close_month(store, store.datasets(), Month.of("2025-10"))

    assert [each.partition(".")[0] for each in closing.problems] == [
        f"{report} lacks 2025-10-01 to 2025-10-24" for report in REPORTS[:3]
    ]


def test_a_month_that_is_not_over_says_when_it_will_be_and_lacks_what_has_ended(
    pull: Pull, store: Store, simulator: Simulator, client_for: ClientFor, clock: ManualClock
) -> None:
    client = client_for(simulator.handle)
    clock.move_to(datetime(2025, 11, 7, 11, tzinfo=UTC))
    days = Windows("daily", "Europe/London").between(date(2025, 11, 1), date(2025, 11, 6))
    for report, lacking in zip(REPORTS[:3], ("", "2025-11-03", ""), strict=True):
        wanted = [each for each in days if each.key != lacking]
        pull(ReportQuery.of(report, zone="Europe/London"), wanted, client=client)

    closing = close_month(store, store.datasets(), Month.of("2025-11"), now=clock.now())

    assert closing.problems == (
        "2025-11 is not over: its last day is 2025-11-30, on the calendar of Europe/London. It can be closed "
        "from 2025-12-01 on, once the files of that day are there.",
        f"{REPORTS[1]} lacks 2025-11-03. Run: stripe-reports pull balance_change_from_activity.itemized.3 "
        "--from 2025-11-03 --to 2025-11-04 --zone Europe/London",
    )
    page = laid_out(closing, None, ()).pages[0]
    assert "Ending balance (2025-11-05)" in [row[0] for row in page.sections[0].rows]


def test_an_account_in_which_nothing_happened_is_named(
    pull: Pull, store: Store, simulator: Simulator, client_for: ClientFor
) -> None:
    client = client_for(simulator.handle)
    for report in REPORTS[:3]:
        query = ReportQuery.of(report, window="monthly", filters={"currency": "gbp"})
        pull(query, TOP_UP.partitions("monthly", "UTC"), client=client)

    closing = close_month(store, store.datasets(), TOP_UP)

    assert (closing.sheets, closing.problems) == ((), ())
    assert closing.parts[0].remarks == ("own account has no balance in any currency, and nothing moved.",)
