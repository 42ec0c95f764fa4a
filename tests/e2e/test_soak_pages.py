"""Dagster's pages as a person sees them, in a browser: what they say of good days and of a bad one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.simulator import Simulator
from connector.simulator.server import serve
from tests.e2e.browser import browsing, errors_on, open_page, text_of
from tests.e2e.conditions import until
from tests.e2e.deployment import SUMMARY, Deployment, Setup
from tests.faults.runs import RunFails
from tests.support.stripe import asking_for

pytestmark = pytest.mark.soak

_YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
_FIRST, _LAST, _BAD = (f"{_YESTERDAY - timedelta(days=ago)}" for ago in (6, 2, 1))
_ASSET = "/assets/stripe/balance_summary"
_PLACE = "/locations/__repository__@books"


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Five good days and one that fails, each in place; the sensor looks after yesterday."""
    simulator = Simulator(volume=3, run_seconds=0)
    simulator.faults.add(RunFails(), asking_for(_BAD), times=None)
    setup = Setup(
        _YESTERDAY - timedelta(days=6),
        reports=["balance.summary.1"],
        automation={"ask_by": "sensor", "look_back_days": 1, "refresh_after_days": []},
        component="assets.StripeReportsComponent",
    )
    place = tmp_path_factory.mktemp("pages")
    with serve(simulator) as stripe, Deployment(place, stripe, setup) as deployment:
        console = deployment.console
        until(
            lambda: any(tick.run_ids for tick in console.ticks("stripe_availability")),
            within=120,
            what="the sensor has requested yesterday",
        )
        until(lambda: all(each.has_ended for each in console.runs()), within=300, what="its run has ended")
        # After it: of runs side by side, Dagster shows the checks of the one that was launched last.
        run = console.launch_range(SUMMARY, _FIRST, _LAST)
        assert console.finished(run, within=300).status == "SUCCESS"
        yield deployment


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    """A page of a browser; without one the error says how to have it."""
    with browsing() as opened:
        yield opened


@pytest.mark.parametrize(
    ("address", "said"),
    [
        pytest.param(f"{_PLACE}/asset-groups/stripe", ["10 / 10 Passed", "balance_summary"], id="graph"),
        pytest.param(
            f"{_ASSET}?view=partitions&partition={_LAST}",
            ["sum of net_amount (movements only)", "ending_balance"],
            id="partition",
        ),
        pytest.param(f"{_ASSET}?view=checks", ["Succeeded", "closing_is_next_opening"], id="checks"),
        pytest.param(f"{_PLACE}/sensors/stripe_availability", ["1 run requested", "Running"], id="ticks"),
        pytest.param(f"{_PLACE}/sensors/stripe_late_reports", ["0 runs requested", "Running"], id="late"),
    ],
)
def test_a_page_says_what_there_is_and_shows_no_error(
    dagster: Deployment, page: Any, address: str, said: list[str]
) -> None:
    open_page(page, f"{dagster.console.url}{address}", said[0])

    text = text_of(page)
    assert [each for each in said if each not in text] == []
    assert "Skipped" not in text
    assert errors_on(page) == []


def test_the_page_of_a_run_that_failed_says_why_and_what_to_do(dagster: Deployment, page: Any) -> None:
    run = dagster.console.launch(SUMMARY, _BAD)
    dagster.console.finished(run, within=300)

    open_page(page, f"{dagster.console.url}/runs/{run}", "RUN_FAILURE")

    text = text_of(page)
    assert f"{_BAD}  failed: Stripe failed 3 report runs" in text
    assert "Materialize it again" in text
    assert errors_on(page) == []
