"""Whether the file is the one Stripe made: its bytes, its rows, its columns."""

import re

import pyarrow as pa

from connector.catalogue import Column
from connector.checks.finding import Check, CheckResult, Finding, Severity
from connector.checks.opened_file import FileCheck, OpenFile, first_line
from connector.checks.wording import counted, listed
from connector.convert.parquet import read_through
from connector.errors import StoreError
from connector.query import ReportQuery
from connector.text import printable

_SHA256 = re.compile(r"[0-9a-f]{64}")


def _no_columns(_query: ReportQuery) -> tuple[Column, ...]:
    return ()


def _is_whole(file: OpenFile) -> Finding:
    """The CSV had the size Stripe announced; what was made of it reads to the last page."""
    kept, check = file.provenance, IS_WHOLE.check.name
    try:
        with file.bytes() as source:
            rows = read_through(source)
    except (StoreError, pa.ArrowException, OSError) as error:
        reason = f"{file.uri} cannot be used: {first_line(error)}. Ask for it anew."
        return Finding(check, CheckResult.FAILED, reason, 1)
    announced = (kept.run.get("result") or {}).get("size")
    if not isinstance(announced, int) or not _SHA256.fullmatch(kept.csv_sha256):
        reason = f"{file.uri} does not say how large the CSV of {kept.run_id} was, or what its SHA-256 is."
        return Finding(check, CheckResult.UNDECIDABLE, reason)
    if announced != kept.csv_bytes:
        reason = (
            f"Stripe announced {announced:,} bytes for the CSV of {kept.run_id}, and the file was made from "
            f"{kept.csv_bytes:,}. Ask for it anew."
        )
        return Finding(check, CheckResult.FAILED, reason, 1)
    reason = (
        f"The CSV of {kept.run_id} had the {counted(announced, 'byte')} Stripe announced, SHA-256 "
        f"{kept.csv_sha256}, and all {counted(rows, 'row')} made of it read back as they were written."
    )
    return Finding(check, CheckResult.PASSED, reason)


IS_WHOLE = FileCheck(
    Check(
        "file_is_whole",
        "The CSV had the size Stripe announced, and the Parquet file reads back bit by bit as it was made.",
    ),
    _no_columns,
    _is_whole,
)


def _row_count(file: OpenFile) -> Finding:
    check, kept = ROW_COUNT.check.name, file.provenance
    found = dict(file.ask(["_report_run_id"], "_report_run_id, count(*)", "GROUP BY ALL"))
    total = sum(found.values())
    foreign = total - found.get(kept.run_id, 0)
    if total != kept.rows:
        reason = f"{counted(kept.rows, 'row')} of {kept.run_id} were converted, and the file has {total:,}."
        return Finding(check, CheckResult.FAILED, reason, abs(total - kept.rows))
    if foreign:
        reason = f"{counted(foreign, 'row')} of {total:,} do not come from {kept.run_id}."
        return Finding(check, CheckResult.FAILED, reason, foreign)
    return Finding(
        check, CheckResult.PASSED, f"The file has the {counted(total, 'row')} that were converted."
    )


ROW_COUNT = FileCheck(
    Check("row_count", "The file has as many rows as were converted, all of the one report run."),
    _no_columns,
    _row_count,
)


def _chosen(query: ReportQuery) -> tuple[Column, ...] | None:
    """Nothing is drift where the choice of columns is left to Stripe."""
    return () if query.columns else None


def _no_added(file: OpenFile) -> Finding:
    check, added = NO_ADDED_COLUMNS.check.name, file.provenance.added_columns
    if not added:
        return Finding(check, CheckResult.PASSED, "The file has the columns asked for and no others.")
    reason = (
        f"Stripe added {counted(len(added), 'column')} that nobody asked for, kept as text: "
        f"{listed(map(printable, added))}. "
        "Whoever reads the table by position should know."
    )
    return Finding(
        check, CheckResult.FAILED, reason, len(added), tuple({"column": name} for name in added[:10])
    )


NO_ADDED_COLUMNS = FileCheck(
    Check("no_added_columns", "The file has the columns asked for and no others.", Severity.WARN),
    _chosen,
    _no_added,
)
