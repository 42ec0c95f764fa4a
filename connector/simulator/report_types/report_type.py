"""A report type: its columns, its parameters, and the availability of its data.

The data of a UTC day are complete by noon of the next, and are prepared twice a day; so `data_available_end`
is the latest midnight or noon (UTC) at least twelve hours ago.

Source: https://docs.stripe.com/reports/options, https://docs.stripe.com/api/reporting/report_type/object
"""

from dataclasses import dataclass

from connector.simulator.books.seeded_random import uniform
from connector.simulator.protocol.messages import Json
from connector.simulator.reports.columns import METADATA
from connector.simulator.reports.rows import Rows

HALF_DAY = 43_200


@dataclass(frozen=True)
class ReportType:
    """A report type and how its rows are made.

    `columns` are all it has, `[key]` standing for any metadata key; `default_columns` is None for a type that
    does not take `columns` and prints all of them.
    """

    id: str
    name: str
    columns: tuple[str, ...]
    default_columns: tuple[str, ...] | None
    rows: Rows
    required: tuple[str, ...] = ("interval_start", "interval_end")
    optional: tuple[str, ...] = ("columns", "currency", "timezone")
    live_only: bool = False

    @property
    def version(self) -> int:
        return int(self.id.rpartition(".")[2])

    @property
    def connected(self) -> bool:
        """Whether it is about the accounts connected to the caller's: all, or those in the parameters."""
        return self.id.startswith("connect")

    def has(self, column: str) -> bool:
        """Whether the report can print `column`."""
        if match := METADATA.fullmatch(column):
            return f"{match[1]}_metadata[key]" in self.columns
        return column in self.columns

    def available_until(self, now: int) -> int:
        """`data_available_end` in unix seconds: exclusive, a midnight or a noon in UTC."""
        return prepared(now - HALF_DAY)

    def updated(self, seed: int, now: int) -> int:
        """When data were last prepared: some seconds after midnight or noon, never after `now`."""
        latest = prepared(now)
        at = latest + self._lag(seed, latest)
        return at if at <= now else latest - HALF_DAY + self._lag(seed, latest - HALF_DAY)

    def _lag(self, seed: int, half_day: int) -> int:
        return 5 + int(uniform(seed, "updated", self.id, half_day) * 175)

    def view(self, *, seed: int, now: int, start: int, end: int, livemode: bool) -> Json:
        """The report type object."""
        return {
            "id": self.id,
            "object": "reporting.report_type",
            "data_available_end": end,
            "data_available_start": start,
            "default_columns": None if self.default_columns is None else list(self.default_columns),
            "livemode": livemode,
            "name": self.name,
            "updated": self.updated(seed, now),
            "version": self.version,
        }


def prepared(second: int) -> int:
    """The latest midnight or noon, UTC, not after `second`."""
    return second // HALF_DAY * HALF_DAY
