"""What is said of report runs that take long: derived from what the next attempt will do about them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from connector.api.models import ReportRun
from connector.errors import NotReadyError, ReportingError, RunPendingError
from connector.runs.adoption import WaitPolicy, abandoned_at
from connector.runs.progress import PartitionProgress


def late(item: PartitionProgress, run: ReportRun, now: datetime, policy: WaitPolicy) -> str:
    """A run that did not end while it was waited for."""
    seconds = f"{policy.wait_timeout.total_seconds():.0f} s"
    said = f"report run {run.id} {_attempt(item, policy)}"
    if item.unread:
        said += f" was not seen to end within {seconds}; the last poll: {item.unread}"
    else:
        said += f" was still pending after {seconds}"
    return f"{said}. {_next(item, abandoned_at(run, policy.abandon_after), now, policy)}"


def replaced(
    item: PartitionProgress, old: ReportRun, new: ReportRun, now: datetime, policy: WaitPolicy
) -> str:
    """A run that hangs, and the one that was created in its place."""
    return (
        f"report run {new.id} {_attempt(item, policy)} replaces {old.id}, "
        f"which has been pending for {_hours(now - old.created)}"
    )


def hung(runs: Sequence[ReportRun], abandon_after: timedelta) -> str:
    """As many runs as a partition may cost, all of which hang."""
    ids = ", ".join(run.id for run in runs)
    return (
        f"{len(runs)} report runs have been pending at Stripe for more than {_hours(abandon_after)}: {ids}. "
        "No further one is created; the next attempt takes up what has ended by then. "
        "Give their ids to Stripe's support"
    )


def outlook(error: ReportingError, *, late: str, missing: str) -> str:
    """Whether a partition that failed comes by itself, and when.

    Args:
        late: what takes up a report run that ends later.
        missing: what requests a partition that is missing, whenever Stripe's data have advanced.
    """
    if isinstance(error, RunPendingError) and error.run_id:
        return f"It comes by itself: {late} takes it up when Stripe has finished it."
    if isinstance(error, NotReadyError):
        when = f", expected by {error.expected:%Y-%m-%d %H:%M} UTC" if error.expected else ""
        return f"It comes by itself: {missing} requests it once Stripe has the data{when}."
    if error.passing:
        return f"It may come by itself: {missing} requests it again when Stripe's data have advanced."
    return "It does not come by itself."


def hangs(abandon_after: timedelta) -> str:
    """Why one run is not waited for any longer."""
    return f"it has been pending for more than {_hours(abandon_after)}"


def _next(item: PartitionProgress, until: datetime, now: datetime, policy: WaitPolicy) -> str:
    """What the next attempt does about a run that is pending."""
    number = item.lost + 2
    if number <= policy.attempts:
        then = f"a new one replaces it (attempt {number} of {policy.attempts})"
    else:
        then = "no further one is created, and Stripe's support has to be asked"
    if now >= until:
        return f"It goes on at Stripe. With the next attempt, if it is still pending, {then}"
    at = f"{until:%Y-%m-%d %H:%M} UTC"
    return f"It goes on at Stripe, and the next attempt takes it up; if it is still pending at {at}, {then}"


def _attempt(item: PartitionProgress, policy: WaitPolicy) -> str:
    return f"(attempt {item.lost + 1} of {policy.attempts})"


def _hours(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours:.0f} h" if hours == round(hours) else f"{hours:.1f} h"
