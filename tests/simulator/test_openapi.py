"""Every answer has the shape of Stripe's own description of its API."""

from collections.abc import Callable

import httpx
import pytest
from openapi_schema_validator import OAS31Validator

from connector.simulator import Simulator
from tests.facts.reporting_api import schema_of_answer
from tests.faults.runs import RunFails
from tests.support.clock import ManualClock

RUNS = "/v1/reporting/report_runs"
TYPES = "/v1/reporting/report_types"
Create = Callable[..., httpx.Response]


def assert_conforms(response: httpx.Response, operation: str) -> None:
    """Check a response against the facts about `GET path` or `POST path`."""
    schema = schema_of_answer(operation, response.status_code)
    assert [error.message for error in OAS31Validator(schema).iter_errors(response.json())] == []


def day(http: httpx.Client) -> dict[str, int]:
    end = http.get(f"{TYPES}/balance.summary.1").json()["data_available_end"]
    return {"interval_start": end - 86_400, "interval_end": end}


@pytest.mark.parametrize("report_type", ["balance.summary.1", "balance_change_from_activity.itemized.3"])
def test_runs_conform_all_their_life(
    http: httpx.Client, create: Create, clock: ManualClock, report_type: str
) -> None:
    run = create(report_type, currency="usd", timezone="Asia/Tokyo", **day(http))
    assert_conforms(run, f"POST {RUNS}")
    clock.sleep(60)
    done = http.get(f"{RUNS}/{run.json()['id']}")
    assert done.json()["status"] == "succeeded"
    assert_conforms(done, f"GET {RUNS}/{{report_run}}")
    assert_conforms(http.get(RUNS), f"GET {RUNS}")
    assert_conforms(http.get("/v1/files"), "GET /v1/files")
    assert_conforms(http.get(f"/v1/files/{done.json()['result']['id']}"), "GET /v1/files/{file}")


def test_runs_without_an_interval_conform(sim: Simulator, http: httpx.Client, create: Create) -> None:
    account = sim.connected_accounts[0]
    payout = sim.ledger(account).payouts(as_of=day(http)["interval_end"])[0]
    family = "connected_account_payout_reconciliation.by_id"
    of_payout = create(f"{family}.itemized.4", connected_account=account, payout=payout.id)
    at_end = create("ending_balance_reconciliation.summary.1", interval_end=day(http)["interval_end"])

    assert (of_payout.status_code, at_end.status_code) == (200, 200)
    assert_conforms(of_payout, f"POST {RUNS}")
    assert_conforms(at_end, f"POST {RUNS}")


def test_a_failed_run_conforms(sim: Simulator, http: httpx.Client, create: Create) -> None:
    sim.faults.add(RunFails(seconds=0))
    run = create("balance.summary.1", **day(http))

    assert run.json()["status"] == "failed"
    assert_conforms(run, f"POST {RUNS}")


def test_report_types_conform(http: httpx.Client) -> None:
    assert_conforms(http.get(TYPES), f"GET {TYPES}")
    assert_conforms(http.get(f"{TYPES}/balance.summary.1"), f"GET {TYPES}/{{report_type}}")


def test_errors_conform(http: httpx.Client, create: Create) -> None:
    refused = create("balance.summary.1", interval_start="x")
    unknown = http.get(f"{RUNS}/frr_none")
    without_key = http.get(TYPES, auth=None)

    assert (refused.status_code, unknown.status_code, without_key.status_code) == (400, 404, 401)
    assert_conforms(refused, f"POST {RUNS}")
    assert_conforms(unknown, f"GET {RUNS}/{{report_run}}")
    assert_conforms(without_key, f"GET {TYPES}")
