"""The list of checks is complete, and each says in a sentence what must hold."""

import re
from itertools import permutations

import pytest

from connector.catalogue import REPORTS, Status
from connector.checks import (
    Check,
    Severity,
    all_checks,
    find_continuity_check,
    find_reconciliations,
    list_file_checks,
)
from connector.query import ReportQuery

QUERIES = [ReportQuery.of(spec.id) for spec in REPORTS.values() if spec.status is Status.DOCUMENTED]
OF_ACCOUNTS = [
    ReportQuery.of(each.spec.id, by_account=True)
    for each in QUERIES
    if "connected_account" in each.spec.parameters and not each.by_payout
]


def test_every_check_of_every_report_is_listed() -> None:
    of_files = {check for query in [*QUERIES, *OF_ACCOUNTS] for check in list_file_checks(query)}
    of_periods = {find_continuity_check(query) for query in QUERIES} - {None}

    assert of_files | of_periods == {check for check in all_checks() if check.other is None}


def test_checks_on_other_tables_follow_the_one_that_is_listed() -> None:
    (listed,) = (check for check in all_checks() if check.other)
    found = [
        each.check
        for ours, theirs in permutations(QUERIES, 2)
        for each in find_reconciliations(ours, [theirs])
    ]

    assert found
    assert {check.name for check in found} == {
        listed.name.replace("<table>", check.other or "") for check in found
    }
    assert {(check.severity, check.blocks) for check in found} == {(listed.severity, listed.blocks)}


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.name)
def test_what_must_hold_is_one_sentence(check: Check) -> None:
    assert re.fullmatch(r"[A-Z][^.]+\.", check.about)


def test_an_error_within_one_file_blocks_and_nothing_else_does() -> None:
    blocking = {check for check in all_checks() if check.blocks}

    assert blocking == {c for c in all_checks() if c.severity is Severity.ERROR and not c.compares_files}
