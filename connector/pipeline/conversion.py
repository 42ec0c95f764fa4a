"""From the CSV of a finished report run to one Parquet file that says where its rows come from."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from connector import __version__
from connector.api.download import Download
from connector.api.models import API_VERSION, ReportRequest, ReportRun
from connector.convert.decode import DECODER_VERSION, Expected, header_of, open_report
from connector.convert.parquet import FileSummary, write_parquet
from connector.dataset.identity import Dataset
from connector.dataset.provenance import METADATA_KEY, Provenance, shape_of
from connector.errors import DownloadError
from connector.partitions import Partition
from connector.query import ReportQuery


def convert_report(
    parquet: Path,
    fetched: Download,
    *,
    dataset: Dataset,
    query: ReportQuery,
    partition: Partition,
    request: ReportRequest,
    run: ReportRun,
    now: datetime,
) -> Provenance:
    """Write the file at `parquet`, and say what it is.

    Args:
        request: what was asked, which `run` answers; `run` has a result.
        now: what time it is, aware UTC.

    Raises:
        DataError: the CSV is not what was asked for.
        StoreError: the file could not be written.
    """
    header = header_of(fetched.path, run_id=run.id, unknown=query.by_header)
    left_out = query.left_out(header)
    expected = Expected(query.columns_in(header), query.timezone, query.spec.row_kinds, left_out)
    report = open_report(fetched.path, expected, run_id=run.id)
    withheld = tuple(name for name in left_out if name not in query.withheld)
    origin = replace(
        _origin(dataset, partition, request, run, fetched),
        fetched_at=now.replace(microsecond=0),
        shape=shape_of(report.schema),
        added_columns=report.added_columns,
        withheld_columns=withheld,
    )

    def stated(written: FileSummary) -> Provenance:
        return replace(origin, rows=written.rows, totals=written.totals)

    written = write_parquet(
        parquet,
        report,
        constants=_constants(query, partition, run.id),
        metadata=lambda contents: {METADATA_KEY: stated(contents).to_json()},
        amount_column=query.spec.amount_column,
        currency_column=query.spec.currency_column,
    )
    return stated(written)


def _origin(
    dataset: Dataset, partition: Partition, request: ReportRequest, run: ReportRun, fetched: Download
) -> Provenance:
    """What is known of a file before its rows are: the question, the run and the bytes."""
    asked, file = request.as_json(), run.result
    if file is None:
        raise DownloadError(f"report run {run.id} succeeded without a file")
    return Provenance(
        table=dataset.table,
        period=partition.key,
        report_type=asked["report_type"],
        parameters=asked["parameters"],
        interval=partition.interval,
        mode=dataset.mode,
        account=dataset.account,
        livemode=run.livemode,
        api_version=API_VERSION,
        run_id=run.id,
        run_created=run.created,
        run_succeeded=run.succeeded_at,
        file_id=file.id,
        as_of=file.created,
        csv_bytes=fetched.size,
        csv_sha256=fetched.sha256,
        rows=0,
        decoder_version=DECODER_VERSION,
        connector_version=__version__,
        fetched_at=run.created,
        request_ids=tuple(filter(None, (run.request_id, *fetched.request_ids))),
        run=run.raw,
    )


def _constants(query: ReportQuery, partition: Partition, run_id: str) -> Mapping[str, pa.Scalar]:
    """What every row of a file says of where it comes from.

    A bound is null where the report has none: an ending balance has an end alone, a payout neither.
    """
    asked, interval, instant = query.spec.parameters, partition.interval, pa.timestamp("us", "UTC")
    start = interval.start if interval and "interval_start" in asked else None
    end = interval.end if interval and "interval_end" in asked else None
    return {
        "_interval_start": pa.scalar(start, instant),
        "_interval_end": pa.scalar(end, instant),
        "_report_run_id": pa.scalar(run_id, pa.string()),
    }
