"""Whether Stripe has the data of an interval yet, and when it will."""

import re
from datetime import UTC, datetime, timedelta

from connector.api.models import ReportType
from connector.errors import BeforeDataError, InvalidRequestError, NotReadyError
from connector.partitions import Interval

#: Stripe prepares data twice a day, and a day is complete within this time after its end.
#: Source: https://docs.stripe.com/reports/options
PREPARATION = timedelta(hours=12)


#: How a message says that something is still to come.
_NOT_YET = re.compile(r"\b(yet|not ready|in progress|still|pending|later)\b", re.IGNORECASE)
#: As Stripe says it of an interval: "is only available through", without naming a parameter.
_ONLY_THROUGH = "is only available through"


def not_ready(
    interval: Interval | None, available: ReportType, now: datetime
) -> NotReadyError | BeforeDataError | None:
    """Why Stripe cannot answer for `interval` yet, or ever; None when it can. Both ends of the window count.

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
        expected = ready_by(interval.end, now)
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
    return f"Use smaller windows from {first:%Y-%m-%d %H:%M} UTC on for what lies behind that"


def ready_by(end: datetime, now: datetime) -> datetime:
    """When the data up to `end` should be there: the next noon or midnight UTC after preparation.

    Source: https://docs.stripe.com/reports/options
    """
    earliest = max(end + PREPARATION, now)
    day = earliest.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    steps = (day + timedelta(hours=12 * n) for n in range(3))
    return next(step for step in steps if step >= earliest)


def refused_for_now(error: InvalidRequestError) -> bool:
    """Whether a 400 means that Stripe does not have the data yet.

    Which code comes with it is not documented, nor whether the parameter is always named. Of an interval the
    parameter's name decides, or the message; of a payout, which can also be unknown, what the message says.
    """
    param = error.param or ""
    return error.status == 400 and (
        "interval_" in param
        or _ONLY_THROUGH in str(error)
        or ("payout" in param and _NOT_YET.search(str(error)) is not None)
    )
