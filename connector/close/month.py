"""A month of a zone's calendar: its bounds, and the partitions that make it up."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self

from connector.errors import ConfigurationError
from connector.partitions import Partition, Windows

_MONTH = re.compile(r"([12]\d{3})-(0[1-9]|1[0-2])")

#: Windows that make up every month; weeks do not.
WINDOWS = ("hourly", "daily", "monthly")


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month, by its first day."""

    first: date

    @classmethod
    def of(cls, text: str) -> Self:
        """The month written as `2026-06`. Raises ConfigurationError for anything else."""
        found = _MONTH.fullmatch(text)
        if not found:
            raise ConfigurationError(f"{text[:80]!r} is not a month such as 2026-06")
        return cls(date(int(found[1]), int(found[2]), 1))

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"

    @property
    def following(self) -> "Month":
        """The month after it."""
        return Month((self.first + timedelta(days=31)).replace(day=1))

    @property
    def before(self) -> "Month":
        """The month before it."""
        return Month((self.first - timedelta(days=1)).replace(day=1))

    @property
    def last(self) -> date:
        """Its last day, which is part of it."""
        return self.following.first - timedelta(days=1)

    def end(self, zone: str) -> datetime:
        """The instant at which it is over on a zone's calendar, UTC."""
        return Windows("monthly", zone).bound(self.following.first).astimezone(UTC)

    def partitions(self, window: str, zone: str) -> tuple[Partition, ...]:
        """The windows that make it up, oldest first, on a zone's calendar."""
        return Windows(window, zone).between(self.first, self.following.first)
