"""Checks of a whole table: no window is missing between its files, none is there twice, and nothing else lies
among them."""

from collections.abc import Iterator, Mapping, Sequence

from connector.accounts import NO_LISTS, AccountLists
from connector.checks.finding import Check, CheckOutcome, CheckResult, Finding, Severity
from connector.dataset.admission import Stray
from connector.dataset.coverage import Coverage, coverage_of, listed
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance

NO_GAPS = Check(
    "no_gaps",
    "Between the first and the last partition of a table, none is missing, so that sums over time are whole.",
    Severity.WARN,
    compares_files=True,
)
NO_OVERLAPS = Check(
    "no_overlaps",
    "No two partitions of a table cover the same time, so that nothing is counted twice.",
    Severity.WARN,
    compares_files=True,
)

NO_STRAYS = Check(
    "no_strays",
    "Every file below a table's directory is that of one of its partitions, so that engines that read the "
    "directory count nothing twice.",
    compares_files=True,
)


def check_strays(dataset: Dataset, strays: Sequence[Stray]) -> CheckOutcome:
    """Whether anything lies below the table's directory that does not count."""
    finding = Finding(CheckResult.PASSED, "Nothing else lies below the table's directory.")
    if strays:
        finding = Finding(CheckResult.FAILED, listed(map(str, strays), separator=" "), wrong=len(strays))
    return CheckOutcome(NO_STRAYS, dataset.table, "all", finding)


def check_calendar(
    dataset: Dataset, files: Mapping[str, Provenance | None], lists: AccountLists = NO_LISTS
) -> Iterator[CheckOutcome]:
    """The outcomes of both checks; none for a table whose partitions are payouts, or that is empty.

    Args:
        files: what each file of the table states, by key; None for one that cannot be read, which counts as
            missing.
        lists: the accounts that the configuration names, as `coverage_of` takes them.
    """
    there = {key: file.interval for key, file in files.items() if file and file.interval}
    coverage = coverage_of(dataset, there, lists)
    if coverage.first is None:
        return
    for check, finding in ((NO_GAPS, _gaps(coverage)), (NO_OVERLAPS, _overlaps(coverage))):
        yield CheckOutcome(check, dataset.table, f"{coverage.first} to {coverage.last}", finding)


def _gaps(coverage: Coverage) -> Finding:
    if not coverage.missing:
        return Finding(CheckResult.PASSED, "No partition is missing in between.")
    count = len(coverage.missing)
    reason = f"Missing: {coverage.describe_missing()}. Sums over this time are short; pull what is missing."
    return Finding(CheckResult.FAILED, reason, wrong=count)


def _overlaps(coverage: Coverage) -> Finding:
    if not coverage.overlapping:
        return Finding(CheckResult.PASSED, "No two partitions cover the same time.")
    pairs = [f"{first} with {second}" for first, second in coverage.overlapping]
    reason = f"The same time is covered twice: {listed(pairs)}. Remove the file that does not belong there."
    return Finding(CheckResult.FAILED, reason, wrong=len(pairs))
