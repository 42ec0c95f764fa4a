"""What `dg scaffold defs assets.StripeReportsComponent` writes: a `defs.yaml` that loads as it is, also in a
project that has one already."""

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
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
from connector.catalogue import ReportSpec, report
from connector.errors import ConfigurationError
from connector.partitions import Windows
from connector.project.choices import DEFAULT_REPORTS, reports_named, window_start
from connector.project.defs_yaml import DefsYaml


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
    text = DefsYaml(specs, {spec.id: start for spec in specs}, windows, component=component).text()
    others = list(_find_others(target, component))
    return _distinguish(text, specs, target.name, others) if others else text


@dataclass(frozen=True, slots=True)
class _Other:
    """Another component of this kind in the project."""

    resource_key: str
    tables: Set[str]


def _find_others(target: Path, component: str) -> Iterator[_Other]:
    """The components of this kind in the project's other files, as far as these can be read."""
    defs = next((folder for folder in target.parents if folder.name == "defs"), target.parent)
    for path in sorted(defs.rglob("defs.yaml")):
        try:
            documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, yaml.YAMLError):
            continue
        for each in documents:
            if path.parent != target and isinstance(each, dict) and each.get("type") == component:
                attributes = each.get("attributes") or {}
                key = attributes.get("resource_key", Attributes.model_fields["resource_key"].default)
                yield _Other(key, set(_tables(attributes.get("reports") or ())))


def _tables(reports: Sequence[dict[str, Any]]) -> Iterator[str]:
    for each in reports:
        try:
            yield each.get("name") or report(each["report"]).name
        except (AttributeError, KeyError, TypeError, ConfigurationError):
            continue  # the other file does not load either


def _distinguish(text: str, specs: Sequence[ReportSpec], folder: str, others: Sequence[_Other]) -> str:
    """The file with a resource key after its folder, and with table names that no other file has."""
    name = re.sub(r"\W", "_", folder.lower(), flags=re.ASCII)
    keys = {other.resource_key for other in others}
    key = next(each for each in chain([name], (f"{name}_{n}" for n in count(2))) if each not in keys)
    taken = set().union(*(other.tables for other in others))
    comment, start, body = text.partition("type:")
    content = yaml.safe_load(start + body)
    attributes = content["attributes"]
    for each, spec in zip(attributes["reports"], specs, strict=True):
        if spec.name in taken:
            each["name"] = f"{spec.name}_{key}"
    content["attributes"] = {"resource_key": key, **attributes}
    return comment + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000)


def _first(windows: Windows) -> date:
    """The first day of this year on which a window begins."""
    year = datetime(datetime.now(UTC).year, 1, 1, tzinfo=ZoneInfo(windows.zone))
    days = Windows("daily" if windows.unit == "hourly" else windows.unit, windows.zone)
    return days.day(days.first_from(year))
