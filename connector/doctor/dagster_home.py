"""Dagster's configuration, read from its `dagster.yaml`.

Each finding works on the first day and causes trouble later: a run that stays in progress, a pool slot that
is not freed, a database that is locked.

Source: https://docs.dagster.io/deployment/oss/dagster-yaml
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from connector.doctor.diagnosis import Diagnosis, failure, fine, warning

_fine, _warning = partial(fine, "dagster"), partial(warning, "dagster")
_failure = partial(failure, "dagster")

_FILE = "dagster.yaml"
_EXAMPLE = "The project's assets/dagster.yaml is an example for one machine."

#: Dagster's default.
_DEFAULT_RUNS = 10
#: More writers than this, and SQLite answers `database is locked`.
_RUNS_ON_SQLITE = 8


def examine_dagster(home: str | None, *, configured: bool, modes: Sequence[str]) -> Iterator[Diagnosis]:
    """The instance in `DAGSTER_HOME`.

    Args:
        home: its value; None where it is unset.
        configured: whether there is a `defs.yaml`, so that Dagster is going to be used.
        modes: of the data below the root.
    """
    if home is None:
        yield _homeless(configured=configured)
        return
    place = Path(home)
    if not place.is_absolute() or not place.is_dir():
        what = "is not an absolute path" if not place.is_absolute() else "does not exist"
        yield _failure(f"DAGSTER_HOME={home} {what}", "Set it to an existing directory.")
        return
    settings = _settings(place / _FILE)
    if isinstance(settings, Diagnosis):
        yield settings
        return
    remarks = [*_storage(settings), *_monitoring(settings), *_retries(settings), *_retention(settings)]
    yield from remarks
    if not remarks:
        yield _fine(f"{place / _FILE} is fine")
    if len(modes) > 1:
        yield _warning(
            f"the root holds {' and '.join(modes)} data, and there is one DAGSTER_HOME",
            "Use a separate DAGSTER_HOME for each mode and account: Dagster shows partitions of all as one.",
        )


def _homeless(*, configured: bool) -> Diagnosis:
    if not configured:
        return _fine("DAGSTER_HOME is not set; this command does not need it")
    return _warning(
        "DAGSTER_HOME is not set: except in `make dev`, Dagster keeps no history",
        f"Set it to a separate directory for each mode and account. {_EXAMPLE}",
    )


def _settings(path: Path) -> Mapping[str, Any] | Diagnosis:
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return _warning(
            f"{path} does not exist: with Dagster's defaults no run is monitored or retried",
            f"Create it. {_EXAMPLE}",
        )
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        return _failure(f"{path}: {reason}", "Fix it: Dagster does not start with it.")
    if not isinstance(settings, dict | None):
        return _failure(f"{path} does not hold settings", f"Fix it. {_EXAMPLE}")
    return settings or {}


def _storage(settings: Mapping[str, Any]) -> Iterator[Diagnosis]:
    at_once = _runs_at_once(settings)
    storage = {**_section(settings, "storage"), **_section(settings, "event_log_storage")}
    sqlite = not storage or "sqlite" in storage or "Sqlite" in str(storage.get("class"))
    if at_once is None:
        yield _warning(
            "runs are launched without a queue, so a backfill starts all of its runs at once",
            "Use QueuedRunCoordinator, and set concurrency.runs.max_concurrent_runs.",
        )
    elif sqlite and at_once > _RUNS_ON_SQLITE:
        yield _warning(
            f"{at_once} concurrent runs write to SQLite, which then fails with `database is locked`",
            f"Set concurrency.runs.max_concurrent_runs to {_RUNS_ON_SQLITE} or less, or use Postgres.",
        )


def _runs_at_once(settings: Mapping[str, Any]) -> int | None:
    """How many runs may be in progress at once; None where nothing limits them."""
    coordinator = _section(settings, "run_coordinator")
    if coordinator and "Queued" not in str(coordinator.get("class")):
        return None
    for section in (
        _section(_section(settings, "concurrency"), "runs"),
        _section(coordinator, "config"),
        _section(settings, "run_queue"),
    ):
        most = section.get("max_concurrent_runs")
        if isinstance(most, int):
            return most if most >= 0 else None
    return _DEFAULT_RUNS


def _monitoring(settings: Mapping[str, Any]) -> Iterator[Diagnosis]:
    monitoring = _section(settings, "run_monitoring")
    if not monitoring.get("enabled"):
        yield _warning(
            "run monitoring is off: a run whose process died stays in progress and is not retried",
            "Set run_monitoring: {enabled: true, max_runtime_seconds: 7200, "
            "free_slots_after_run_end_seconds: 30}.",
        )
        return
    if not monitoring.get("max_runtime_seconds"):
        yield _warning(
            "runs have no maximum runtime: after a power cut they stay in progress",
            "Set run_monitoring.max_runtime_seconds above the longest wait for reports, e.g. 7200.",
        )
    if not monitoring.get("free_slots_after_run_end_seconds"):
        yield _warning(
            "pool slots are not freed: each crash takes one, until no step can start",
            "Set run_monitoring.free_slots_after_run_end_seconds, e.g. 30.",
        )


def _retries(settings: Mapping[str, Any]) -> Iterator[Diagnosis]:
    retries = _section(settings, "run_retries")
    if not retries.get("enabled") or not retries.get("max_retries"):
        yield _warning(
            "runs whose process died are not retried",
            "Set run_retries: {enabled: true, max_retries: 2, retry_on_asset_or_op_failure: false}.",
        )
    elif retries.get("retry_on_asset_or_op_failure", True):
        yield _warning(
            "runs whose step failed are retried at once, and fail for the same reason",
            "Set run_retries.retry_on_asset_or_op_failure to false.",
        )


def _retention(settings: Mapping[str, Any]) -> Iterator[Diagnosis]:
    purge = _section(_section(settings, "retention"), "sensor").get("purge_after_days")
    kept = purge if isinstance(purge, int) else _section({"days": purge}, "days").get("success", -1)
    if not isinstance(kept, int) or kept < 0:
        yield _warning(
            "sensor ticks are never deleted; with one each half minute the database only grows",
            "Set retention.sensor.purge_after_days: {skipped: 2, failure: 30, success: 30}.",
        )


def _section(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = settings.get(name)
    return value if isinstance(value, dict) else {}
