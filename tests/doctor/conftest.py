"""A doctor in an empty room: a Stripe in memory, a clock that stands, a directory of its own."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.api.client import StripeClient
from connector.api.credentials import Hosts
from connector.clock import Clock
from connector.doctor.diagnosis import Diagnosis, Level
from connector.doctor.examination import examine
from connector.doctor.permissions import IMPATIENT, ResponseLog
from connector.doctor.settings import Surroundings
from connector.simulator import Simulator
from tests.conftest import ClientFor
from tests.support.clock import ManualClock

KEY = "rk_test_51Recognisable"


class Findings(list[Diagnosis]):
    """What was said, to look things up in."""

    def of(self, subject: str) -> list[Diagnosis]:
        return [each for each in self if each.subject == subject]

    def the(self, subject: str) -> Diagnosis:
        (found,) = self.of(subject)
        return found

    def levels(self, subject: str) -> list[Level]:
        return [each.level for each in self.of(subject)]

    @property
    def broken(self) -> set[str]:
        return {each.subject for each in self if each.level is Level.FAIL}

    def say(self, text: str) -> bool:
        return any(text in f"{each.found}\n{each.advice}" for each in self)


Examine = Callable[..., Findings]


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    """A healthy place: a restricted key, an empty root, no Dagster."""
    here = tmp_path / "project"
    here.mkdir()
    return Surroundings(
        api_key=KEY,
        api_base=None,
        account=None,
        root=str(tmp_path / "data"),
        dagster_home=None,
        directory=here,
    )


@pytest.fixture
def doctor(
    surroundings: Surroundings, simulator: Simulator, client_for: ClientFor, clock: ManualClock
) -> Examine:
    """Examine the healthy place, but for what a test says."""

    def connected(key: str, hosts: Hosts, account: str | None, heard: ResponseLog) -> StripeClient:
        return client_for(
            simulator.handle, api_key=key, hosts=hosts, account=account, retry=IMPATIENT, observe=heard
        )

    def run(*reports: str, our_clock: Clock = clock, **changes: Any) -> Findings:
        place = replace(surroundings, reports=reports, **changes)
        return Findings(examine(place, our_clock, connected=connected))

    return run


def texts(found: Sequence[Diagnosis]) -> str:
    """Everything that was said."""
    return "\n".join(f"{each.found}\n{each.advice}" for each in found)
