"""The tags of Dagster runs of reports."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from enum import StrEnum

from connector.errors import ConfigurationError
from connector.pipeline.events import Outcome
from connector.runs.adoption import WaitPolicy
from connector.runs.readiness import Bound

#: Run tag by which a schedule, a sensor or a person chooses what happens to partitions that have a file.
INTENT_TAG = "stripe/intent"


class Intent(StrEnum):
    """The values of the run tag: publish only what is missing, or request a new report run for each."""

    ENSURE = "ensure"
    REFRESH = "refresh"


#: Run tag: report runs to take by id, as JSON of partition key to id.
REPORT_RUNS_TAG = "stripe/report_runs"

#: Run tag: how many report runs each partition of the run may still cost.
ATTEMPTS_TAG = "stripe/attempts"

PARTITION = "dagster/partition"

BACKFILL = "dagster/backfill"

RANGE_START = "dagster/asset_partition_range_start"

RANGE_END = "dagster/asset_partition_range_end"

#: Tag of a re-execution, by hand or automatic: the run it is of.
PARENT_RUN = "dagster/parent_run_id"

#: Run tag: what a sensor or schedule asked for with the run, and for which time, as `missing/1780704000#1`.
ASKED_TAG = "stripe/asked"

#: Run tag by which the late-run sensor finds the runs it has requested: the asset they are about.
LATE_TAG = "stripe/late"

#: Run tag: the report runs to be replaced, as JSON of partition key to id.
REPLACES_TAG = "stripe/replaces"

#: Run tag, and metadata of the failure, by which alerts know what needs a person.
OUTCOME_TAG = "stripe/outcome"

#: Run tag, and metadata of the failure: at which bounds of its data Stripe refused a window, as `end start`.
REFUSED_TAG = "stripe/refused_at"


def refused_at(bounds: Collection[Bound]) -> str:
    """The value of the tag."""
    return " ".join(sorted(bounds))


#: All values of the tag.
REFUSED_AT = {refused_at(bounds): frozenset(bounds) for bounds in ([*Bound], [Bound.START], [Bound.END])}

#: The sensors bring these in later: report runs that are late, and data that are not ready yet.
_COMES_LATER = {str(Outcome.LATE), str(Outcome.NOT_READY)}


def needs_person(outcome: str | None) -> bool:
    """Whether a failed run needs a person.

    Args:
        outcome: the value of its `OUTCOME_TAG`. A run without one died before it could write it, or failed
            in a step that is not a report's; no sensor repairs that.
    """
    return outcome not in _COMES_LATER


#: Tag of a step that depends on a report's asset without reading it: its events need not be gathered.
READS_NOTHING = "stripe/reads_nothing"


def tag_of(runs: Mapping[str, str]) -> str:
    """Partition keys and their report runs as the value of a run tag; `tagged` reads it back."""
    return json.dumps(dict(sorted(runs.items())), separators=(",", ":"))


def tagged(value: str | None) -> dict[str, str]:
    """Partition key to report run, out of a run tag; empty where there is none.

    Raises ConfigurationError for what `tag_of` did not write: people can set tags too.
    """
    if not value:
        return {}
    try:
        return {str(key): str(run) for key, run in json.loads(value).items()}
    except (ValueError, AttributeError):
        raise ConfigurationError(
            f"a tag names report runs as {value[:80]!r}: expected JSON of partition key to id"
        ) from None


def allowed(value: str | None, wait_policy: WaitPolicy) -> WaitPolicy:
    """The wait policy of a run whose `ATTEMPTS_TAG` says how many report runs are left to its partitions.

    Raises ConfigurationError for anything but a positive number.
    """
    if value is None:
        return wait_policy
    if not value.isdecimal() or int(value) < 1:
        raise ConfigurationError(f"run tag {ATTEMPTS_TAG}={value[:80]!r}: expected a positive number")
    return replace(wait_policy, attempts=min(int(value), wait_policy.attempts))
