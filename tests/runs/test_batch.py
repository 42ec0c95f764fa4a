"""What a batch makes of the runs that Stripe shows."""

from typing import Any

from connector.api.client import StripeClient
from connector.api.models import ReportRequest
from connector.query import ReportQuery
from connector.runs.adoption import PartitionRequest
from connector.runs.batch import RunBatch
from connector.runs.events import Asked, Origin
from connector.simulator import Simulator
from tests.faults.network import EditJson
from tests.support.partitions import days
from tests.support.workers import InlineWorkers


def test_a_run_that_shows_the_columns_stripe_chose_is_one_that_left_the_choice_to_stripe(
    simulator: Simulator, client: StripeClient
) -> None:
    (day,) = days("2026-05-10", 1)
    asked = dict(ReportQuery.of("balance_summary").request(day).parameters)
    bounds = ReportRequest.of("balance.summary.1", {**asked, "columns": None})
    run = client.create_report_run(bounds, idempotency_key="theirs")
    chosen = list(client.report_type("balance.summary.1").default_columns or ())

    def show(body: dict[str, Any]) -> None:
        for each in body["data"]:
            each["parameters"]["columns"] = chosen

    simulator.faults.add(EditJson(show), "GET */report_runs", times=None)
    batch = RunBatch(
        client, [PartitionRequest(day, bounds)], creators=InlineWorkers(), pollers=InlineWorkers()
    )

    assert batch.open() == [Asked(day, run.id, Origin.ADOPTED)]
