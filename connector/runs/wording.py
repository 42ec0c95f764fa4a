"""What is said of report runs that take long, and of partitions that failed: derived from what will be done
about them, and by whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.api.models import ReportRun
from connector.errors import (
    APIError,
    AuthenticationError,
    ConnectionFailedError,
    NotReadyError,
    ReportingError,
    RunPendingError,
    advice,
)
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


def failed(item: PartitionProgress, run_id: str, reason: str) -> str:
    """As many runs as a partition may cost, all of which came to nothing."""
    runs = "a report run" if item.lost == 1 else f"{item.lost} report runs, the last"
    return f"Stripe failed {runs} {run_id}: {reason}"


def hung(runs: Sequence[ReportRun], abandon_after: timedelta) -> str:
    """As many runs as a partition may cost, all of which hang."""
    ids = ", ".join(run.id for run in runs)
    return (
        f"{len(runs)} report runs have been pending at Stripe for more than {_hours(abandon_after)}: {ids}. "
        "No further one is created; the next attempt takes up what has ended by then. "
        "Give their ids to Stripe's support"
    )


@dataclass(frozen=True, slots=True)
class Caretakers:
    """Who looks after a partition that failed.

    Attributes:
        again: how a person tries again, as in `Pull again`.
        late: what takes up a report run that ends later; None for nothing.
        missing: what requests a partition that is missing whenever Stripe's data have advanced; None for
            nothing.
    """

    again: str
    late: str | None = None
    missing: str | None = None


#: Of the command: nobody but who runs it.
COMMAND = Caretakers("Pull again")


def what_to_do(errors: Sequence[ReportingError], by: Caretakers, *, beside: bool = False) -> str:
    """Whether partitions that failed come by themselves and when, and what a person can do about them, each
    sentence once. The arguments are those of `outlook`.
    """
    sentences = [outlook(errors, by, beside=beside), *(advice(error, again=by.again) for error in errors)]
    return " ".join(dict.fromkeys(sentences))


def outlook(errors: Sequence[ReportingError], by: Caretakers, *, beside: bool = False) -> str:
    """Whether partitions that failed come by themselves, and when, as a sentence.

    Args:
        errors: of partitions with the same outcome; at least one.
        beside: the errors' own texts stand beside it, which say already when data are expected.
    """
    said = _ONE if len(errors) == 1 else _MANY
    under_way = all(isinstance(error, RunPendingError) and error.run_id for error in errors)
    not_ready = [error for error in errors if isinstance(error, NotReadyError)]
    expected = max((error.expected for error in not_ready if error.expected), default=None)
    when = f", expected by {expected:%Y-%m-%d %H:%M} UTC" if expected and not beside else ""
    if under_way and by.late:
        return f"{said.comes}: {by.late} takes {said.it} up when Stripe has finished {said.it}."
    if not_ready and by.missing:
        return f"{said.comes}: {by.missing} requests {said.it} once Stripe has the data{when}."
    if by.missing and any(error.passing for error in errors):
        return f"{said.may_come}: {by.missing} requests {said.it} again when Stripe's data have advanced."
    if not_ready and not beside:
        return f"{said.does_not_come}, and Stripe has no data for {said.it} yet{when}."
    return f"{said.does_not_come}{f', though Stripe goes on with {said.it}' if under_way else ''}."


@dataclass(frozen=True, slots=True)
class _Said:
    """What is said of one partition, or of several."""

    it: str
    comes: str
    may_come: str
    does_not_come: str


_ONE = _Said("it", "It comes by itself", "It may come by itself", "It does not come by itself")
_MANY = _Said(
    "them", "They come by themselves", "They may come by themselves", "They do not come by themselves"
)


class Reasons:
    """Why partitions failed, each reason in full once: a key that has expired, a permission that it lacks or
    a network that is down would else be said of each partition."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, ...], str] = {}

    def known(self, key: str, error: ReportingError) -> str | None:
        """A clause that refers to the first partition that failed for this reason; None where this is it."""
        first = self._first.setdefault(_reason(error), key)
        return None if first == key else f"for the same reason as {first}"


def _reason(error: ReportingError) -> tuple[str, ...]:
    """What is the same where partitions fail for one reason, whichever request it befell."""
    kind = type(error).__name__
    match error:
        case AuthenticationError() | ConnectionFailedError():
            return (kind,)
        case APIError() if error.said:
            return kind, f"{error.status}", error.said
    return kind, str(error)


def sentence(error: ReportingError) -> str:
    """An error's text with a full stop, since more follows."""
    return str(error).rstrip(". ") + "."


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
