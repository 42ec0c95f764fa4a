"""What of a `dagster.yaml` will hurt."""

from pathlib import Path

import pytest

from connector.doctor.dagster_home import examine_dagster
from connector.doctor.diagnosis import Level

GOOD = """
concurrency: {runs: {max_concurrent_runs: 4}}
run_monitoring: {enabled: true, max_runtime_seconds: 7200, free_slots_after_run_end_seconds: 30}
run_retries: {enabled: true, max_retries: 2, retry_on_asset_or_op_failure: false}
retention: {sensor: {purge_after_days: {skipped: 2, success: 30}}}
"""


def remarks(home: Path, text: str) -> list[str]:
    (home / "dagster.yaml").write_text(text)
    found = list(examine_dagster(str(home), configured=True, modes=["live"]))
    return [each.found for each in found if each.level is not Level.OK]


def test_a_good_one_is_praised(tmp_path: Path) -> None:
    assert remarks(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("was", "becomes", "remark"),
    [
        ("max_concurrent_runs: 4", "max_concurrent_runs: 50", "database is locked"),
        ("max_concurrent_runs: 4", "max_concurrent_runs: -1", "all of its runs at once"),
        ("{max_concurrent_runs: 4}", "{}", "10 concurrent runs"),
        ("enabled: true, max_runtime", "enabled: false, max_runtime", "run monitoring is off"),
        ("max_runtime_seconds: 7200, ", "", "maximum runtime"),
        (", free_slots_after_run_end_seconds: 30", "", "not freed"),
        ("max_retries: 2", "max_retries: 0", "not retried"),
        (", retry_on_asset_or_op_failure: false", "", "fail for the same reason"),
        ("success: 30", "success: -1", "never deleted"),
    ],
)
def test_each_setting_that_will_hurt_is_named(tmp_path: Path, was: str, becomes: str, remark: str) -> None:
    assert was in GOOD

    (said,) = remarks(tmp_path, GOOD.replace(was, becomes))

    assert remark in said


def test_many_runs_are_no_trouble_for_a_database_server(tmp_path: Path) -> None:
    text = GOOD.replace("max_concurrent_runs: 4", "max_concurrent_runs: 50")

    assert remarks(tmp_path, f"{text}storage: {{postgres: {{}}}}\n") == []


def test_runs_without_a_queue_are_named(tmp_path: Path) -> None:
    text = f"{GOOD}run_coordinator: {{module: dagster, class: DefaultRunCoordinator}}\n"

    (said,) = remarks(tmp_path, text)

    assert "without a queue" in said


@pytest.mark.parametrize("text", ["run_monitoring: [", "just words", "- a\n- list\n"])
def test_a_file_that_is_none_is_a_failure(tmp_path: Path, text: str) -> None:
    (tmp_path / "dagster.yaml").write_text(text)

    (said,) = examine_dagster(str(tmp_path), configured=True, modes=[])

    assert said.level is Level.FAIL
    assert "dagster.yaml" in said.found


def test_odd_values_are_no_reason_to_fall_over(tmp_path: Path) -> None:
    assert remarks(tmp_path, "run_monitoring: true\nretention: 7\nconcurrency: {runs: [1]}\nstorage: x\n")


def test_a_home_without_a_configuration_is_as_dagster_ships(tmp_path: Path) -> None:
    (said,) = examine_dagster(str(tmp_path), configured=True, modes=[])

    assert (said.level, "defaults" in said.found) == (Level.WARN, True)


def test_a_home_that_dagster_would_refuse_is_a_failure(tmp_path: Path) -> None:
    for home in ("relative/home", str(tmp_path / "absent")):
        (said,) = examine_dagster(home, configured=True, modes=[])
        assert said.level is Level.FAIL


@pytest.mark.parametrize(("configured", "level"), [(True, Level.WARN), (False, Level.OK)])
def test_no_home_matters_only_where_dagster_is_meant(configured: bool, level: Level) -> None:
    (said,) = examine_dagster(None, configured=configured, modes=[])

    assert said.level is level


def test_one_home_over_data_of_two_modes_is_named(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text(GOOD)

    found = list(examine_dagster(str(tmp_path), configured=True, modes=["live", "test"]))

    assert [each.level for each in found] == [Level.OK, Level.WARN]
    assert "live and test" in found[-1].found
