"""The doctor's checks against a Stripe in memory, with a clock that stands and an empty directory."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.api.client import StripeClient
from connector.api.credentials import Hosts
from connector.doctor.diagnosis import Diagnosis, Level
from connector.doctor.examination import examine
from connector.doctor.permissions import IMPATIENT, ResponseLog
from connector.settings import Connection
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
def connection(tmp_path: Path) -> Connection:
    """A restricted key and an empty root."""
    return Connection(KEY, root=str(tmp_path / "data"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The directory in which configuration files are looked for."""
    here = tmp_path / "project"
    here.mkdir()
    return here


@pytest.fixture
def doctor(
    connection: Connection, project: Path, simulator: Simulator, client_for: ClientFor, clock: ManualClock
) -> Examine:
    """Check a healthy place, except for what a test changes."""

    def connected(key: str, hosts: Hosts, account: str | None, responses: ResponseLog) -> StripeClient:
        return client_for(
            simulator.handle, api_key=key, hosts=hosts, account=account, retry=IMPATIENT, observe=responses
        )

    def run(*reports: str, dagster_home: str | None = None, **changes: Any) -> Findings:
        return Findings(
            examine(
                replace(connection, **changes),
                clock,
                directory=project,
                dagster_home=dagster_home,
                reports=reports,
                connected=connected,
            )
        )

    return run


def texts(found: Sequence[Diagnosis]) -> str:
    """Everything that was said."""
    return "\n".join(f"{each.found}\n{each.advice}" for each in found)
