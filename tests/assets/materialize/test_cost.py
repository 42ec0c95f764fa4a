"""What a Dagster run over a week costs, counted: times are measured by `make bench`, and asserted nowhere.

A file is opened, or looked for, once for the plan, once before it is published, since another process may
have published meanwhile, and once for its event and for everything that is checked in it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest

from assets import build_report_asset
from assets.dagster_runs.tags import INTENT_TAG, Intent
from connector.clock import Clock
from connector.dataset.store import Store
from connector.simulator import Simulator
from tests.support.dagster import Orchestra, configured
from tests.support.datasets import counted

FIRST, LAST, DAYS = "2026-05-01", "2026-05-07", 7
BALANCE, ITEMS = "balance.summary.1", "balance_change_from_activity.itemized.3"

#: What is called for each event that is written, or when a run begins, and reads nothing of the log.
NO_READS = {"get_asset_tags_to_index", "get_pool_config", "get_pool_limits"}


@dataclass
class Cost:
    """What was read: the path of each file that was opened, and of each whose end was read, each time; and
    the name of each method that reads the event log."""

    opened: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def forget(self) -> None:
        for each in (self.opened, self.ends, self.log):
            each.clear()


def of_partitions(paths: Sequence[str], table: str) -> Counter[int]:
    """How many partitions of a table are named how many times."""
    named = Counter(path for path in paths if f"/{table}/" in path and path.endswith(".parquet"))
    return Counter(count for path, count in named.items() if Path(path).parent.name.startswith("period="))


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """With a log in SQLite, which a step holds open."""
    (home := tmp_path / "home").mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        yield instance


@pytest.fixture
def cost(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Cost:
    """What is read from now on."""
    cost, log = Cost(), instance.event_log_storage
    for name in dir(log):
        if name.startswith(("fetch_", "get_")) and name not in NO_READS:
            monkeypatch.setattr(log, name, noted(name, getattr(log, name), cost.log))
    return cost


def noted(name: str, method: Callable[..., object], log: list[str]) -> Callable[..., object]:
    """The same method, which notes its name whenever it is called."""

    def call(*given: object, **named: object) -> object:
        log.append(name)
        return method(*given, **named)

    return call


@pytest.fixture
def orchestra(
    instance: dg.DagsterInstance, simulator: Simulator, tmp_path: Path, clock: Clock, cost: Cost
) -> Orchestra:
    def store(root: str) -> Store:
        made = Store(root)
        made._root.filesystem = counted(cost.opened, cost.ends)
        return made

    return Orchestra(instance, simulator.handle, clock, tmp_path / "data", store=store)


def assets_of(*reports: str) -> Sequence[dg.AssetsDefinition]:
    """Assets that are compared with each other."""
    together = [configured(each) for each in reports]
    return [build_report_asset(each.compared_with(together), retry_policy=None) for each in together]


def test_a_file_is_opened_once_for_its_event_and_all_its_checks(orchestra: Orchestra, cost: Cost) -> None:
    (balance,) = assets_of(BALANCE)

    assert orchestra.launch([balance], FIRST, LAST).success

    # The day after, which a balance is compared with, is looked for once.
    assert of_partitions(cost.opened, "balance_summary") == {3: DAYS, 1: 1}
    # The footer once, and the end twice more for the seal. The first two found no file.
    assert of_partitions(cost.ends, "balance_summary") == {3: DAYS}


def test_the_log_is_read_once_for_the_plan_and_before_each_event(orchestra: Orchestra, cost: Cost) -> None:
    """Before, since another process may have written it; not for what ties its checks to it."""
    (balance,) = assets_of(BALANCE)

    assert orchestra.launch([balance], FIRST, LAST).success

    assert cost.log == ["fetch_materializations"] * (1 + DAYS)


def test_the_log_is_read_once_where_all_events_are_there(orchestra: Orchestra, cost: Cost) -> None:
    (balance,) = assets_of(BALANCE)
    assert orchestra.launch([balance], FIRST, LAST).success
    cost.forget()

    assert orchestra.launch([balance], FIRST, LAST, tags={INTENT_TAG: Intent.ENSURE.value}).success

    assert cost.log == ["fetch_materializations"]
    assert of_partitions(cost.opened, "balance_summary") == {2: DAYS, 1: 1}


def test_both_files_of_a_comparison_are_opened_once_for_either_side(orchestra: Orchestra, cost: Cost) -> None:
    balance, items = assets_of(BALANCE, ITEMS)
    assert orchestra.launch([balance], FIRST, LAST).success
    cost.forget()

    assert orchestra.launch([items], FIRST, LAST).success

    assert of_partitions(cost.opened, "balance_change_from_activity_itemized") == {3: DAYS}
    assert of_partitions(cost.opened, "balance_summary") == {1: DAYS}
    beside = ["get_latest_storage_id_by_partition", "fetch_materializations"]
    assert cost.log == ["fetch_materializations"] * (1 + DAYS) + beside
