"""A whole table looked through: each of its files, what lies between them, and what other tables say.

For whoever has files and no orchestrator. What was asked is read from the files themselves, so a file from
before a change of columns is put to the checks of its own day.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.checks.balance import continuity_of, inspect_continuity
from connector.checks.evaluate import checks_of, inspect
from connector.checks.finding import Check, Finding
from connector.checks.reconciliation import agreements_of, inspect_agreement
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.query import CONNECTED_ACCOUNT, ReportQuery


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """A finding, of which table and partition it is, and the check it comes from."""

    table: str
    key: str
    check: Check
    finding: Finding


def audit(store: Store, dataset: Dataset, others: Sequence[Dataset] = ()) -> Iterator[CheckOutcome]:
    """What all checks say of all files of a table, oldest first.

    Args:
        others: tables it may be compared with; those of another mode or account are not.

    Raises:
        ConfigurationError: the table's report is not in the catalogue.
        StoreError: the file system refuses.
    """
    beside = [each for each in others if (each.mode, each.account) == (dataset.mode, dataset.account)]
    ended: dict[tuple[str, ...], tuple[datetime, str]] = {}
    for key, kept in sorted(_kept(store, dataset), key=_age):
        query = question_of(dataset, kept)
        for check, finding in zip(checks_of(query), inspect(store, dataset, query, key), strict=True):
            yield CheckOutcome(dataset.table, key, check, finding)
        if kept is None or kept.interval is None:
            continue
        whose = dataset.key_format.values(key)[:-1]
        before = ended.get(whose)
        continuity = continuity_of(query)
        if before and continuity and before[0] == kept.interval.start:
            goes_on = inspect_continuity(store, dataset, query, before[1], key)
            yield from _found(dataset, key, continuity, goes_on)
        ended[whose] = kept.interval.end, key
        yield from _compared(store, dataset, query, key, beside)


def question_of(dataset: Dataset, kept: Provenance | None) -> ReportQuery:
    """What a file of the table was asked for with. Raises ConfigurationError for a report nobody knows."""
    return ReportQuery.of(
        dataset.report_type,
        name=dataset.table,
        columns=kept.parameters.get("columns") if kept else None,
        filters=dataset.filters,
        window=dataset.window,
        zone=dataset.zone,
        by_account=CONNECTED_ACCOUNT in dataset.dimensions,
    )


def _kept(store: Store, dataset: Dataset) -> Iterator[tuple[str, Provenance | None]]:
    for key in store.keys(dataset):
        yield key, store.provenance(dataset, key)


def _age(partition: tuple[str, Provenance | None]) -> tuple[str, str]:
    key, kept = partition
    return str(kept.interval.start) if kept and kept.interval else "", key


def _compared(
    store: Store, dataset: Dataset, query: ReportQuery, key: str, others: Sequence[Dataset]
) -> Iterator[CheckOutcome]:
    for other in others:
        kept = store.provenance(other, key) if other.dimensions == dataset.dimensions else None
        if kept is not None:
            for agreement in agreements_of(query, [question_of(other, kept)]):
                found = inspect_agreement(store, agreement, dataset, other, key)
                yield from _found(dataset, key, agreement.check, found)


def _found(dataset: Dataset, key: str, check: Check, finding: Finding | None) -> Iterator[CheckOutcome]:
    if finding is not None:
        yield CheckOutcome(dataset.table, key, check, finding)
