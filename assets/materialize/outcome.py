"""How a run that did not bring everything says so: each partition, why, and what to do about it."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import dagster as dg

from assets.dagster_runs.tags import OUTCOME_TAG
from assets.materialize.check_events import blocked_table
from connector.checks import CheckOutcome
from connector.errors import ReportingError, RunPendingError, advice
from connector.pipeline.collect import Missed, Outcome

#: What is worse stands first.
_BY_GRAVITY = (Outcome.FAILED, Outcome.LATE, Outcome.NOT_READY)

_SHOWN = 10

_AGAIN = "Materialize it again"


def what_to_do(error: ReportingError) -> str:
    """What to do about an error, in one sentence."""
    if isinstance(error, RunPendingError):
        return "The late-run sensor fetches it once Stripe is done; materializing again adopts it, too."
    return advice(error, again=_AGAIN)


def sentence(error: ReportingError) -> str:
    """The error's text with a full stop, since more follows."""
    return str(error).rstrip(". ") + "."


def gravest(outcomes: Iterable[str]) -> str | None:
    """The worst of the outcomes, as the run is tagged; None where nothing is wrong."""
    found = set(outcomes)
    return next((str(each) for each in _BY_GRAVITY if each in found), None)


def incomplete(
    asset: str, recorded: Collection[str], missed: Sequence[Missed], blocked: Sequence[CheckOutcome] = ()
) -> dg.Failure:
    """The failure that ends a run in which some partitions have no new data, or should not be used.

    Args:
        asset: the asset key, as people read it.
        recorded: keys of the partitions that went well and stay.
        missed: those that have no new data.
        blocked: what checks that block have found wrong with those that are recorded.

    Retrying the step would ask for the same again at once, so the failure does not allow it.
    """
    ordered = sorted(missed, key=lambda each: each.partition.key)
    outcomes = [each.outcome for each in ordered] + ([Outcome.FAILED] if blocked else [])
    metadata: dict[str, Any] = {
        OUTCOME_TAG: gravest(outcomes),
        "stripe/materialized_partitions": len(recorded),
    }
    lines = []
    if ordered:
        lines += _told_missing(asset, len(recorded), ordered)
        metadata["stripe/not_materialized"] = _table(ordered)
    if blocked:
        lines += _told_blocked(asset, len(recorded), blocked)
        metadata["stripe/blocked"] = blocked_table(blocked)
    return dg.Failure("\n".join(lines), metadata=metadata, allow_retries=False)


def _told_missing(asset: str, recorded: int, ordered: Sequence[Missed]) -> list[str]:
    counts = ", ".join(
        f"{number} {outcome.replace('_', ' ')}"
        for outcome in map(str, _BY_GRAVITY)
        if (number := sum(each.outcome == outcome for each in ordered))
    )
    total = recorded + len(ordered)
    kept = f" The other {recorded} are recorded and stay." if recorded else ""
    return [
        f"{asset}: {len(ordered)} of {total} partitions have no new data ({counts}); what was there before "
        f"is untouched.{kept}",
        *_first(f"  {each.partition.key}  {_account(each)}" for each in ordered),
    ]


def _told_blocked(asset: str, recorded: int, blocked: Sequence[CheckOutcome]) -> list[str]:
    names = list(dict.fromkeys(each.check.name for each in blocked))
    where = len({each.partition for each in blocked})
    return [
        f"{asset}: {', '.join(names)} failed in {where} of {recorded} partitions. All of them are recorded; "
        "what depends on them does not start in this run.",
        *_first(f"  {each.partition}  {each.check.name}: {each.finding.reason}" for each in blocked),
        "If Stripe's report is wrong, materialize these partitions again once Stripe has mended it. If it is "
        "right, or good enough, leave the check out of `checks.blocking`, or set its severity to `warn`.",
    ]


def _first(lines: Iterable[str]) -> list[str]:
    """As many as people read."""
    every = list(lines)
    more = len(every) - _SHOWN
    return [*every[:_SHOWN], *([f"  … and {more} more; the table has them all."] if more > 0 else [])]


def unanswered(asset: str, error: ReportingError, recorded: Collection[str]) -> dg.Failure:
    """The failure of a run that could not learn anything about its partitions.

    It may be retried where the error may pass.
    """
    kept = f" {len(recorded)} partitions that needed nothing are recorded." if recorded else ""
    return dg.Failure(
        f"{asset}: {sentence(error)}{kept} {what_to_do(error)}",
        metadata={
            OUTCOME_TAG: str(Outcome.FAILED),
            "stripe/error": type(error).__name__,
            "stripe/materialized_partitions": len(recorded),
        },
        allow_retries=error.passing,
    )


def _account(missed: Missed) -> str:
    return f"{missed.outcome.replace('_', ' ')}: {sentence(missed.error)} {what_to_do(missed.error)}"


def outcome_of(failure: dg.Failure) -> str:
    """What a run that ends with this failure is tagged with; a failure that does not say needs a person."""
    said = failure.metadata.get(OUTCOME_TAG)
    return str(said.value) if said is not None else str(Outcome.FAILED)


def _table(missed: Sequence[Missed]) -> dg.TableMetadataValue:
    columns = ("partition", "outcome", "report_run", "reason", "what_to_do")
    records = [
        dg.TableRecord({
            "partition": each.partition.key,
            "outcome": str(each.outcome),
            "report_run": each.run_id or "",
            "reason": str(each.error),
            "what_to_do": what_to_do(each.error),
        })
        for each in missed
    ]  # fmt: skip
    schema = dg.TableSchema(columns=[dg.TableColumn(name, "string") for name in columns])
    return dg.MetadataValue.table(records, schema)
