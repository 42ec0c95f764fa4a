"""The lists of report runs of many accounts are read by turns, and none waits behind a large one."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.sensors.report_run_scan import (
    SCAN_CURSOR,
    AccountScans,
    ScanResult,
    TickBudget,
    WantedRun,
    scan_report_runs,
)
from connector.api.client import StripeClient
from connector.api.retry import RetryPolicy
from connector.errors import AuthenticationError
from connector.query import ReportQuery
from connector.simulator import SIMULATED_KEY
from tests.support.clock import NOON, ManualClock
from tests.support.partitions import days

LOOK_BACK = timedelta(days=7)
REQUEST = ReportQuery.of("balance_summary").request(days("2026-05-10", 1)[0])


class Lists:
    """A Stripe with lists of report runs: the request in question stands last in each.

    Attributes:
        pages: how many each account's list has.
        refused: accounts to the status with which their list is refused.
        read: the accounts whose pages were asked for, in order.
    """

    def __init__(self, pages: Mapping[str, int], refused: Mapping[str, int] | None = None) -> None:
        self.pages, self.refused, self.read = pages, refused or {}, list[str]()
        self.clock = ManualClock(NOON)
        http = httpx.Client(transport=httpx.MockTransport(self._answer))
        once = RetryPolicy(give_up_after=0.0)
        self.client = StripeClient(SIMULATED_KEY, http=http, clock=self.clock, retry=once)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        account = request.headers["stripe-account"]
        self.read.append(account)
        if status := self.refused.get(account):
            code = {"error": {"code": "account_invalid", "message": "no"}} if status == 403 else {}
            return httpx.Response(status, json=code)
        page = int(request.url.params.get("starting_after", "frr_0").rpartition("_")[2]) + 1
        last = page >= self.pages[account]
        asked = REQUEST.as_json() if last else {"report_type": "other.1", "parameters": {}}
        run = {"id": f"frr_{account[5:]}_{page}", "status": "succeeded", "created": 1, "livemode": False}
        file = {"id": "file_1", "created": 1, "size": 1, "purpose": "x"}
        return httpx.Response(200, json={"data": [run | asked | {"result": file}], "has_more": not last})

    def ticks(self, number: int, requests: int) -> Iterator[ScanResult]:
        """So many ticks, each with the cursor of the one before."""
        cursor: str | None = None
        wanted = [WantedRun(account, REQUEST) for account in self.pages]
        for _ in range(number):
            found = scan_report_runs(
                SCAN_CURSOR.parse(cursor),
                self.client,
                wanted,
                look_back=LOOK_BACK,
                budget=TickBudget(requests=requests, seconds=1000.0),
            )
            yield found
            cursor = SCAN_CURSOR.write(found.scans.remaining())


def found_in(scans: AccountScans, accounts: Mapping[str, int]) -> set[str]:
    """The accounts of which everything was read, and whose run was found in their own list."""
    found = {
        account: [run.id for run in scans.runs_of(WantedRun(account, REQUEST))]
        for account in accounts
        if scans.is_complete(WantedRun(account, REQUEST))
    }
    assert found == {account: [f"frr_{account[5:]}_{accounts[account]}"] for account in found}
    return set(found)


SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=12)


@given(SIZES, st.integers(1, 8))
def test_every_account_is_read_whole_within_its_share_of_ticks(sizes: list[int], requests: int) -> None:
    """One with three pages is done after three rounds of all accounts, whatever the others have."""
    pages = {f"acct_{number:02}": size for number, size in enumerate(sizes)}
    lists, done_at = Lists(pages), dict[str, int]()

    for tick, found in enumerate(lists.ticks(math.ceil(max(sizes) * len(sizes) / requests) + 1, requests), 1):
        for account in found_in(found.scans, pages):
            done_at.setdefault(account, tick)

    assert done_at.keys() == pages.keys()
    assert all(done_at[each] <= math.ceil(size * len(sizes) / requests) + 1 for each, size in pages.items())


@given(SIZES, st.integers(1, 8), st.integers(1, 6))
def test_no_account_is_asked_more_often_than_its_turn(sizes: list[int], requests: int, ticks: int) -> None:
    """Of accounts that are never done, each has as many pages as any other, or one less."""
    pages = {f"acct_{number:02}": 1000 for number, _ in enumerate(sizes)}
    lists = Lists(pages)

    assert len(list(lists.ticks(ticks, requests))) == ticks

    read = Counter(dict.fromkeys(pages, 0)) + Counter(lists.read)
    assert len(lists.read) == requests * ticks
    assert max(read.values()) - min(read.get(each, 0) for each in pages) <= 1


def test_a_tick_reads_no_more_than_its_budget_and_goes_on_behind_it() -> None:
    lists = Lists({f"acct_{number:02}": 1 for number in range(60)})

    first, second, third = lists.ticks(3, 25)

    assert len(lists.read) == 75
    assert [len(found_in(each.scans, lists.pages)) for each in (first, second, third)] == [25, 25, 25]
    assert set(lists.read[:60]) == lists.pages.keys()


@pytest.mark.parametrize("status", [403, 400, 500])
def test_a_list_that_cannot_be_read_holds_up_no_other(status: int) -> None:
    lists = Lists(dict.fromkeys(("acct_a", "acct_b", "acct_c"), 1), {"acct_a": status})

    (found,) = lists.ticks(1, 25)

    assert set(found.unread) == {"acct_a"}
    assert found.answered
    assert found_in(found.scans, lists.pages) == {"acct_b", "acct_c"}


def test_accounts_whose_lists_cannot_be_read_do_not_come_first_at_each_tick() -> None:
    lists = Lists(
        {f"acct_{number}": 1 for number in range(9)}, {f"acct_{number}": 500 for number in range(6)}
    )

    seen = [found_in(each.scans, lists.pages) for each in lists.ticks(3, 3)]

    assert seen == [set(), set(), {"acct_6", "acct_7", "acct_8"}]


def test_a_key_that_is_refused_is_asked_with_once() -> None:
    lists = Lists({"acct_a": 1, "acct_b": 1}, {"acct_a": 401, "acct_b": 401})

    with pytest.raises(AuthenticationError):
        list(lists.ticks(1, 25))

    assert lists.read == ["acct_a"]
