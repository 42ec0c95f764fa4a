"""A table knows its calendar: missing and doubled days are named, and block nothing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from connector.accounts import AccountLife, AccountLists, AccountLives
from connector.checks.audit import audit
from connector.checks.calendar import NO_GAPS, NO_OVERLAPS, check_calendar
from connector.checks.finding import CheckResult, Finding
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from tests.checks.conftest import Books, dataset_of
from tests.support.datasets import DATASET, provenance
from tests.support.partitions import days

BALANCE = "balance_summary"


def findings(dataset: Dataset, files: Mapping[str, Provenance | None]) -> dict[str, Finding]:
    return {each.check.name: each.finding for each in check_calendar(dataset, files)}


def test_a_day_that_is_missing_in_between_is_named(books: Books) -> None:
    first, second, third, last = days("2026-06-01", 4)
    query = books.pulled(BALANCE, partitions=[first, third, last])

    (gaps,) = (each for each in audit(books.store, dataset_of(query)) if each.check is NO_GAPS)

    assert gaps.finding.result is CheckResult.FAILED
    assert gaps.finding.reason.startswith(f"Missing: {second.key}.")
    assert (gaps.partition, gaps.finding.wrong) == ("2026-06-01 to 2026-06-04", 1)
    assert not gaps.check.blocks


def test_a_day_whose_file_cannot_be_read_is_missing(books: Books) -> None:
    query = books.pulled(BALANCE, partitions=days("2026-06-01", 3))
    Path(books.store.uri(dataset_of(query), "2026-06-02")).write_bytes(b"PAR1")

    found = findings(dataset_of(query), books.store.provenances(dataset_of(query)))

    assert found["no_gaps"].reason.startswith("Missing: 2026-06-02.")


def test_a_table_without_holes_passes(books: Books) -> None:
    query = books.pulled(BALANCE, partitions=days("2026-06-01", 3))

    found = findings(dataset_of(query), books.store.provenances(dataset_of(query)))

    assert {each.result for each in found.values()} == {CheckResult.PASSED}


def test_time_that_two_files_cover_is_named() -> None:
    long, inside = days("2026-06-01", 1)[0].interval, days("2026-06-02", 1)[0].interval
    assert long
    assert inside
    overlong = provenance(interval=type(long)(long.start, inside.end))
    files = {"2026-06-01": overlong, "2026-06-02": provenance(interval=inside)}

    found = findings(DATASET, files)[NO_OVERLAPS.name]

    assert found.result is CheckResult.FAILED
    assert "2026-06-01 with 2026-06-02" in found.reason


def test_what_an_account_lacks_of_its_life_is_missing_and_what_lies_outside_of_it_is_not() -> None:
    series = replace(DATASET, dimensions=("connected_account",))
    file = provenance()
    there = {f"acct_1|{each.key}": replace(file, interval=each.interval) for each in days("2026-06-01", 4)}
    del there["acct_1|2026-06-02"]
    lives = AccountLives(
        (
            AccountLife("acct_1", date(2026, 6, 3)),
            AccountLife("acct_2", date(2026, 6, 2), date(2026, 6, 3)),
        )
    )

    outcomes = check_calendar(series, there, AccountLists({series.table: [lives]}))

    (gaps,) = (each.finding for each in outcomes if each.check is NO_GAPS)
    assert (gaps.result, gaps.wrong) == (CheckResult.FAILED, 2)
    assert gaps.reason.startswith("Missing: all of acct_2.")
