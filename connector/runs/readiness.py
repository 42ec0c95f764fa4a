"""Whether Stripe has the data of an interval yet, and when it will."""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from connector.api.models import ReportRequest, ReportType
from connector.catalogue import latency_of
from connector.errors import (
    BeforeDataError,
    InternalError,
    InvalidRequestError,
    NotReadyError,
    ReportingError,
)
from connector.partitions import Interval, Partition, other_zone
from connector.runs.adoption import PartitionRequest


class Bound(StrEnum):
    """Where Stripe's data begin or end. Whether an interval may touch it is not known: the reference asks
    for a second between them, the guide does not.

    Source: https://docs.stripe.com/api/reporting/report_run/create, https://docs.stripe.com/reports/api
    """

    START = "start"
    END = "end"


#: How a message says that something is still to come.
_NOT_YET = re.compile(r"\b(yet|not ready|in progress|still|pending|later)\b", re.IGNORECASE)
#: As Stripe says it of an interval: "is only available through", without naming a parameter.
_ONLY_THROUGH = "is only available through"


class Availability:
    """What data Stripe has, of each report type and as each account sees it.

    Args:
        types: the report types by id, by the account in whose name they were read.
    """

    def __init__(self, types: Mapping[str | None, Mapping[str, ReportType]]) -> None:
        self._types = types

    def of(self, wanted: PartitionRequest) -> ReportType | None:
        """The report type of a partition, as its account has it; None where it has none of that id."""
        return self._types.get(wanted.partition.acting_for, {}).get(wanted.request.report_type)

    def not_ready(self, wanted: PartitionRequest, now: datetime) -> NotReadyError | BeforeDataError | None:
        """Why Stripe cannot answer yet, or ever; None when it can, and where nothing is known."""
        available = self.of(wanted)
        return not_ready(wanted.partition.interval, available, now) if available else None

    def explain(self, error: Exception, wanted: PartitionRequest, now: datetime) -> ReportingError:
        """What it means that the creation of a run failed."""
        if not isinstance(error, ReportingError):
            return InternalError.of(error)
        if isinstance(error, InvalidRequestError) and refused_for_now(error):
            return explain_refusal(error, wanted.partition, wanted.request, self.of(wanted), now)
        return error


def not_ready(
    interval: Interval | None, available: ReportType, now: datetime
) -> NotReadyError | BeforeDataError | None:
    """Why Stripe cannot answer for `interval` yet, or ever; None when it can. Both ends of the window count:
    what touches them is tried.

    Source: https://docs.stripe.com/reports/api
    """
    if interval is None:
        return None
    first, last = available.data_available_start, available.data_available_end
    window = f"Stripe has data for {available.id} from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
    if interval.start < first:
        return BeforeDataError(
            f"{interval} begins before Stripe's data do, so it never can be had: {window}. "
            f"{_way_out(interval, first)}",
            available_start=first,
        )
    if interval.end > last:
        expected = ready_by(available.id, interval.end, now)
        return NotReadyError(
            f"{interval} is not ready: {window}; expected by {expected:%Y-%m-%d %H:%M} UTC",
            available_start=first,
            available_end=last,
            expected=expected,
        )
    return None


def _way_out(interval: Interval, first: datetime) -> str:
    """What can be had of an interval that begins before the data do."""
    if interval.end <= first:
        return f"Begin at {first:%Y-%m-%d %H:%M} UTC"
    smaller = f"Use smaller windows from {first:%Y-%m-%d %H:%M} UTC on for what lies behind that"
    zone = other_zone(interval, first)
    if zone is None:
        return smaller
    offset = first.astimezone(ZoneInfo(zone)).isoformat()[-6:]
    return (
        f"{smaller}. {first:%H:%M} UTC is midnight at UTC{offset}, probably that of the account: with a zone "
        f"of that offset, such as `zone: {zone}`, days are whole from the first on. A table that has files "
        "keeps its zone; another one needs a `name`"
    )


def touches(interval: Interval | None, available: ReportType, bounds: Collection[Bound]) -> bool:
    """Whether an interval reaches exactly to one of these bounds of Stripe's data."""
    return interval is not None and (
        (Bound.START in bounds and interval.start == available.data_available_start)
        or (Bound.END in bounds and interval.end == available.data_available_end)
    )


def explain_refusal(
    error: InvalidRequestError,
    partition: Partition,
    request: ReportRequest,
    available: ReportType | None,
    now: datetime,
) -> NotReadyError | BeforeDataError:
    """What it means that Stripe refuses, for now, a partition that lies within the data which it names.

    One that begins exactly where the data do never will be had. Where Stripe does not say which end it
    refuses, and the interval touches both, it is asked for again when the data have advanced.
    """
    interval = partition.interval
    said = f"Stripe has no data for {interval or partition.key}: {error}"
    if interval is None or available is None:
        return NotReadyError(said)
    first, last = available.data_available_start, available.data_available_end
    about_end = "interval_end" in str(error.param) or _ONLY_THROUGH in str(error)
    about_start = "interval_start" in str(error.param) or interval.end < last
    begins_there = interval.start == first and request.get("interval_start") is not None
    if begins_there and about_start and not about_end:
        return BeforeDataError(
            f"{said}. It begins exactly where Stripe's data do, at {first:%Y-%m-%d %H:%M} UTC, which Stripe "
            "does not take. Begin with the next window; smaller ones leave out less",
            available_start=first,
            bound=True,
        )
    if interval.end != last:
        return NotReadyError(said)
    expected = ready_by(available.id, interval.end, now)
    return NotReadyError(
        f"{said}. It ends exactly where Stripe's data do, which Stripe does not take yet; expected by "
        f"{expected:%Y-%m-%d %H:%M} UTC",
        available_start=first,
        available_end=last,
        expected=expected,
        bound=True,
    )


def refused_bound(error: ReportingError) -> Bound | None:
    """The bound of Stripe's data at which it refused an interval; None for any other error."""
    if isinstance(error, NotReadyError | BeforeDataError) and error.bound:
        return Bound.END if isinstance(error, NotReadyError) else Bound.START
    return None


def ready_by(report_type: str, end: datetime, now: datetime) -> datetime:
    """When the data up to `end` should be there: the next noon or midnight UTC after preparation.

    Source: https://docs.stripe.com/reports/options
    """
    earliest = max(end + latency_of(report_type).prepared, now)
    day = earliest.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    steps = (day + timedelta(hours=12 * n) for n in range(3))
    return next(step for step in steps if step >= earliest)


def refused_for_now(error: InvalidRequestError) -> bool:
    """Whether a 400 means that Stripe does not have the data yet.

    Which code comes with it is not documented, nor whether the parameter is always named. Of an interval the
    parameter's name decides, or the message; of a payout, which can also be unknown, what the message says.
    """
    param = str(error.param)
    return error.status == 400 and (
        "interval_" in param
        or _ONLY_THROUGH in str(error)
        or ("payout" in param and _NOT_YET.search(str(error)) is not None)
    )
