"""The failure of a run that is not complete: each partition, the reason, and what to do about it."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import dagster as dg

from assets.dagster_runs.tags import OUTCOME_TAG, REFUSED_TAG, refused_at
from assets.materialize.check_events import blocked_table
from assets.reports.configured import ConfiguredReport
from assets.shown import shown, shown_metadata
from connector.checks import CheckOutcome
from connector.errors import ReportingError
from connector.pipeline.collect import Missed, Outcome
from connector.runs.readiness import refused_bound
from connector.runs.wording import Caretakers, Reasons, sentence, what_to_do

#: Metadata of the failure: how many partitions of the run are materialized all the same.
MATERIALIZED = "stripe/materialized_partitions"

_WORST_FIRST = (
    Outcome.FAILED,
    Outcome.GONE,
    Outcome.LATE,
    Outcome.NOT_READY,
    Outcome.BEFORE_DATA,
    Outcome.OUTSIDE_LIFE,
)

_SHOWN = 10


def worst_outcome(outcomes: Iterable[str]) -> str | None:
    """The worst of the outcomes, as the run is tagged; None where nothing is wrong."""
    found = set(outcomes)
    return next((str(each) for each in _WORST_FIRST if each in found), None)


def incomplete_failure(
    report: ConfiguredReport,
    recorded: Collection[str],
    missed: Sequence[Missed],
    blocked: Sequence[CheckOutcome] = (),
) -> dg.Failure:
    """The failure that ends a run in which some partitions have no new data, or should not be used.

    Args:
        recorded: keys of the partitions that are materialized.
        missed: those that have no new data.
        blocked: failures of checks that block, in partitions that are materialized.

    Retrying the step would request the same again at once, so the failure does not allow it.
    """
    asset = report.key.to_user_string()
    ordered = sorted(missed, key=lambda each: each.partition.key)
    outcomes = [each.outcome for each in ordered] + ([Outcome.FAILED] if blocked else [])
    metadata: dict[str, Any] = {
        OUTCOME_TAG: worst_outcome(outcomes),
        MATERIALIZED: len(recorded),
    }
    lines = []
    bounds = {bound for each in missed if (bound := refused_bound(each.error))}
    if bounds:
        metadata[REFUSED_TAG] = refused_at(bounds)
    if ordered:
        lines += _describe_missed(asset, len(recorded), ordered, report.caretakers)
        metadata["stripe/not_materialized"] = _missed_table(ordered, report.caretakers)
    if blocked:
        lines += _describe_blocked(asset, len(recorded), blocked)
        metadata["stripe/blocked"] = blocked_table(blocked)
    return dg.Failure(shown("\n".join(lines)), metadata=shown_metadata(metadata), allow_retries=False)


def failure_without_answer(
    report: ConfiguredReport, error: ReportingError, recorded: Collection[str]
) -> dg.Failure:
    """The failure of a run that learned nothing about its partitions from Stripe.

    It may be retried where the error may pass.
    """
    there = f" {len(recorded)} partitions that were published already are materialized." if recorded else ""
    return dg.Failure(
        shown(
            f"{report.key.to_user_string()}: {sentence(error)}{there} "
            f"{what_to_do([error], report.caretakers)}"
        ),
        metadata=shown_metadata({
            OUTCOME_TAG: str(Outcome.FAILED),
            "stripe/error": type(error).__name__,
            MATERIALIZED: len(recorded),
        }),
        allow_retries=error.passing,
    )  # fmt: skip


def outcome_of(failure: dg.Failure) -> str:
    """What a run that ends with this failure is tagged with; `failed` for a failure that does not say."""
    value = failure.metadata.get(OUTCOME_TAG)
    return str(value.value) if value is not None else str(Outcome.FAILED)


def _describe_missed(asset: str, recorded: int, ordered: Sequence[Missed], by: Caretakers) -> list[str]:
    counts = ", ".join(
        f"{number} {_words(outcome)}"
        for outcome in _WORST_FIRST
        if (number := sum(each.outcome == outcome for each in ordered))
    )
    others = f" The other {recorded} are materialized." if recorded else ""
    reasons = Reasons()
    return [
        f"{asset}: {len(ordered)} of {recorded + len(ordered)} partitions have no new data ({counts}); "
        f"their earlier data, if any, are unchanged.{others}",
        *_first(
            f"  {each.partition.key}  {_words(each.outcome)}: "
            f"{reasons.known(each.partition.key, each.error) or _reason(each.error, by)}"
            for each in ordered
        ),
    ]


def _describe_blocked(asset: str, recorded: int, blocked: Sequence[CheckOutcome]) -> list[str]:
    names = list(dict.fromkeys(each.check.name for each in blocked))
    partitions = len({each.partition for each in blocked})
    return [
        f"{asset}: {', '.join(names)} failed in {partitions} of {recorded} partitions. All of them are "
        "materialized; assets that depend on them do not start in this run.",
        *_first(f"  {each.partition}  {each.check.name}: {each.finding.reason}" for each in blocked),
        "If Stripe's report is wrong, materialize these partitions again once Stripe has corrected it. If it "
        "is right, or good enough, leave the check out of `checks.blocking`, or set its severity to `warn`.",
    ]


def _first(lines: Iterable[str]) -> list[str]:
    """The first lines, and how many more there are."""
    every = list(lines)
    more = len(every) - _SHOWN
    return [*every[:_SHOWN], *([f"  and {more} more, all in this failure's metadata"] if more > 0 else [])]


def _reason(error: ReportingError, by: Caretakers) -> str:
    return f"{sentence(error)} {what_to_do([error], by, beside=True)}"


def _words(outcome: Outcome) -> str:
    return outcome.replace("_", " ")


def _missed_table(missed: Sequence[Missed], by: Caretakers) -> dg.TableMetadataValue:
    columns = ("partition", "outcome", "report_run", "reason", "what_to_do")
    records = [
        dg.TableRecord({
            "partition": each.partition.key,
            "outcome": str(each.outcome),
            "report_run": each.run_id or "",
            "reason": str(each.error),
            "what_to_do": what_to_do([each.error], by, beside=True),
        })
        for each in missed
    ]  # fmt: skip
    schema = dg.TableSchema(columns=[dg.TableColumn(name, "string") for name in columns])
    return dg.MetadataValue.table(records, schema)
