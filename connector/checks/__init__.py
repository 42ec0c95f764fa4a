"""Checks of published files: what must hold, evaluated on the Parquet file.

    all_checks()                            every check: what must hold, and what a failure leads to

    list_file_checks(query)                 the checks that apply to a partition's own file
    check_file(store, …, partition)         their outcomes
    opened(…), check_opened_file(…)         the same in two steps

    find_continuity_check(query)            whether a period opens with what the one before closed with
    check_continuity(…)

    find_reconciliations(query, others)     the tables whose totals must be the same
    reconcile(…), partitions_beside(…)      … and in which of their partitions

An outcome is passed, failed or inconclusive, with a reason in a sentence and the rows that are wrong.
`finding` holds these values; `file`, `rows`, `balance` and `reconciliation` hold the checks, `pairs` which
tables are compared.
"""

from connector.checks.balance import check_continuity, find_continuity_check
from connector.checks.evaluate import all_checks, check_file, check_opened_file, list_file_checks
from connector.checks.finding import Check, CheckOutcome, CheckResult, Finding, Severity
from connector.checks.opened_file import OpenFile, UnreadableError, open_file, opened
from connector.checks.pairs import Reconciliation, find_reconciliations
from connector.checks.reconciliation import partitions_beside, reconcile

__all__ = [
    "Check",
    "CheckOutcome",
    "CheckResult",
    "Finding",
    "OpenFile",
    "Reconciliation",
    "Severity",
    "UnreadableError",
    "all_checks",
    "check_continuity",
    "check_file",
    "check_opened_file",
    "find_continuity_check",
    "find_reconciliations",
    "list_file_checks",
    "open_file",
    "opened",
    "partitions_beside",
    "reconcile",
]
