"""How far back Stripe's list of report runs is read."""

from datetime import timedelta
from itertools import count
from typing import Any

import httpx
from hypothesis import example, given
from hypothesis import strategies as st

from connector.api.models import ReportRequest, epoch
from connector.query import ReportQuery
from connector.runs.adoption import PartitionRequest
from connector.runs.progress import PartitionProgress
from connector.runs.report_run_list import LOOK_BACK, MOST_PAGES, find_runs
from tests.conftest import ClientFor
from tests.support.clock import NOON
from tests.support.partitions import days


def test_a_list_without_end_is_read_for_so_many_pages_and_days(client_for: ClientFor) -> None:
    asked: list[httpx.QueryParams] = []
    ids = (f"frr_{number}" for number in count())

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params)
        theirs = {
            "report_type": "x.1",
            "parameters": {},
            "status": "pending",
            "created": 1,
            "livemode": False,
        }
        return httpx.Response(200, json={"data": [{"id": next(ids)} | theirs], "has_more": True})

    (day,) = days("2026-05-10", 1)
    request = ReportQuery.of("balance_summary").request(day)
    wanted = PartitionRequest(day, request)
    item = PartitionProgress(wanted, (request,), NOON, None, timedelta(hours=6))

    read = find_runs(client_for(handle), [item])

    assert len(read) == len(asked) == MOST_PAGES
    assert {each["created[gte]"] for each in asked} == {str(int((NOON - LOOK_BACK).timestamp()))}


DAYS = days("2026-05-10", 2)
REQUESTS = [ReportQuery.of("balance_summary").request(day) for day in DAYS]
#: As Stripe may show them: without the columns.
ECHOES = [
    ReportRequest.of(each.report_type, {name: value for name, value in each.parameters if name != "columns"})
    for each in REQUESTS
]
PAGE = 2


def listed(number: int, day: int, status: str, *, echoed: bool) -> dict[str, Any]:
    made = epoch(NOON) - 60 * number
    asked = (ECHOES if echoed else REQUESTS)[day]
    return {
        "id": f"frr_{number}",
        "report_type": asked.report_type,
        "parameters": asked.as_json()["parameters"],
        "status": status,
        "created": made,
        "livemode": False,
        "result": {"id": "file_1", "created": made, "size": 1, "purpose": "x"},
    }


@given(
    kinds=st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from(["failed", "pending", "succeeded"]), st.booleans()),
        max_size=7,
    )
)
@example(kinds=[(0, "failed", False), (1, "pending", True), (0, "failed", True), (0, "succeeded", True)])
def test_the_list_is_read_until_each_partition_has_a_run_to_adopt(
    client_for: ClientFor, kinds: list[tuple[int, str, bool]]
) -> None:
    """However a run shows its request; one that failed is no reason to stop, and no page more is read."""
    runs = [listed(number, day, status, echoed=echoed) for number, (day, status, echoed) in enumerate(kinds)]

    def handle(request: httpx.Request) -> httpx.Response:
        after = request.url.params.get("starting_after")
        first = next((n + 1 for n, each in enumerate(runs) if each["id"] == after), 0)
        page = {"data": runs[first : first + PAGE], "has_more": first + PAGE < len(runs)}
        return httpx.Response(200, json=page)

    items = [
        PartitionProgress(PartitionRequest(day, asked), (asked, echo), NOON, None, timedelta(hours=6))
        for day, asked, echo in zip(DAYS, REQUESTS, ECHOES, strict=True)
    ]
    read = find_runs(client_for(handle), items)

    usable = [
        next((n for n, (day, status, _) in enumerate(kinds) if day == whose and status != "failed"), None)
        for whose in (0, 1)
    ]
    assert [item.choose(NOON) is not None for item in items] == [each is not None for each in usable]
    last = len(kinds) - 1 if None in usable else max(each for each in usable if each is not None)
    assert len(read) == min(len(kinds), (last // PAGE + 1) * PAGE)
