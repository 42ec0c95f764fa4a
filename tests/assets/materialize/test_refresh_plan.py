"""What materializing a partition means, as a table of cases."""

import pytest

from assets.dagster_runs.history import MaterializationEvent
from assets.dagster_runs.tags import INTENT_TAG, Intent
from assets.materialize.refresh_plan import RefreshPlan, plan_refresh
from assets.materialize.wish import Wish

DAY, RUN, OTHER = "2026-06-01", "frr_published", "frr_earlier"
NOTHING: frozenset[str] = frozenset()

ENSURED = RefreshPlan(NOTHING, NOTHING)
REFRESHED = RefreshPlan(frozenset({DAY}), NOTHING)
SETTLED = RefreshPlan(NOTHING, frozenset({DAY}))


def event(report_run: str, dagster_run: str) -> MaterializationEvent:
    return MaterializationEvent(DAY, report_run, dagster_run, storage_id=1, timestamp=0.0)


def wish(intent: Intent | None) -> Wish:
    return Wish(frozenset({"this", "root"}), None, {INTENT_TAG: intent} if intent else {})


@pytest.mark.parametrize(
    ("events", "intent", "expected"),
    [
        pytest.param([], None, ENSURED, id="a-killed-process-left-it"),
        pytest.param([event(OTHER, "before")], None, ENSURED, id="only-an-older-file-is-recorded"),
        pytest.param([event(RUN, "before")], None, REFRESHED, id="somebody-materializes-it-again"),
        pytest.param([event(RUN, "this")], None, SETTLED, id="an-earlier-attempt-of-this-run-did-it"),
        pytest.param([event(RUN, "root")], None, SETTLED, id="the-run-that-this-continues-did-it"),
        pytest.param([event(RUN, "this"), event(RUN, "before")], None, SETTLED, id="both"),
        pytest.param([event(RUN, "before")], Intent.ENSURE, SETTLED, id="ensure-is-content-with-it"),
        pytest.param([], Intent.REFRESH, REFRESHED, id="refresh-covers-leftovers-too"),
        pytest.param([event(RUN, "this")], Intent.REFRESH, SETTLED, id="but-only-once-in-a-run"),
    ],
)
def test_what_materializing_a_partition_with_a_file_means(
    events: list[MaterializationEvent], intent: Intent | None, expected: RefreshPlan
) -> None:
    assert plan_refresh([DAY], {DAY: RUN}, events, wish=wish(intent)) == expected


@pytest.mark.parametrize(
    ("intent", "expected"), [(None, ENSURED), (Intent.ENSURE, ENSURED), (Intent.REFRESH, REFRESHED)]
)
def test_a_partition_whose_file_is_gone_is_refreshed_where_the_run_says_so(
    intent: Intent | None, expected: RefreshPlan
) -> None:
    gone = [event(RUN, "before"), event(RUN, "root")]

    assert plan_refresh([DAY], {}, gone, wish=wish(intent)) == expected
