"""Everything that keeps the reports of one account up to date, as one value."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

import dagster as dg
from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.dataclasses import dataclass

from assets.automation.newest_partition import build_newest_partition_check, build_newest_partition_schedule
from assets.automation.schedules import TWICE_A_DAY, build_report_schedules
from assets.reports.caretakers import AskBy
from assets.reports.configured import ConfiguredReport
from assets.sensors.availability_sensor import LOOK_EVERY, build_availability_sensor
from assets.sensors.late_sensor import PICK_UP_EVERY, build_late_report_sensor
from assets.sensors.payout_sensor import build_payout_sensor
from assets.sensors.payout_sources import find_sources
from assets.sensors.tick import LOOK_BACK
from connector.catalogue.latency import FEES, LAST_REFRESH, USUAL

_SENSOR = {True: dg.DefaultSensorStatus.RUNNING, False: dg.DefaultSensorStatus.STOPPED}
_SCHEDULE = {True: dg.DefaultScheduleStatus.RUNNING, False: dg.DefaultScheduleStatus.STOPPED}

_DAY = timedelta(days=1)


def _days(given: Any) -> Any:
    """A file gives a number of days, Python a timedelta."""
    if isinstance(given, timedelta):
        return given
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError("expected a number of days")
    try:
        return timedelta(days=given)
    except (OverflowError, ValueError):
        raise ValueError("expected a number of days that a calendar holds") from None


Days = Annotated[timedelta, BeforeValidator(_days), WithJsonSchema({"type": "number"})]


def _listed(ages: Sequence[timedelta]) -> str:
    """Days as one writes them in the file."""
    return f"[{', '.join(str(age.days) for age in ages)}]"


def _or(in_file: str, in_python: str) -> AliasChoices:
    """The name of a field in a file, which has its unit, and the one in Python, whose value has it."""
    return AliasChoices(in_file, in_python)


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Automation:
    """Sensors, schedules and checks that keep reports up to date. What is switched off is defined, but
    stopped; everything can be switched on and off in the UI as well.

    In a file, durations are numbers and their fields are called `look_every_seconds`, `look_back_days`,
    `refresh_after_days` and `pick_up_every_seconds`.
    """

    ask_by: AskBy = Field(
        default="sensor",
        description="What requests partitions that Stripe has data for and the dataset does not: the "
        "availability sensor, the schedule, or only a person. The sensor for payouts adds partitions in any "
        "case, and requests them unless this is `hand`.",
    )
    cron: str = Field(default=TWICE_A_DAY, description="When the schedule ticks, in UTC.")
    look_every: int = Field(
        default=LOOK_EVERY,
        ge=5,
        validation_alias=_or("look_every_seconds", "look_every"),
        description="Seconds between two looks of the availability sensor while it has nothing left to "
        "request; each calls Stripe once.",
    )
    look_back: Days = Field(
        default=LOOK_BACK,
        gt=timedelta(),
        validation_alias=_or("look_back_days", "look_back"),
        json_schema_extra={"default": LOOK_BACK / _DAY, "exclusiveMinimum": 0},
        description="How many days behind the newest ready partition missing ones are requested.",
    )
    refresh_after: tuple[Days, ...] | None = Field(
        default=None,
        validation_alias=_or("refresh_after_days", "refresh_after"),
        description="Days after the end of a partition at which the availability sensor refreshes it, since "
        f"Stripe restates reports; default {_listed(USUAL.refresh_after)}, "
        f"for fees {_listed(FEES.refresh_after)}; [] for never.",
    )
    pick_up_late: bool = Field(
        default=True,
        description="Whether the sensor runs that picks up report runs which finish after Dagster stopped "
        "waiting.",
    )
    pick_up_every: int = Field(
        default=PICK_UP_EVERY,
        ge=5,
        validation_alias=_or("pick_up_every_seconds", "pick_up_every"),
        description="Seconds between two ticks of that sensor; it calls Stripe only while a partition has "
        "failed or timed out.",
    )
    check_newest: bool = Field(
        default=True,
        description="Whether it is checked twice a day that the newest partition Stripe has data for is in "
        "the dataset.",
    )

    def definitions(self, reports: Sequence[ConfiguredReport], *, prefix: str = "stripe") -> dg.Definitions:
        """Sensors, schedules and checks of the reports of one account.

        Args:
            prefix: begins the name of each; two accounts in one code location need two.
        """
        if not reports:
            return dg.Definitions()
        late = build_late_report_sensor(
            reports,
            name=f"{prefix}_late_reports",
            minimum_interval_seconds=self.pick_up_every,
            default_status=_SENSOR[self.pick_up_late],
        )
        windowed = [report for report in reports if not report.query.by_payout]
        return dg.Definitions.merge(
            dg.Definitions(sensors=[late, *self._payouts(reports, prefix)]),
            self._windows(windowed, prefix) if windowed else dg.Definitions(),
        )

    def looking_after(self, reports: Sequence[ConfiguredReport]) -> list[ConfiguredReport]:
        """The reports, each with what looks after it; payouts that nothing names are asked for by hand."""
        named = {report.key for report, _ in find_sources(reports)}
        return [
            replace(
                report,
                ask_by=self.ask_by if report.key in named or not report.query.by_payout else "hand",
                pick_up_late=self.pick_up_late,
            )
            for report in reports
        ]

    def _windows(self, reports: Sequence[ConfiguredReport], prefix: str) -> dg.Definitions:
        """What keeps reports about windows of time up to date."""
        return dg.Definitions(
            sensors=[
                build_availability_sensor(
                    reports,
                    name=f"{prefix}_availability",
                    look_back=self.look_back,
                    refresh_after=self.refresh_after,
                    look_every_seconds=self.look_every,
                    default_status=_SENSOR[self.ask_by == "sensor"],
                )
            ],
            schedules=[
                *build_report_schedules(
                    reports,
                    name=f"{prefix}_reports",
                    cron=self.cron,
                    default_status=_SCHEDULE[self.ask_by == "schedule"],
                ),
                build_newest_partition_schedule(
                    reports, name=f"{prefix}_newest_partitions", default_status=_SCHEDULE[self.check_newest]
                ),
            ],
            asset_checks=[build_newest_partition_check(report) for report in reports],
        )

    @property
    def _last_refresh(self) -> timedelta:
        if self.refresh_after is None:
            return LAST_REFRESH
        return max(self.refresh_after, default=timedelta())

    def _payouts(self, reports: Sequence[ConfiguredReport], prefix: str) -> list[dg.SensorDefinition]:
        """The sensor for payouts, where a report is about them and another one names them."""
        if not find_sources(reports):
            return []
        return [
            build_payout_sensor(
                reports,
                name=f"{prefix}_payouts",
                look_back=self.look_back,
                reach=self.look_back + self._last_refresh,
                request=self.ask_by != "hand",
            )
        ]
