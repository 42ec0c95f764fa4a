"""All checks: the list of them, those of a file, and what they find in it."""

from connector.checks.agreement.pairs import RECONCILES
from connector.checks.balance import ADDS_UP, CONTINUITY
from connector.checks.disappearance import DISAPPEARANCE
from connector.checks.file import IS_WHOLE, NO_ADDED_COLUMNS, ROW_COUNT
from connector.checks.finding import Check, CheckOutcome, CheckResult, Finding
from connector.checks.opened_file import FileCheck, OpenFile, UnreadableError, inconclusive
from connector.checks.rows import DECIMALS, IN_INTERVAL, NET, OF_ACCOUNT, UNIQUE_KEY
from connector.checks.wording import REFRESH
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.query import ReportQuery

_FILE_CHECKS = (
    *(IS_WHOLE, ROW_COUNT, NO_ADDED_COLUMNS, UNIQUE_KEY, IN_INTERVAL, OF_ACCOUNT, NET, DECIMALS, ADDS_UP),
    DISAPPEARANCE,
)


def all_checks() -> tuple[Check, ...]:
    """Every check there is, as the README lists them; the one on other tables under `agrees_with_<table>`."""
    return (*(each.check for each in _FILE_CHECKS), CONTINUITY, RECONCILES)


def list_file_checks(query: ReportQuery) -> tuple[Check, ...]:
    """The checks that apply to a partition's own file, by its report type and columns."""
    return tuple(each.check for each in _applicable(query))


def check_opened_file(
    store: Store, dataset: Dataset, query: ReportQuery, partition: str, file: OpenFile | UnreadableError
) -> tuple[CheckOutcome, ...]:
    """Run all of `list_file_checks(query)` on the file of a partition: one outcome each, in that order.

    A check that cannot be evaluated is inconclusive and says why.

    Args:
        file: what `opened` gave.
    """
    applicable = _applicable(query)
    if isinstance(file, OpenFile):
        findings = [each.evaluate_on(file) for each in applicable]
    else:
        reason = f"{store.uri(dataset, partition)} cannot be read: {file}. {REFRESH}"
        damaged = Finding(CheckResult.FAILED, reason, 1)
        findings = [damaged if each is IS_WHOLE else inconclusive(reason) for each in applicable]
    return tuple(
        CheckOutcome(each.check, dataset.table, partition, finding)
        for each, finding in zip(applicable, findings, strict=True)
    )


def _applicable(query: ReportQuery) -> tuple[FileCheck, ...]:
    return tuple(each for each in _FILE_CHECKS if each.columns(query) is not None)
