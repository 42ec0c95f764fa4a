"""Reports pulled the whole way from a Stripe in memory, and what the checks find."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connector.api.client import StripeClient
from connector.checks import CheckResult, Finding
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.partitions import Partition
from connector.query import ReportQuery
from connector.simulator import Match, Simulator
from tests.conftest import ClientFor, Pull
from tests.faults.file_editing import FileFault, Row, Table
from tests.support.checks import check_file
from tests.support.clock import ManualClock
from tests.support.partitions import days, missed

JUNE_1 = days("2026-06-01", 1)


@dataclass(frozen=True)
class Edited(FileFault):
    """The rows are as `edit_rows` leaves them."""

    edit_rows: Callable[[list[Row]], None]

    def edit(self, table: Table) -> None:
        self.edit_rows(table.rows)


@pytest.fixture
def simulator(clock: ManualClock) -> Simulator:
    """Runs end at once; data since May."""
    return Simulator(clock, seed=7, volume=3, run_seconds=0, opening=date(2026, 5, 1))


@pytest.fixture
def client(simulator: Simulator, client_for: ClientFor) -> StripeClient:
    """With a live key: fees exist in live mode only."""
    return client_for(simulator.handle, api_key="sk_live_checks")


def dataset_of(query: ReportQuery) -> Dataset:
    return query.dataset(mode="live", account=None)


def blank_rows(path: Path) -> None:
    """The first pages of a Parquet file are zeros: its rows cannot be read, its footer can."""
    content = path.read_bytes()
    path.write_bytes(content[:4] + bytes(96) + content[100:])


class Books:
    """Pulls reports and runs the checks on them."""

    def __init__(self, simulator: Simulator, pull: Pull, store: Store) -> None:
        self.simulator, self._pull, self.store = simulator, pull, store

    def pulled(
        self,
        report: str,
        *faults: FileFault,
        partitions: Sequence[Partition] = JUNE_1,
        **options: Any,
    ) -> ReportQuery:
        """Pull partitions, each with these faults in its file."""
        query = ReportQuery.of(report, **options)
        for fault in faults:
            self.simulator.faults.add(fault, Match(report_type=query.spec.id), times=len(partitions))
        events = self._pull(query, partitions)
        assert not missed(events)
        return query

    def findings(self, query: ReportQuery, period: str = "2026-06-01") -> Mapping[str, Finding]:
        """What the checks find in a period, by name of the check."""
        outcomes = check_file(self.store, dataset_of(query), query, period)
        return {each.check.name: each.finding for each in outcomes}

    def not_passed(self, query: ReportQuery, period: str = "2026-06-01") -> Mapping[str, Finding]:
        """Those that did not pass."""
        found = self.findings(query, period)
        return {name: each for name, each in found.items() if each.result is not CheckResult.PASSED}


@pytest.fixture
def books(simulator: Simulator, pull: Pull, store: Store) -> Books:
    return Books(simulator, pull, store)


def results(findings: Mapping[str, Finding]) -> dict[str, str]:
    return {name: each.result.value for name, each in findings.items()}
