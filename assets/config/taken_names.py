"""The names that the `defs.yaml` files of a code location take: assets, sensors, steps, tables.

All files are looked through once, and each then looks its own names up, so that hundreds load in linear work.
"""

from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import dagster as dg

from assets.analytics.definitions import NAMES, SENSOR
from assets.config.resolution import describe_duplicate
from assets.reports.configured import ConfiguredReport
from assets.resources import StripeReporting
from connector.dataset.filesystem.place import Place
from connector.errors import ConfigurationError

#: What the sensors, schedules and checks of a file are called after its `resource_key`.
_TICKING = ("late_reports", "availability", "payouts", "reports", "newest_partitions", SENSOR)


class ReportsFile(Protocol):
    """A `defs.yaml`, as far as it takes names; `StripeReportsComponent` says what each field means."""

    @property
    def reports(self) -> Iterable[ConfiguredReport]: ...
    @property
    def connection(self) -> StripeReporting: ...
    @property
    def analytics(self) -> bool: ...
    @property
    def resource_key(self) -> str: ...
    @property
    def prefix(self) -> str | None: ...


class _Name(NamedTuple):
    """A name that only one file may take.

    Attributes:
        kind: in which of the spaces of names it is.
        name: unique in that space.
        shown: what people call it.
    """

    kind: str
    name: Hashable
    shown: str


#: By kind of name: what is wrong where two files take the same, and what to change.
_CLASHES = {
    "resource": "two defs.yaml files have the resource_key {shown}; set another `resource_key` in one of "
    "them",
    "asset": "two defs.yaml files have an asset {shown}; set another `prefix` in one of them",
    "ticking": "two defs.yaml files give the name {shown} in Dagster; set another `resource_key` in one of "
    "them",
    "step": "two defs.yaml files give the name {shown} in Dagster; set another `prefix` in one of them",
    "table": "{keys} would both write to the table {shown}; set another `root` under `connection` in one of "
    "them, or another `name` for one of the reports",
}


class TakenNames:
    """Which of some files takes which names. Reads each file once."""

    def __init__(self, files: Iterable[ReportsFile]) -> None:
        self._files = tuple(files)
        self._takers: dict[tuple[str, Hashable], list[ReportsFile]] = {}
        for each in self._files:
            for taken in dict.fromkeys(_names_of(each)):
                self._takers.setdefault(taken[:2], []).append(each)

    def covers(self, file: ReportsFile) -> bool:
        """Whether this very file is among them."""
        return any(each is file for each in self._takers.get(("resource", file.resource_key), ()))

    def refuse_clashes(self, file: ReportsFile) -> None:
        """Two reports with one table would write into each other's files. With two accounts nobody would
        notice: a file's path does not name the account.

        Raises ConfigurationError naming what to change.
        """
        seen = set()
        for report in file.reports:
            if report.query.name in seen:
                raise ConfigurationError(describe_duplicate(report))
            seen.add(report.query.name)
        own = sorted(_names_of(file), key=lambda each: ([*_CLASHES].index(each.kind), each.shown))
        for taken in own:
            others = [each for each in self._takers.get(taken[:2], ()) if each is not file]
            if others:
                keys = " and ".join(sorted((file.resource_key, others[0].resource_key)))
                raise ConfigurationError(_CLASHES[taken.kind].format(shown=taken.shown, keys=keys))


def _names_of(file: ReportsFile) -> Iterator[_Name]:
    """What it takes.

    `stripe` and `stripe_late` would both have a `stripe_late_reports`, `a/b` and `a__b` the same steps.
    """
    key, root = file.resource_key, _root_of(file.connection)
    yield _Name("resource", key, key)
    ticking = [*(f"{key}_{end}" for end in _TICKING), *(f"resource {key}{end}" for end in ("", "_parquet"))]
    for name in ticking:
        yield _Name("ticking", name, name)
    tables = [report.query.name for report in file.reports]
    for name in [*tables, *(NAMES if file.analytics else ())]:
        asset = f"{file.prefix or key}/{name}"
        step = asset.replace("/", "__")
        yield _Name("asset", asset, asset)
        yield _Name("step", step, step)
    for table in tables:
        yield _Name("table", (root, table), f"{table} below {root}")


def _root_of(connection: StripeReporting) -> str:
    """Where it writes: a path or URL, or the variable that names it."""
    root = connection.root
    if isinstance(root, dg.EnvVar):
        given = root.get_value()
        if not given:
            return f"${root.env_var_name}"
        root = given
    place = Place.of(root)
    return str(place).rstrip("/") if "://" in place.real else str(Path(place.real).resolve())
