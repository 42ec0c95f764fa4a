"""Whether the root takes a file, found out by giving it one."""

from pathlib import Path

import pytest

from connector.doctor.diagnosis import Level
from connector.doctor.files import examine_root
from tests.support.clock import ManualClock


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
    (said,) = examine_root(f"file://{tmp_path}", clock)

    assert said.level is Level.OK
    assert [each for each in tmp_path.rglob("*") if each.is_file() and "lock" not in str(each)] == []
