"""A month of two reports with all their checks, as two Dagster runs in this process on SQLite, for a profile:
CPU seconds by kind of work, by whose code does it.

Stripe is in this process, too, and on a clock that does not wait. It is carried out twice: once to measure,
and once with cProfile for the shares, which makes much that calls little look smaller than it is.
"""

import cProfile
import json
import pstats
import sysconfig
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg

from assets import build_report_asset
from connector.simulator import Simulator
from tests.bench.peers import ROOT
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra, configured

#: Where code is: this project, installed packages, Python's own.
_INSTALLED = [
    f"{ROOT}/",
    *(f"{sysconfig.get_paths()[name]}/" for name in ("purelib", "platlib", "stdlib")),
]

#: A function as the profiler names it: file, line, name.
Place = tuple[str, int, str]

REPORTS = ("balance.summary.1", "balance_change_from_activity.itemized.3")
FIRST, LAST, DAYS = "2026-05-01", "2026-05-31", 31

#: Whose code it is, by how its place begins: below this project or an installed package, or what is built in.
KINDS = {
    "sqlite3": "SQLite: statements and commits and connections",
    "sqlalchemy/": "SQLAlchemy: engines made and statements compiled",
    "dagster_shared/serdes/": "events to and from JSON",
    "json/": "events to and from JSON",
    "dagster": "Dagster's own work",
    "logging/": "Dagster's own work",
    "connector/checks/": "checks",
    "duckdb": "checks",
    "connector/dataset/": "files: footers and seals and publishing",
    "pyarrow": "files: footers and seals and publishing",
    "connector/simulator/": "Stripe in the process",
    "connector/": "the rest of the connector",
    "assets/": "the assets",
}


def main() -> None:
    cpu, thread = time.process_time(), time.thread_time()
    _backfill()
    cpu, thread = time.process_time() - cpu, time.thread_time() - thread
    profile = cProfile.Profile(time.thread_time)
    profile.runcall(_backfill)
    spent = _by_kind(profile)
    scale = thread / sum(spent.values())
    found = {place: round(scale * seconds, 3) for place, seconds in spent.items() if scale * seconds > 0.001}
    found["other threads"] = round(cpu - thread, 3)
    print(json.dumps({"profile": found}))


def _backfill() -> None:
    clock = ManualClock(datetime(2026, 6, 10, 12, tzinfo=UTC))
    simulator = Simulator(clock, seed=7, volume=3, opening=date(2026, 4, 1))
    reports = [configured(each) for each in REPORTS]
    assets = [build_report_asset(each.compared_with(reports)) for each in reports]
    with tempfile.TemporaryDirectory() as folder, dg.DagsterInstance.local_temp(folder) as instance:
        orchestra = Orchestra(instance, simulator.handle, clock, Path(folder) / "data")
        for asset in assets:
            if not orchestra.launch([asset], FIRST, LAST).success:
                raise RuntimeError(f"the run of {asset.key.to_user_string()} has failed")


def _by_kind(profile: cProfile.Profile) -> Mapping[str, float]:
    """Seconds by `kind, module.function`; of what is built in and nobody's, by whoever called it."""
    spent: defaultdict[str, float] = defaultdict(float)
    stats: Mapping[Place, tuple[int, int, float, float, Mapping[Place, tuple[int, int, float, float]]]]
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    for place, (_, _, own, _, callers) in stats.items():
        if kind := _kind(place):
            spent[f"{kind}, {_named(place)}"] += own
        else:
            named = sum(each[2] for each in callers.values())
            for caller, each in callers.items():
                spent[f"{_kind(caller) or 'other'}, {_named(place)}"] += each[2]
            spent[f"other, {_named(place)}"] += max(0.0, own - named)
    return dict(sorted(spent.items(), key=lambda each: -each[1]))


def _kind(place: Place) -> str | None:
    file, _, function = place
    if file == "~":
        # Such as `method 'commit' of 'sqlite3.Connection' objects` and `built-in method _sqlite3.connect`.
        where = "sqlite3" if "sqlite3." in function else "duckdb" if "duckdb" in function else ""
    else:
        where = next((file.removeprefix(each) for each in _INSTALLED if file.startswith(each)), "")
    return next((kind for begin, kind in KINDS.items() if where.startswith(begin)), None)


def _named(place: Place) -> str:
    file, _, function = place
    return function.strip("<>") if file == "~" else f"{Path(file).stem}.{function}"


if __name__ == "__main__":
    main()
