"""From the CSV of a finished report run to one Parquet file that says where its rows come from."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from connector import __version__
from connector.api.download import Download
from connector.api.models import API_VERSION
from connector.convert.csv_records import RecordFile
from connector.convert.decode import DECODER_VERSION, Expected, open_report, refuse_prose, stored_schema
from connector.convert.parquet import writing_parquet
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.partitions import Partition
from connector.query import ReportQuery
from connector.runs.events import Finished


def convert_report(
    parquet: Path,
    fetched: Download,
    finished: Finished,
    *,
    dataset: Dataset,
    query: ReportQuery,
    money: str,
    now: datetime,
    books: str | None,
) -> Provenance:
    """Write the file at `parquet`, and say what it is.

    Args:
        finished: the report run, whose file was fetched.
        money: how the table holds money, `NARROW` or `WIDE` of `connector.money`.
        now: what time it is, aware UTC.
        books: the identity of the simulator's books; None at Stripe.

    Raises:
        DataError: the CSV is not what was asked for.
        StoreError: the file could not be written.
    """
    run, file, wanted = finished.run, finished.file, finished.wanted
    partition, asked = wanted.partition, wanted.request.as_json()
    records = RecordFile.open(fetched.path, run.id)
    if query.by_header:
        refuse_prose(records)
    expected = _expected(query, records.header, money, dataset.table)
    report = open_report(records, expected)
    with writing_parquet(
        parquet,
        report,
        constants=_constants(query, partition, run.id),
        amount_column=query.spec.amount_column,
        currency_column=query.spec.currency_column,
        line_column=query.spec.row_kinds.column if query.spec.row_kinds else None,
    ) as written:
        provenance = Provenance(
            table=dataset.table,
            period=partition.key,
            report_type=asked["report_type"],
            parameters=asked["parameters"],
            interval=partition.interval,
            mode=dataset.mode,
            account=dataset.account_of(partition.key),
            livemode=run.livemode,
            books=books,
            api_version=API_VERSION,
            run_id=run.id,
            run_created=run.created,
            run_succeeded=run.succeeded_at,
            file_id=file.id,
            as_of=file.created,
            csv_bytes=fetched.size,
            csv_sha256=fetched.sha256,
            rows=written.rows,
            decoder_version=DECODER_VERSION,
            connector_version=__version__,
            fetched_at=now.replace(microsecond=0),
            header=records.header,
            columns={each.name: str(each.type) for each in report.schema},
            totals=written.totals,
            sums=written.sums,
            added_columns=report.added_columns,
            withheld_columns=tuple(name for name in expected.withheld if name not in query.withheld),
            request_ids=tuple(filter(None, (run.request_id, *fetched.request_ids))),
            money=money,
            announced_bytes=file.size,
        )
        written.add_metadata(provenance.metadata)
    return provenance


def load_arrow() -> None:
    """Have Arrow load what it loads when it is first used, such as pandas where that is installed: half a
    second, for which the first file would wait."""
    pa.table({"": [0]}).group_by("").aggregate([("", "sum")])


def stored_columns(query: ReportQuery, header: Sequence[str], money: str) -> dict[str, str]:
    """The columns that a file with this header would be stored with, in order, and their Arrow types."""
    schema, _ = stored_schema(header, _expected(query, header, money, query.name))
    return {each.name: str(each.type) for each in schema}


def _expected(query: ReportQuery, header: Sequence[str], money: str, table: str) -> Expected:
    columns, withheld = query.columns_in(header), query.left_out(header)
    return Expected(columns, query.timezone, query.spec.row_kinds, withheld, money, table)


def _constants(query: ReportQuery, partition: Partition, run_id: str) -> Mapping[str, pa.Scalar]:
    """What every row of a file says of where it comes from.

    A bound is null where the report has none: an ending balance has an end alone, a payout neither.
    """
    asked, interval, instant = query.spec.parameters, partition.interval, pa.timestamp("us", "UTC")
    start = interval.start if interval and "interval_start" in asked else None
    end = interval.end if interval and "interval_end" in asked else None
    return {
        "_date": pa.scalar(query.date_of(partition), pa.date32()),
        "_interval_start": pa.scalar(start, instant),
        "_interval_end": pa.scalar(end, instant),
        "_report_run_id": pa.scalar(run_id, pa.string()),
    }
