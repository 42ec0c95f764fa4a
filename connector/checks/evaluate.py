"""All checks of one file, in the order they are told."""

from connector.checks.balance import ADDS_UP
from connector.checks.file import IS_WHOLE, NO_ADDED_COLUMNS, ROW_COUNT
from connector.checks.finding import Check, CheckResult, Finding
from connector.checks.opened_file import FileCheck, UnreadableError, opened, undecidable
from connector.checks.rows import DECIMALS, IN_INTERVAL, NET, UNIQUE_KEY
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.query import ReportQuery

_FILE_CHECKS = (IS_WHOLE, ROW_COUNT, NO_ADDED_COLUMNS, UNIQUE_KEY, IN_INTERVAL, NET, DECIMALS, ADDS_UP)


def checks_of(query: ReportQuery) -> tuple[Check, ...]:
    """The checks that a partition's own file can be put to, by what was asked for."""
    return tuple(each.check for each in _applying(query))


def inspect(store: Store, dataset: Dataset, query: ReportQuery, period: str) -> tuple[Finding, ...]:
    """Put the published file of a period to all of `checks_of(query)`: one finding each, in that order.

    A check that cannot be evaluated is undecidable and says why.

    Raises:
        StoreError: there is no file, or the file system refuses.
    """
    applying = _applying(query)
    try:
        with opened(store, dataset, query, period) as file:
            return tuple(each.finding(file) for each in applying)
    except UnreadableError as error:
        found = f"{store.uri(dataset, period)} cannot be used: {error}. Ask for it anew."
        return tuple(
            Finding(each.check.name, CheckResult.FAILED, found, 1)
            if each is IS_WHOLE
            else undecidable(each.check, found)
            for each in applying
        )


def _applying(query: ReportQuery) -> tuple[FileCheck, ...]:
    return tuple(each for each in _FILE_CHECKS if each.columns(query) is not None)
