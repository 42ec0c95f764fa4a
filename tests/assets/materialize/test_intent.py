"""What launching a partition means, as a table of cases."""

import pytest

from assets.dagster_runs.history import Recorded
from assets.dagster_runs.tags import Intent
from assets.materialize.intent import RefreshPlan, plan

DAY, RUN, OTHER = "2026-06-01", "frr_kept", "frr_earlier"
NOTHING: frozenset[str] = frozenset()

ENSURED = RefreshPlan(NOTHING, NOTHING)
ASKED_ANEW = RefreshPlan(frozenset({DAY}), NOTHING)
SETTLED = RefreshPlan(NOTHING, frozenset({DAY}))


def event(report_run: str, dagster_run: str) -> Recorded:
    return Recorded(DAY, report_run, dagster_run)


@pytest.mark.parametrize(
    ("events", "intent", "expected"),
    [
        pytest.param([], None, ENSURED, id="a-killed-process-left-it"),
        pytest.param([event(OTHER, "before")], None, ENSURED, id="only-an-older-file-is-recorded"),
        pytest.param([event(RUN, "before")], None, ASKED_ANEW, id="somebody-saw-it-and-asks-again"),
        pytest.param([event(RUN, "this")], None, SETTLED, id="an-earlier-attempt-of-this-run-did-it"),
        pytest.param([event(RUN, "root")], None, SETTLED, id="the-run-this-is-a-retry-of-did-it"),
        pytest.param([event(RUN, "this"), event(RUN, "before")], None, SETTLED, id="both"),
        pytest.param([event(RUN, "before")], Intent.ENSURE, SETTLED, id="ensure-is-content-with-it"),
        pytest.param([], Intent.REFRESH, ASKED_ANEW, id="refresh-asks-even-for-leftovers"),
        pytest.param([event(RUN, "this")], Intent.REFRESH, SETTLED, id="but-only-once-in-a-run"),
    ],
)
def test_what_launching_a_kept_partition_means(
    events: list[Recorded], intent: Intent | None, expected: RefreshPlan
) -> None:
    assert plan({DAY: RUN}, events, attempts={"this", "root"}, intent=intent) == expected


def test_a_partition_that_is_not_kept_is_left_to_ensure() -> None:
    assert plan({}, [], attempts={"this"}) == ENSURED
