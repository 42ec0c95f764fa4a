"""All checks of a whole table: each of its files, what lies between them, and other tables.

For those who have files and no orchestrator. What was requested is read from the files themselves, so a file
from before a change of columns is checked by the columns of its own day.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from connector.catalogue import REPORTS, Column, ColumnType
from connector.catalogue.columns import has
from connector.checks.balance import check_continuity, find_continuity_check
from connector.checks.calendar import check_calendar, check_strays
from connector.checks.evaluate import check_file
from connector.checks.finding import CheckOutcome
from connector.checks.pairs import find_reconciliations
from connector.checks.reconciliation import reconcile
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.query import CONNECTED_ACCOUNT, ReportQuery


def audit(store: Store, dataset: Dataset, others: Sequence[Dataset] = ()) -> Iterator[CheckOutcome]:
    """The outcomes of all checks on all files of a table, oldest first.

    Args:
        others: tables it may be compared with; those of another mode or account are not.

    Raises:
        ConfigurationError: the table's report is not in the catalogue.
        StoreError: the file system refuses.
    """
    comparable = [each for each in others if (each.mode, each.account) == (dataset.mode, dataset.account)]
    ended: dict[tuple[str, ...], tuple[datetime, str]] = {}
    files = store.provenances(dataset)
    for key, file in sorted(files.items(), key=_age):
        query = rebuild_query(dataset, file)
        yield from check_file(store, dataset, query, key)
        if file is None or file.interval is None:
            continue
        series = dataset.key_format.values(key)[:-1]
        before = ended.get(series)
        if before and before[0] == file.interval.start and find_continuity_check(query):
            yield from _present(check_continuity(store, dataset, query, before[1], key))
        ended[series] = file.interval.end, key
        yield from _compare(store, dataset, query, key, comparable)
    yield from check_calendar(dataset, files)
    yield check_strays(dataset, tuple(store.strays(dataset)))


def rebuild_query(dataset: Dataset, file: Provenance | None) -> ReportQuery:
    """What a file of the table was requested with. Raises ConfigurationError for an unknown report type."""
    return ReportQuery.of(
        dataset.report_type,
        name=dataset.table,
        columns=_requested(dataset, file) if file else None,
        filters=dataset.filters,
        window=dataset.window,
        zone=dataset.zone,
        by_account=CONNECTED_ACCOUNT in dataset.dimensions,
    )


def _requested(dataset: Dataset, file: Provenance) -> Sequence[str] | Mapping[str, str | None] | None:
    """The columns requested; those that the configuration added to a known report with their types."""
    names = file.parameters.get("columns")
    spec = REPORTS.get(dataset.report_type)
    if not names or spec is None or all(has(spec, name) for name in names):
        return names
    return {name: None if has(spec, name) else _type(file.columns, name) for name in names}


def _type(columns: Mapping[str, str], name: str) -> str:
    """How a column was configured, by what it is stored as."""
    stored = columns.get(Column(name, ColumnType.TEXT, "").stored_name, "")
    kinds = {
        "decimal": "money",
        "int": "integer",
        "bool": "boolean",
        "timestamp": "timestamp",
        "date": "date",
    }
    return next((kind for prefix, kind in kinds.items() if stored.startswith(prefix)), "text")


def _age(partition: tuple[str, Provenance | None]) -> tuple[str, str]:
    key, file = partition
    return str(file.interval.start) if file and file.interval else "", key


def _compare(
    store: Store, dataset: Dataset, query: ReportQuery, key: str, others: Sequence[Dataset]
) -> Iterator[CheckOutcome]:
    for other in others:
        file = store.provenance(other, key) if other.dimensions == dataset.dimensions else None
        if file is not None:
            for each in find_reconciliations(query, [rebuild_query(other, file)]):
                yield from _present(reconcile(store, each, dataset, other, key))


def _present(outcome: CheckOutcome | None) -> Iterator[CheckOutcome]:
    if outcome is not None:
        yield outcome
