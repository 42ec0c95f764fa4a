"""The census of what a backfill has left says what is wrong with it, and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import obstore
import pytest

from connector.cli import main
from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.server import serve
from tests.e2e.console import Asset, Console, Materialization
from tests.scale.census import Partition, partitions_asked_for, what_is_wrong
from tests.support.buckets import Bucket, new_bucket
from tests.support.clock import ManualClock

ASSET: Asset = ("stripe", "balance_summary")
DAYS = ["2026-06-01", "2026-06-02"]


class Dagster(Console):
    """A Dagster that says what it is made to say."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1")
        self.events: list[Materialization] = []
        self.green = dict.fromkeys(DAYS, "MATERIALIZED")

    def materializations(self, asset: Asset, partitions: Sequence[str]) -> list[Materialization]:  # noqa: ARG002
        return self.events

    def partition_statuses(self, asset: Asset, partitions: Sequence[str]) -> Mapping[str, str]:  # noqa: ARG002
        return self.green


@dataclass
class World:
    """Two days of a report, right in every respect until a test changes one."""

    simulator: Simulator
    bucket: Bucket
    dagster: Dagster

    def found(self) -> list[str]:
        return list(what_is_wrong(self.simulator, self.dagster, self.bucket, [ASSET], DAYS))

    def file(self, day: str) -> str:
        (found,) = [key for key in self.bucket.objects() if f"period={day}/" in key]
        return found

    def content(self, day: str) -> bytes:
        return bytes(obstore.get(self.bucket.store(), self.file(day)).bytes())


@pytest.fixture
def world(moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    simulator = Simulator(
        ManualClock(datetime(2026, 7, 1, tzinfo=UTC)), volume=2, opening=date(2026, 5, 1), run_seconds=0
    )
    bucket, dagster = new_bucket(moto), Dagster()
    with serve(simulator) as stripe, dagster:
        for name, value in {**bucket.environment(), "STRIPE_API_BASE": stripe}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("STRIPE_API_KEY", SIMULATED_KEY)
        pull(bucket)
        for run in simulator.runs:
            said = {"stripe/report_run_id": run.id}
            dagster.events.append(Materialization(Partition.of(run).day, "a run", said, {}))
        yield World(simulator, bucket, dagster)


def pull(bucket: Bucket, *more: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(
            ["pull", "balance_summary", "--from", DAYS[0], "--to", "2026-06-03", "--root", bucket.url, *more]
        )
    assert ended.value.code == 0


def test_nothing_is_wrong_where_all_is_right(world: World) -> None:
    assert world.found() == []
    assert sorted(each.day for each in partitions_asked_for(world.simulator)) == DAYS


def test_a_second_event_is_found(world: World) -> None:
    (again, *_) = world.dagster.events
    world.dagster.events.append(again)

    assert world.found() == [f"balance_summary {again.partition}: 2 materializations"]


def test_green_without_a_file_is_found(world: World) -> None:
    obstore.delete(world.bucket.store(), world.file(DAYS[1]))

    assert world.found() == [f"balance_summary {DAYS[1]}: no file, and Dagster says it is there"]


def test_a_file_that_is_not_green_is_found(world: World) -> None:
    del world.dagster.green[DAYS[0]]

    assert world.found() == [f"balance_summary {DAYS[0]}: Dagster does not show it as materialized"]


def test_a_torn_file_is_found(world: World) -> None:
    obstore.put(world.bucket.store(), world.file(DAYS[0]), world.content(DAYS[0])[:-100])

    (found,) = world.found()
    assert found.startswith(f"balance_summary {DAYS[0]}: the file cannot be read")


def test_the_sums_of_another_day_are_found(world: World) -> None:
    obstore.put(world.bucket.store(), world.file(DAYS[0]), world.content(DAYS[1]))

    assert any("adds up to" in each for each in world.found())


def test_what_the_next_process_would_sweep_is_found(world: World) -> None:
    obstore.put(world.bucket.store(), "reports/.staging/1.parquet", b"")

    assert world.found() == ["reports/.staging/1.parquet: does not belong there"]


def test_a_second_report_run_for_a_window_is_found(world: World) -> None:
    pull(world.bucket, "--force")

    assert any("2 report runs" in each for each in world.found())


def test_a_window_that_nobody_asked_for_is_found(world: World) -> None:
    found = list(what_is_wrong(world.simulator, world.dagster, world.bucket, [ASSET], [*DAYS, "2026-06-03"]))

    assert found == ["balance_summary 2026-06-03: never requested"]
