"""All checks of a whole table: each of its files, what lies between them, and other tables.

For those who have files and no orchestrator. What was requested is read from the files themselves, so a file
from before a change of columns is checked by the columns of its own day.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from connector.accounts import NO_LISTS, AccountLists
from connector.catalogue import REPORTS, Column, ColumnType
from connector.catalogue.columns import has
from connector.checks.agreement.pairs import find_reconciliations
from connector.checks.agreement.reconciliation import partitions_beside, reconcile_file
from connector.checks.balance import Ends, compare_ends, find_continuity_check, read_ends
from connector.checks.calendar import check_calendar, check_strays
from connector.checks.evaluate import check_opened_file
from connector.checks.finding import CheckOutcome
from connector.checks.opened_file import OpenFile, UnreadableError, opened
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.partitions import CONNECTED_ACCOUNT
from connector.query import ReportQuery


def audit(
    store: Store, dataset: Dataset, others: Sequence[Dataset] = (), lists: AccountLists = NO_LISTS
) -> Iterator[CheckOutcome]:
    """The outcomes of all checks on all files of a table, oldest first.

    Args:
        others: tables it may be compared with; those of another mode or account are not.
        lists: the accounts that the configuration names.

    Raises ConfigurationError where the table's report is not in the catalogue, and StoreError.
    """
    comparable = [each for each in others if (each.mode, each.account) == (dataset.mode, dataset.account)]
    with store.snapshot([dataset, *comparable]):
        yield from _audit(store, dataset, comparable, lists)


def _audit(
    store: Store, dataset: Dataset, comparable: Sequence[Dataset], lists: AccountLists
) -> Iterator[CheckOutcome]:
    ended: dict[tuple[str, ...], tuple[datetime, Ends | UnreadableError]] = {}
    files, strays = store.contents(dataset)
    for key, file in sorted(files.items(), key=_age):
        query = rebuild_query(dataset, file)
        with opened(store, dataset, query, key) as here:
            yield from check_opened_file(store, dataset, query, key, here)
            if file is None or file.interval is None:
                continue
            series, ends = dataset.key_format.values(key)[:-1], read_ends(here)
            before = ended.get(series)
            if before and before[0] == file.interval.start and find_continuity_check(query):
                yield compare_ends(dataset, key, before[1], ends)
            ended[series] = file.interval.end, ends
            yield from _compare(store, dataset, query, key, others=comparable, here=here)
    yield from check_calendar(dataset, files, lists)
    yield check_strays(dataset, strays)


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
        acting=dataset.acting,
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
    store: Store,
    dataset: Dataset,
    query: ReportQuery,
    key: str,
    *,
    here: OpenFile | UnreadableError,
    others: Sequence[Dataset],
) -> Iterator[CheckOutcome]:
    for other in others:
        beside = partitions_beside(store, dataset, other, key)
        file = next(filter(None, (store.provenance(other, each) for each in beside)), None)
        if file is not None:
            for each in find_reconciliations(query, [rebuild_query(other, file)]):
                found = reconcile_file(store, each, dataset, other, key, here=here, beside=beside)
                if found:
                    yield found
