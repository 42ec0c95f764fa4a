"""Dagster's event log in SQLite while a step holds it open: what is stored stays the same, for less."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import OperationalError

from assets import ConfiguredReport, build_report_asset
from assets.materialize.open_log import event_log_open, over_one_connection, written_together
from connector.clock import Clock
from connector.simulator import Simulator
from tests.faults.files import UnbalancedRow, WrongClosing
from tests.support.dagster import Orchestra, configured
from tests.support.stripe import asking_for

FIRST, SECOND, THIRD, LAST = "2026-06-01", "2026-06-02", "2026-06-03", "2026-06-06"
BALANCE, ITEMS = "balance.summary.1", "balance_change_from_activity.itemized.3"

#: What the index of all runs has of events, without what differs from one Dagster to the next.
STORED = (
    "SELECT dagster_event_type, step_key, asset_key, partition FROM event_logs",
    "SELECT asset_key, last_materialization IS NOT NULL FROM asset_keys",
    "SELECT asset_key, key, value FROM asset_event_tags WHERE key NOT LIKE '%input%'",
    "SELECT e.asset_key, e.check_name, e.partition, e.execution_status, t.dagster_event_type, t.partition"
    " FROM asset_check_executions AS e"
    " LEFT JOIN event_logs AS t ON t.id = e.materialization_event_storage_id",
)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dagster_at(tmp_path / "home # 20%") as instance:
        yield instance


@contextmanager
def dagster_at(home: Path) -> Iterator[dg.DagsterInstance]:
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        yield instance


def compared(*reports: str) -> list[dg.AssetsDefinition]:
    """Assets that are compared with each other."""
    together = [configured(each) for each in reports]
    return [build_report_asset(each.compared_with(together), retry_policy=None) for each in together]


def stored(instance: dg.DagsterInstance, runs: Sequence[str]) -> list[list[tuple[Any, ...]]]:
    """What was written to the index, and to the database of each run."""
    log: Any = instance.event_log_storage
    found = []
    for shard, queries in [("index", STORED), *((run, STORED[:1]) for run in runs)]:
        with closing(sqlite3.connect(log.path_for_shard(shard))) as database:
            found += [sorted(database.execute(query), key=str) for query in queries]
    return found


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """How often is written to a database in the block, by its name, and how many connections are made."""
    found: Counter[str] = Counter()

    def note_commit(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        found[Path(str(connection.engine.url.database)).stem] += driver.in_transaction

    def note_connection(_: Any, __: Any) -> None:
        found["connections"] += 1

    event.listen(Engine, "commit", note_commit)
    event.listen(Engine, "connect", note_connection)
    try:
        yield found
    finally:
        event.remove(Engine, "commit", note_commit)
        event.remove(Engine, "connect", note_connection)


def test_the_same_is_stored_as_by_dagster_alone(tmp_path: Path, simulator: Simulator, clock: Clock) -> None:
    simulator.faults.add(WrongClosing(), asking_for(SECOND, report_type=BALANCE), times=None)
    simulator.faults.add(UnbalancedRow(), asking_for(SECOND, report_type=ITEMS), times=None)
    found = []
    for name in ("held", "alone"):
        with dagster_at(tmp_path / name) as instance:
            if name == "alone":
                log: Any = instance.event_log_storage
                log.has_table = log.has_table
            orchestra = Orchestra(instance, simulator.handle, clock, tmp_path / f"data of {name}")
            runs = [orchestra.launch([asset], FIRST, SECOND).run_id for asset in compared(BALANCE, ITEMS)]
            found.append(stored(instance, runs))

    held, alone = found
    assert len(held[3]) > 30, "evaluations"
    assert held == alone


def test_a_partition_takes_eight_transactions_and_no_connection_of_its_own(
    instance: dg.DagsterInstance, simulator: Simulator, clock: Clock, tmp_path: Path
) -> None:
    """Two each for the report run, the materialization and all evaluations, one for each line of the log."""
    orchestra = Orchestra(instance, simulator.handle, clock, tmp_path / "data")
    (asset,) = compared(BALANCE)
    orchestra.launch([asset], LAST)
    costs = []
    for first, last in (("2026-05-01", "2026-05-02"), (FIRST, THIRD)):
        with counted() as cost:
            run = orchestra.launch([asset], first, last).run_id
        costs.append((cost[run], cost["index"], cost["connections"]))

    # One in each is the plan that Dagster makes before the run begins, over three connections.
    assert [three - two for two, three in zip(*costs, strict=True)] == [6, 4, 3]


def test_methods_are_dagsters_own_again_when_the_step_has_ended(
    instance: dg.DagsterInstance, simulator: Simulator, clock: Clock, tmp_path: Path
) -> None:
    log = instance.event_log_storage
    seen: list[str] = []

    def execute(
        context: dg.AssetExecutionContext, report: ConfiguredReport
    ) -> Iterator[dg.MaterializeResult[None]]:
        seen.append(type(getattr(log.store_event, "__self__", None)).__name__)
        yield dg.MaterializeResult()

    asset = build_report_asset(configured(BALANCE), execute=execute)
    assert Orchestra(instance, simulator.handle, clock, tmp_path / "data").launch([asset], FIRST).success

    assert seen == ["_SqliteLog"]
    assert log.store_event.__self__ is log  # type: ignore[attr-defined]
    assert not list(tmp_path.rglob("*.db-wal")), "no connection is left"


def messages(instance: dg.DagsterInstance, run: str) -> list[str]:
    return [entry.user_message for entry in instance.all_logs(run)]


def test_another_thread_writes_while_events_are_gathered(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(dg.job(name="some")(lambda: None))

    def write(text: str) -> None:
        instance.report_engine_event(text, run)

    with event_log_open(instance, run.run_id), written_together(instance):
        write("gathered")
        worker = Thread(target=write, args=("from a worker",))
        worker.start()
        worker.join()
        before = messages(instance, run.run_id)

    assert "gathered" not in " ".join(before)
    assert len(messages(instance, run.run_id)) == len(before) + 1


def test_a_step_beside_another_in_one_process_goes_dagsters_own_way(instance: dg.DagsterInstance) -> None:
    one, other = (instance.create_run_for_job(dg.job(name="some")(lambda: None)) for _ in range(2))
    with event_log_open(instance, one.run_id), event_log_open(instance, other.run_id):
        for run in (one, other):
            instance.report_engine_event("here", run)

    assert len(messages(instance, one.run_id)) == len(messages(instance, other.run_id)) == 1


def test_what_is_gathered_is_written_as_a_whole_or_not_at_all(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(dg.job(name="some")(lambda: None))
    log: Any = instance.event_log_storage
    with closing(sqlite3.connect(log.path_for_shard("index"))) as index:
        index.execute("DROP TABLE event_logs")

    def write() -> None:
        with event_log_open(instance, run.run_id), written_together(instance):
            instance.report_engine_event("of the run alone", run)
            instance.report_run_canceling(run)

    with pytest.raises(OperationalError, match="no such table"):
        write()

    assert messages(instance, run.run_id) == []


class ConnectionLike:
    """What is done over it is committed by itself, or in transactions."""

    def __init__(self) -> None:
        self.transactions = 0
        self._in_one = False

    def execution_options(self, *, isolation_level: str) -> "ConnectionLike":
        assert isolation_level in {"AUTOCOMMIT", "READ COMMITTED"}
        assert not self._in_one
        return self

    def in_transaction(self) -> bool:
        return self._in_one

    def rollback(self) -> None:
        self._in_one = False

    @contextmanager
    def begin(self) -> Iterator[None]:
        self.transactions, self._in_one = self.transactions + 1, True
        yield
        self._in_one = False


def entry(text: str, *, materialization: bool = False) -> Any:
    """An entry of the log."""
    event = SimpleNamespace(is_step_materialization=True) if materialization else None
    return SimpleNamespace(text=text, dagster_event=event)


class PostgresLike:
    """A storage that connects as that of Postgres does, which is not installed here."""

    postgres_url = "postgresql://"

    def __init__(self) -> None:
        self.made: list[ConnectionLike] = []
        #: What was written over which connection, and whether in a transaction.
        self.stored: list[tuple[str, ConnectionLike, bool]] = []

    @contextmanager
    def _connect(self) -> Iterator[ConnectionLike]:
        self.made.append(ConnectionLike())
        yield self.made[-1]

    def has_table(self, _: str) -> bool:
        with self._connect():
            return True

    def store_event(self, event: Any) -> None:
        for _ in range(3):
            with self._connect() as connection:
                assert self.has_table("event_logs")
                self.stored.append((event.text, connection, connection.in_transaction()))

    def _store_asset_event(self, connection: object, event: object, number: int) -> None: ...


def test_in_postgres_an_event_is_one_transaction_and_so_is_what_is_written_together() -> None:
    log = PostgresLike()
    instance: Any = SimpleNamespace(event_log_storage=log)

    with event_log_open(instance, "a run"):
        log.store_event(entry("before"))
        with written_together(instance):
            log.store_event(entry("one"))
            log.store_event(entry("other"))
            assert len(log.stored) == 3
        with written_together(instance):
            pass

    assert [text for text, _, _ in log.stored[::3]] == ["before", "one", "other"]
    assert len(log.made) == 2
    assert len({connection for _, connection, _ in log.stored[3:]}) == 1
    assert [each.transactions for each in log.made] == [1, 1]
    assert log.__dict__.keys() == {"made", "stored"}


def test_in_postgres_what_is_read_and_written_in_a_moment_is_over_one_connection() -> None:
    """A materialization is committed by statement: who follows them by number sees it at once."""
    log = PostgresLike()
    instance: Any = SimpleNamespace(event_log_storage=log)

    with event_log_open(instance, "a run"), over_one_connection(instance):
        with log._connect() as connection:
            assert not connection.in_transaction(), "what is only read"
        log.store_event(entry("materialized", materialization=True))
        worker = Thread(target=log.store_event, args=(entry("a line"),))
        worker.start()
        worker.join()
        with written_together(instance):
            log.store_event(entry("checked"))

    ours, of_the_worker = log.made
    assert (ours.transactions, of_the_worker.transactions) == (1, 1)
    assert log.stored[::3] == [
        ("materialized", ours, False),
        ("a line", of_the_worker, True),
        ("checked", ours, True),
    ]
