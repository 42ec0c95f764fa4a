"""What `dg scaffold defs assets.StripeReportsComponent` writes: a `defs.yaml` that loads as it is, also in a
project that has one already."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import dagster as dg
import yaml
from pydantic import BaseModel, Field

from assets.config.models import Attributes
from connector.catalogue import report
from connector.errors import ConfigurationError
from connector.partitions import Windows
from connector.project.choices import DEFAULT_REPORTS, reports_named, window_start
from connector.project.defs_yaml import DefsFile, DefsYaml


class ScaffoldParams(BaseModel):
    """Options of the command. `stripe-reports init` finds the start by a call to Stripe."""

    reports: str = Field(
        default=",".join(DEFAULT_REPORTS), description="Names or ids of reports, with commas between them."
    )
    start: date | None = Field(
        default=None,
        description="The day on which the first partition begins; by default the first one of this year.",
    )
    window: str = Field(
        default="daily", description="How long a partition is: hourly, daily, weekly or monthly."
    )
    zone: str = Field(
        default="UTC", description="The IANA time zone in which days begin, such as America/New_York."
    )


class ReportsScaffolder(dg.Scaffolder[ScaffoldParams]):
    """Writes the file from the same template as `stripe-reports init`."""

    @classmethod
    def get_scaffold_params(cls) -> type[ScaffoldParams]:
        return ScaffoldParams

    def scaffold(self, request: dg.ScaffoldRequest[ScaffoldParams]) -> None:
        """Write `defs.yaml` into the target.

        Next to other components of this kind it gets a `resource_key` and table names of its own.

        Raises click.UsageError for an unknown report, window or zone, and for a start at which no window
        begins; the message names the nearest valid ones.
        """
        try:
            text = _file(request.params, request.type_name, request.target_path)
        except ConfigurationError as error:
            raise click.UsageError(str(error)) from None
        request.target_path.mkdir(parents=True, exist_ok=True)
        (request.target_path / "defs.yaml").write_text(text, encoding="utf-8")


def _file(params: ScaffoldParams, component: str, target: Path) -> str:
    specs = reports_named([name.strip() for name in params.reports.split(",")])
    windows = Windows(params.window, params.zone)
    start = _first(windows) if params.start is None else window_start(params.start, windows)
    file = DefsYaml(specs, {spec.id: start for spec in specs}, windows, component=component)
    others = list(_find_others(target))
    return (_distinguish(file, target.name, others) if others else file).text()


def _find_others(target: Path) -> Iterator[Mapping[str, Any]]:
    """The attributes of the components of this kind in the project's other files."""
    defs = next((folder for folder in target.parents if folder.name == "defs"), target.parent)
    for path in sorted(defs.rglob("defs.yaml")):
        if path.parent != target:
            # A file that cannot be read does not load either.
            with contextlib.suppress(OSError, ValueError, yaml.YAMLError):
                yield from DefsFile(path).attributes


def _distinguish(file: DefsYaml, folder: str, others: Sequence[Mapping[str, Any]]) -> DefsYaml:
    """The file with a resource key after its folder, and with table names that no other file has."""
    usual = Attributes.model_fields["resource_key"].default
    keys = {other.get("resource_key", usual) for other in others}
    name = re.sub(r"\W", "_", folder.lower(), flags=re.ASCII)
    key = next(each for each in chain([name], (f"{name}_{n}" for n in count(2))) if each not in keys)
    taken = {table for other in others for table in _tables(other)}
    names = {spec.id: f"{spec.name}_{key}" for spec in file.specs if spec.name in taken}
    return replace(file, resource_key=key, names=names)


def _tables(attributes: Mapping[str, Any]) -> Iterator[str]:
    for each in attributes.get("reports") or ():
        # A report that is written wrongly has no table.
        with contextlib.suppress(AttributeError, KeyError, TypeError, ConfigurationError):
            yield each.get("name") or report(each["report"]).name


def _first(windows: Windows) -> date:
    """The first day of this year on which a window begins."""
    year = datetime(datetime.now(UTC).year, 1, 1, tzinfo=ZoneInfo(windows.zone))
    days = Windows("daily" if windows.unit == "hourly" else windows.unit, windows.zone)
    return days.day(days.first_from(year))
