"""A directory with a month of reports, and the simulated Stripe they came from, shared by all snippets."""

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from connector.cli import main
from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.server import serve
from tests.support.clock import ManualClock

#: When the June of the READMEs is complete.
TODAY = datetime(2026, 7, 3, 13, tzinfo=UTC)


@pytest.fixture(scope="package")
def stripe() -> Iterator[str]:
    """The address of a small Stripe that answers at once."""
    simulator = Simulator(ManualClock(TODAY), seed=7, volume=2, opening=date(2026, 5, 1), run_seconds=0)
    with serve(simulator) as url:
        yield url


@pytest.fixture(scope="package")
def pulled(stripe: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the top README's first report was pulled."""
    place = tmp_path_factory.mktemp("somebodys")
    with at(place, stripe):
        run("pull", "balance_summary", "--from", "2026-06-01", "--to", "2026-07-01")
    return place


@pytest.fixture
def here(stripe: str, pulled: Path) -> Iterator[Path]:
    """The test's current directory is the one with the reports, and the settings lead to its Stripe."""
    with at(pulled, stripe):
        yield pulled


@contextlib.contextmanager
def at(place: Path, stripe: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("STRIPE_", "DAGSTER_"))]:
            patch.delenv(name)
        patch.setenv("STRIPE_API_BASE", stripe)
        patch.setenv("STRIPE_API_KEY", SIMULATED_KEY)
        patch.chdir(place)
        yield


def run(*arguments: str) -> int:
    """The exit code of the command."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code
