"""Checks of published files: what must hold, evaluated on the Parquet file.

    all_checks()                            every check: what must hold, and what a failure leads to

    list_file_checks(query)                 the checks that apply to a partition's own file
    opened(…), check_opened_file(…)         their outcomes

    find_continuity_check(query)            whether a period opens with what the one before closed with
    check_continuity(…), read_ends(file)

    find_reconciliations(query, others)     the tables whose totals must be the same
    reconcile(…), partitions_beside(…)      … and in which of their partitions

An outcome is passed, failed or inconclusive, with a reason in a sentence and the rows that are wrong.

    finding, wording                       these values, and how they are put into words
    opened_file                            a file, opened for queries
    file, rows, wall_clock                 checks of one file: as a whole, row by row, by a zone's clock
    balance                                … and of a balance summary, and of the one before
    disappearance                          what a file lacks that the one it replaced had
    agreement                              what a table and another one must agree on
    calendar                               checks of a whole table: gaps, overlaps, strays
    evaluate, audit                        all checks, of a file and of a table
"""

from connector.checks.agreement.pairs import Reconciliation, all_in_one, find_reconciliations
from connector.checks.agreement.reconciliation import Sides, partitions_beside, reconcile
from connector.checks.balance import Ends, check_continuity, find_continuity_check, read_ends
from connector.checks.evaluate import all_checks, check_opened_file, list_file_checks
from connector.checks.finding import Check, CheckOutcome, CheckResult, Finding, Severity
from connector.checks.opened_file import OpenFile, UnreadableError, open_file, opened

__all__ = [
    "Check",
    "CheckOutcome",
    "CheckResult",
    "Ends",
    "Finding",
    "OpenFile",
    "Reconciliation",
    "Severity",
    "Sides",
    "UnreadableError",
    "all_checks",
    "all_in_one",
    "check_continuity",
    "check_opened_file",
    "find_continuity_check",
    "find_reconciliations",
    "list_file_checks",
    "open_file",
    "opened",
    "partitions_beside",
    "read_ends",
    "reconcile",
]
