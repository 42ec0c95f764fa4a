"""Pulls of windows that touch the bounds of Stripe's data, which it may take or refuse."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.server import serve
from tests.cli.conftest import Run
from tests.support.clock import ManualClock


@pytest.fixture(params=[False, True], ids=["bounds-included", "bounds-excluded"])
def excluded(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def stripe(clock: Any, monkeypatch: pytest.MonkeyPatch, run: Run, excluded: bool) -> Iterator[Simulator]:
    """Data from midnight in Berlin, at the beginning of June, until the end of the 6th by UTC."""
    simulator = Simulator(
        clock, seed=7, volume=3, opening=date(2026, 5, 1), run_seconds=0, bounds_excluded=excluded
    )
    simulator.set_available_from("balance.summary.1", datetime(2026, 5, 31, 22, tzinfo=UTC))
    with serve(simulator) as url:
        monkeypatch.setenv("STRIPE_API_BASE", url)
        monkeypatch.setenv("STRIPE_API_KEY", SIMULATED_KEY)
        yield simulator


def pull(run: Run, first: str, after: str, *options: str) -> tuple[int, str]:
    """The exit code, and all that was printed."""
    ran = run("pull", "balance_summary", "--from", first, "--to", after, *options)
    return ran.code, " ".join((ran.out + ran.err).split())


BERLIN = ("--zone", "Europe/Berlin")


def test_the_first_day_by_utc_is_before_the_data_and_names_the_zone_of_their_beginning(
    run: Run, stripe: Simulator
) -> None:
    code, said = pull(run, "2026-05-31", "2026-06-01")

    assert code == 5
    assert "`zone: Europe/Berlin`" in said
    assert not stripe.runs


def test_the_first_day_in_that_zone_is_there_or_is_said_never_to_come(
    run: Run, stripe: Simulator, excluded: bool
) -> None:
    assert pull(run, "2026-06-01", "2026-06-02", *BERLIN)[0] == (5 if excluded else 0)
    assert pull(run, "2026-06-02", "2026-06-04", *BERLIN)[0] == 0


def test_the_newest_day_is_there_or_comes_half_a_day_later(
    run: Run, stripe: Simulator, clock: ManualClock, excluded: bool
) -> None:
    code, said = pull(run, "2026-06-05", "2026-06-07")
    clock.move_to(datetime(2026, 6, 8, 0, 5, tzinfo=UTC))

    assert code == (4 if excluded else 0)
    assert ("expected by 2026-06-08 00:00 UTC" in said) is excluded
    assert pull(run, "2026-06-05", "2026-06-07")[0] == 0
