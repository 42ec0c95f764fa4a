"""What `dg scaffold defs assets.StripeReportsComponent` writes: a `defs.yaml` that loads as it is."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import click
import dagster as dg
from pydantic import BaseModel, Field

from connector.errors import ConfigurationError
from connector.partitions import Windows
from connector.project.choices import DEFAULT_REPORTS, reports_named, window_start
from connector.project.defs_yaml import DefsYaml


class ScaffoldParams(BaseModel):
    """Options of the command. `stripe-reports init` asks Stripe for a start instead of taking one."""

    reports: str = Field(
        default=",".join(DEFAULT_REPORTS), description="Names or ids of reports, with commas between them."
    )
    start: date | None = Field(
        default=None, description="Where the first window begins; the first of January when left out."
    )
    window: str = Field(default="daily", description="hourly, daily, weekly or monthly.")
    zone: str = Field(default="UTC", description="The IANA time zone whose calendar cuts the windows.")


class ReportsScaffolder(dg.Scaffolder[ScaffoldParams]):
    """Writes the file from the same template as `stripe-reports init`."""

    @classmethod
    def get_scaffold_params(cls) -> type[ScaffoldParams]:
        return ScaffoldParams

    def scaffold(self, request: dg.ScaffoldRequest[ScaffoldParams]) -> None:
        """Write `defs.yaml` into the target.

        Raises click.UsageError for an unknown report, window or zone, and for a start at which no window
        begins; the message names the nearest that will do.
        """
        try:
            configuration = _configuration(request.params, request.type_name)
        except ConfigurationError as error:
            raise click.UsageError(str(error)) from None
        request.target_path.mkdir(parents=True, exist_ok=True)
        (request.target_path / "defs.yaml").write_text(configuration.text(), encoding="utf-8")


def _configuration(asked: ScaffoldParams, component: str) -> DefsYaml:
    specs = reports_named([name.strip() for name in asked.reports.split(",")])
    windows = Windows(asked.window, asked.zone)
    start = _first(windows) if asked.start is None else window_start(asked.start, windows)
    return DefsYaml(specs, {spec.id: start for spec in specs}, windows, component=component)


def _first(windows: Windows) -> date:
    """The first day of this year on which a window begins."""
    year = datetime(datetime.now(UTC).year, 1, 1, tzinfo=ZoneInfo(windows.zone))
    days = Windows("daily" if windows.unit == "hourly" else windows.unit, windows.zone)
    return days.day(days.first_from(year))
