"""The partitions that a run is for: those in its range that lie in the life of their account.

Dagster has every window of each account, and a range is a rectangle. What lies outside of a life in it is
passed over, without an event. A run that somebody launched for nothing else is refused: it would end well
with nothing there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from assets.dagster_runs.tags import BACKFILL, OUTCOME_TAG
from assets.materialize.failures import MATERIALIZED
from assets.reports.configured import ConfiguredReport
from assets.shown import shown, shown_metadata
from connector.dataset.coverage import listed
from connector.errors import OutsideLifeError
from connector.runs.events import Missed, Outcome


@dataclass(frozen=True, slots=True)
class Launched:
    """What a run was launched for.

    Attributes:
        keys: the partitions that it is to bring.
        outside: those that it passes over.
        missed: those that it was launched for and that cannot be.
    """

    keys: Sequence[str]
    outside: Sequence[str] = ()
    missed: Sequence[Missed] = ()


def launched_for(context: dg.AssetExecutionContext, report: ConfiguredReport) -> Launched:
    """The partitions of a run. A backfill is cut into runs of which some have nothing to bring."""
    every = context.partition_keys
    keys = [key for key in every if report.asks_for(key)]
    outside = [key for key in every if not report.asks_for(key)]
    if keys or not outside or BACKFILL in context.run.tags:
        return Launched(keys, outside)
    return Launched((), (), [_missed(report, key) for key in outside])


def _missed(report: ConfiguredReport, key: str) -> Missed:
    account = report.query.key_format.values(key)[0]
    life = report.accounts.get(account)
    bounds = {"starts": life.start, "ends": life.until} if life else {}
    said = " and ".join(f"{word} on {day}" for word, day in bounds.items() if day)
    return Missed(
        report.partition(key), OutsideLifeError(f"{account} {said}, so {key} is not asked for"), None
    )


def describe_outside(outside: Sequence[str]) -> str:
    """A line for the log of a run."""
    return f"Not asked for, since they lie outside of their account's life: {listed(outside)}."


def unreadable_failure(asset: str, recorded: Sequence[str], outside: Sequence[str]) -> dg.Failure:
    """The failure of a run in which a further step reads the asset, and that passed over partitions.

    That step starts only behind an output, and with an output Dagster records all partitions of the run.
    """
    text = (
        f"{asset}: {len(recorded)} partitions are materialized. The assets that depend on them do not start "
        f"in this run, because Dagster would record these too: {listed(outside)}. They lie outside of their "
        "account's life. Launch the dependent assets by themselves, for the windows that are there."
    )
    metadata = {OUTCOME_TAG: str(Outcome.OUTSIDE_LIFE), MATERIALIZED: len(recorded)}
    return dg.Failure(
        shown(text),
        metadata=shown_metadata(metadata),
        allow_retries=False,
    )
