"""Everything that keeps the reports of one account up to date by itself, as one value."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import dagster as dg

from assets.automation.newest_partition import build_newest_partition_check, build_newest_partition_schedule
from assets.automation.schedules import TWICE_A_DAY, build_report_schedules
from assets.reports.configured import ConfiguredReport
from assets.sensors.availability_decisions import REFRESH_AFTER
from assets.sensors.availability_sensor import build_availability_sensor
from assets.sensors.late_sensor import build_late_report_sensor
from assets.sensors.payout_sensor import build_payout_sensor, payout_sources
from assets.sensors.tick import LOOK_BACK

_SENSOR = {True: dg.DefaultSensorStatus.RUNNING, False: dg.DefaultSensorStatus.STOPPED}
_SCHEDULE = {True: dg.DefaultScheduleStatus.RUNNING, False: dg.DefaultScheduleStatus.STOPPED}


@dataclass(frozen=True, slots=True)
class Automation:
    """What happens by itself. What is switched off is still there, stopped.

    Attributes:
        ask_by: who asks for partitions that are ready and missing; never both. Payouts become known through a
            sensor in any case; it asks for them unless that is done by hand.
        cron: when the schedule looks, in UTC.
        look_every: seconds between two looks at what has become ready.
        look_back: how far behind the newest ready partition the sensor asks for missing ones.
        refresh_after: ages at which the sensor asks for a partition again.
        pick_up_late: late report runs are picked up.
        pick_up_every: seconds between two looks for them.
        check_newest: it is checked twice a day that the newest ready partition is there.
    """

    ask_by: Literal["sensor", "schedule", "hand"] = "sensor"
    cron: str = TWICE_A_DAY
    look_every: int = 300
    look_back: timedelta = LOOK_BACK
    refresh_after: tuple[timedelta, ...] = REFRESH_AFTER
    pick_up_late: bool = True
    pick_up_every: int = 30
    check_newest: bool = True

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

    def _windows(self, reports: Sequence[ConfiguredReport], prefix: str) -> dg.Definitions:
        """What keeps reports about windows of time up to date."""
        return dg.Definitions(
            sensors=[
                build_availability_sensor(
                    reports,
                    name=f"{prefix}_availability",
                    look_back=self.look_back,
                    refresh_after=self.refresh_after,
                    minimum_interval_seconds=self.look_every,
                    default_status=_SENSOR[self.ask_by == "sensor"],
                ),
            ],
            schedules=[
                *build_report_schedules(
                    reports,
                    name=f"{prefix}_reports",
                    cron=self.cron,
                    default_status=_SCHEDULE[self.ask_by == "schedule"],
                ),
                build_newest_partition_schedule(
                    reports,
                    name=f"{prefix}_newest_partitions",
                    default_status=_SCHEDULE[self.check_newest],
                ),
            ],
            asset_checks=[build_newest_partition_check(report) for report in reports],
        )

    def _payouts(self, reports: Sequence[ConfiguredReport], prefix: str) -> list[dg.SensorDefinition]:
        """The sensor for payouts, where a report is about them and another one names them."""
        if not payout_sources(reports):
            return []
        return [
            build_payout_sensor(
                reports,
                name=f"{prefix}_payouts",
                look_back=self.look_back,
                reach=self.look_back + max(self.refresh_after, default=timedelta()),
                request=self.ask_by != "hand",
            )
        ]
