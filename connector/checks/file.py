"""Checks of a file as a whole: its bytes, its rows and its columns are those Stripe sent."""

import re

import pyarrow as pa

from connector.catalogue import Column
from connector.checks.finding import Check, CheckResult, Finding, Severity
from connector.checks.opened_file import FileCheck, OpenFile, inconclusive
from connector.checks.wording import REFRESH, SHOWN, format_count, format_share
from connector.errors import StoreError
from connector.query import ReportQuery
from connector.text import join_names, visible

_SHA256 = re.compile(r"[0-9a-f]{64}")


def _no_columns(_query: ReportQuery) -> tuple[Column, ...]:
    return ()


def _check_whole(file: OpenFile) -> Finding:
    origin = file.provenance
    try:
        rows = file.read_through()
    except (StoreError, pa.ArrowException, OSError) as error:
        return Finding(CheckResult.FAILED, f"{file.uri} is damaged: {file.explain(error)}. {REFRESH}", 1)
    announced = origin.announced_bytes
    if announced is None or not _SHA256.fullmatch(origin.csv_sha256):
        return inconclusive(
            f"{file.uri} does not state the size that Stripe announced for the CSV of report run "
            f"{origin.run_id}, or the SHA-256 of what was downloaded. {REFRESH}"
        )
    if announced != origin.csv_bytes:
        reason = (
            f"The CSV of report run {origin.run_id} has {format_count(origin.csv_bytes, 'byte')}, and Stripe "
            f"announced {announced:,} (difference {origin.csv_bytes - announced:,}). {REFRESH}"
        )
        return Finding(CheckResult.FAILED, reason, 1)
    size = format_count(announced, "byte")
    reason = (
        f"The CSV of report run {origin.run_id} has the {size} that Stripe announced "
        f"(SHA-256 {origin.csv_sha256}). The Parquet file is unchanged, {format_count(rows, 'row')}."
    )
    return Finding(CheckResult.PASSED, reason)


IS_WHOLE = FileCheck(
    Check(
        "file_is_whole",
        "The CSV has the size that Stripe announced, and the Parquet file is unchanged since it was written.",
    ),
    _no_columns,
    _check_whole,
)


def _check_row_count(file: OpenFile) -> Finding:
    origin = file.provenance
    found = dict(file.select(["_report_run_id"], "_report_run_id, count(*)", "GROUP BY ALL"))
    total = sum(found.values())
    foreign = total - found.get(origin.run_id, 0)
    if total != origin.rows:
        off = total - origin.rows
        reason = (
            f"The file has {format_count(total, 'row')}, and {origin.rows:,} were converted from report run "
            f"{origin.run_id} (difference {off:,}). {REFRESH}"
        )
        return Finding(CheckResult.FAILED, reason, abs(off))
    if foreign:
        share = format_share(foreign, total, "row", "comes", "come")
        reason = f"{share} from another report run than {origin.run_id}. {REFRESH}"
        return Finding(CheckResult.FAILED, reason, foreign)
    return Finding(
        CheckResult.PASSED,
        f"The file has the {format_count(total, 'row')} that were converted from report run {origin.run_id}.",
    )


ROW_COUNT = FileCheck(
    Check("row_count", "The file has every row that was converted from its report run, and no others."),
    _no_columns,
    _check_row_count,
)


def _chosen(query: ReportQuery) -> tuple[Column, ...] | None:
    """No column is unexpected where the choice of columns is left to Stripe."""
    return () if query.columns else None


def _check_added_columns(file: OpenFile) -> Finding:
    added = file.provenance.added_columns
    if not added:
        return Finding(CheckResult.PASSED, "The file has the requested columns and no others.")
    reason = (
        f"Stripe sent {format_count(len(added), 'column')} beyond those requested, stored as text: "
        f"{join_names(map(visible, added))}. Check what reads this table by the position of columns."
    )
    return Finding(CheckResult.FAILED, reason, len(added), tuple({"column": name} for name in added[:SHOWN]))


NO_ADDED_COLUMNS = FileCheck(
    Check("no_added_columns", "The file has the requested columns and no others.", Severity.WARN),
    _chosen,
    _check_added_columns,
)
