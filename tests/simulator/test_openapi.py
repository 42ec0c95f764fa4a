"""Every answer has the shape of Stripe's own description of its API."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS30Validator

from connector.simulator import ManualClock, RunFails, Simulator
from connector.simulator.entries import Owner

RUNS = "/v1/reporting/report_runs"
TYPES = "/v1/reporting/report_types"
DESCRIPTION = Path(__file__).parents[2].parent / "shared" / "stripe" / "openapi-reporting.json"
Create = Callable[..., httpx.Response]
Check = Callable[[httpx.Response, str], None]


def meant(schema: Any) -> Any:
    """The description with `nullable` beside `anyOf` as Stripe means it.

    OpenAPI 3.0.3 gives `nullable` no effect without `type`; Stripe writes it there and sends null.
    """
    if isinstance(schema, list):
        return [meant(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    read = {key: meant(value) for key, value in schema.items()}
    if read.get("nullable") is True and isinstance(read.get("anyOf"), list):
        read["anyOf"].append({"enum": [None]})
    return read


@pytest.fixture(scope="module")
def assert_conforms() -> Check:
    """Check a response against the description of `GET path` or `POST path`."""
    if not DESCRIPTION.exists():
        pytest.skip("Stripe's OpenAPI description is not part of this repository")
    description: dict[str, Any] = meant(json.loads(DESCRIPTION.read_text(encoding="utf-8")))

    def check(response: httpx.Response, operation: str) -> None:
        method, path = operation.split()
        answers = description["paths"][path][method.lower()]["responses"]
        answer = answers.get(str(response.status_code), answers["default"])
        schema = answer["content"]["application/json"]["schema"]
        whole = {**schema, "components": description["components"]}
        problems = [error.message for error in OAS30Validator(whole).iter_errors(response.json())]
        assert problems == []

    return check


def day(http: httpx.Client) -> dict[str, int]:
    end = http.get(f"{TYPES}/balance.summary.1").json()["data_available_end"]
    return {"interval_start": end - 86_400, "interval_end": end}


@pytest.mark.parametrize("report_type", ["balance.summary.1", "balance_change_from_activity.itemized.3"])
def test_runs_conform_all_their_life(
    http: httpx.Client, create: Create, assert_conforms: Check, clock: ManualClock, report_type: str
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


def test_runs_without_an_interval_conform(
    sim: Simulator, http: httpx.Client, create: Create, assert_conforms: Check
) -> None:
    account = sim.connected_accounts[0]
    payout = sim.ledger(Owner(account, livemode=False)).payouts(as_of=day(http)["interval_end"])[0]
    family = "connected_account_payout_reconciliation.by_id"
    of_payout = create(f"{family}.itemized.4", connected_account=account, payout=payout.id)
    at_end = create("ending_balance_reconciliation.summary.1", interval_end=day(http)["interval_end"])

    assert (of_payout.status_code, at_end.status_code) == (200, 200)
    assert_conforms(of_payout, f"POST {RUNS}")
    assert_conforms(at_end, f"POST {RUNS}")


def test_a_failed_run_conforms(
    sim: Simulator, http: httpx.Client, create: Create, assert_conforms: Check
) -> None:
    sim.faults.add(RunFails(seconds=0))
    run = create("balance.summary.1", **day(http))

    assert run.json()["status"] == "failed"
    assert_conforms(run, f"POST {RUNS}")


def test_report_types_conform(http: httpx.Client, assert_conforms: Check) -> None:
    assert_conforms(http.get(TYPES), f"GET {TYPES}")
    assert_conforms(http.get(f"{TYPES}/balance.summary.1"), f"GET {TYPES}/{{report_type}}")


def test_errors_conform(http: httpx.Client, create: Create, assert_conforms: Check) -> None:
    assert_conforms(create("balance.summary.1", interval_start="x"), f"POST {RUNS}")
    assert_conforms(http.get(f"{RUNS}/frr_none"), f"GET {RUNS}/{{report_run}}")
    assert_conforms(
        httpx.Client(transport=http._transport).get(f"https://api.stripe.com{TYPES}"), f"GET {TYPES}"
    )
