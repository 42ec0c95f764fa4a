"""Whether the root takes a file, found out by giving it one."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.accounts import NO_LISTS
from connector.dataset.store import Store
from connector.doctor.diagnosis import Level
from connector.doctor.files import examine_coverage, examine_root
from connector.partitions import Interval
from tests.support.clock import ManualClock
from tests.support.datasets import DATASET, provenance, write


def test_a_root_that_is_not_there_is_tried_and_not_left_behind(tmp_path: Path, clock: ManualClock) -> None:
    found = list(examine_root(str(tmp_path / "new" / "data"), clock))

    assert {each.level for each in found} == {Level.OK}
    assert list(tmp_path.iterdir()) == []


def test_a_root_with_files_keeps_them(tmp_path: Path, clock: ManualClock) -> None:
    kept = tmp_path / "live" / "balance_summary" / "report.parquet"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"PAR1")

    found = list(examine_root(str(tmp_path), clock))

    assert {each.level for each in found} == {Level.OK}
    assert kept.read_bytes() == b"PAR1"
    assert [each for each in tmp_path.rglob("*") if "rehearsal" in each.name] == []


@pytest.mark.parametrize("root", ["{place}/file/data", "s4://bucket/x"])
def test_a_root_that_takes_nothing_is_a_failure_that_names_it(
    tmp_path: Path, clock: ManualClock, root: str
) -> None:
    (tmp_path / "file").write_text("")

    (said,) = examine_root(root.format(place=tmp_path), clock)

    assert said.level is Level.FAIL
    assert root.format(place=tmp_path) in said.found
    assert "STRIPE_REPORTS_ROOT" in (said.advice or "")


def test_a_root_may_be_a_url_of_a_directory(tmp_path: Path, clock: ManualClock) -> None:
    found = list(examine_root(f"file://{tmp_path}", clock))

    assert {each.level for each in found} == {Level.OK}
    assert [each for each in tmp_path.rglob("*") if each.is_file() and "lock" not in str(each)] == []


def test_what_a_table_lacks_and_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    store, staged = Store(tmp_path / "data"), tmp_path / "staged.parquet"
    for day in (1, 2, 4):
        interval = Interval(*(datetime(2026, 6, day + more, tzinfo=UTC) for more in (0, 1)))
        source = provenance(period=f"2026-06-{day:02}", interval=interval)
        write(staged, source)
        store.publish(staged, DATASET, source)
    Path(store.uri(DATASET, "2026-06-02")).write_bytes(b"PAR1")
    (tmp_path / "data" / "live" / "_datasets").mkdir(parents=True)
    (tmp_path / "data" / "live" / "_datasets" / "lost.json").write_bytes(b"{")

    found = [
        (each.level, each.found)
        for each in examine_coverage(str(tmp_path / "data"), store.datasets(), NO_LISTS)
    ]

    assert [level for level, _ in found] == [Level.FAIL, Level.WARN, Level.WARN]
    assert "lost.json: the pin is damaged" in found[0][1]
    assert "cannot be read: 2026-06-02" in found[1][1]
    assert "lacks 2026-06-02, 2026-06-03" in found[2][1]
