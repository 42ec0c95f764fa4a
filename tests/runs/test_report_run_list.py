"""How far back Stripe's list of report runs is read."""

from datetime import timedelta
from itertools import count

import httpx

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
