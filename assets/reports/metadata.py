"""What Dagster shows of a report and of each of its partitions."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import dagster as dg
import pyarrow as pa

from assets.reports.configured import ConfiguredReport
from assets.reports.partitions import dimension_tags
from assets.reports.preview import preview
from assets.shown import shown_metadata
from connector.accounts import AccountLives
from connector.catalogue import Column, ColumnType
from connector.catalogue.spec import RowKind
from connector.convert import arrow_types
from connector.convert.decode import NOT_ASKED_FOR, ROW_KIND
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.money import money_text
from connector.pipeline.collect import Done

#: Under which a partition's event names the report run its rows came from.
REPORT_RUN = "stripe/report_run_id"

#: The accounts that have partitions of their own, with their lives, in the metadata of an asset.
ACCOUNTS = "stripe/accounts"

#: The identity of a report's table in the metadata of its asset, without mode and account, which
#: only the resource knows.
DATASET = "stripe/dataset"


def asset_metadata(report: ConfiguredReport) -> dict[str, Any]:
    """What is known of a report before it is materialized: its type, its columns, its table."""
    query, accounts = report.query, report.accounts
    return {
        "dagster/column_schema": configured_schema(report),
        "dagster/table_name": query.name,
        "stripe/report_type": query.spec.id,
        "stripe/version": query.spec.version,
        "stripe/documentation": dg.MetadataValue.url(query.spec.source),
        DATASET: dg.MetadataValue.json(json.loads(query.dataset(mode="", account=None).to_json())),
        **({ACCOUNTS: dg.MetadataValue.json(accounts.as_json())} if accounts else {}),
    }


def dataset_of(metadata: Mapping[str, Any], *, mode: str, account: str | None) -> Dataset | None:
    """The table that an asset's definition metadata describe; None for an asset that is not a report."""
    identity = _plain(metadata.get(DATASET))
    if identity is None:
        return None
    return Dataset.from_json(json.dumps({**identity, "mode": mode, "account": account}))


def accounts_of(metadata: Mapping[str, Any]) -> AccountLives:
    """The accounts that an asset's definition metadata name; none where it is not partitioned by account."""
    return AccountLives.of(_plain(metadata.get(ACCOUNTS)) or ())


def configured_columns(metadata: Mapping[str, Any]) -> pa.Schema | None:
    """The columns that an asset's definition metadata name, as they are stored; None where they name none."""
    found = _plain(metadata.get("dagster/column_schema"))
    if not isinstance(found, dg.TableSchema):
        return None
    known = arrow_types.BY_NAME
    return pa.schema([(column.name, known[column.type]) for column in found.columns if column.type in known])


def configured_schema(report: ConfiguredReport) -> dg.TableSchema:
    """The columns the report is configured with, as they are stored, with what they mean."""
    query = report.query
    return dg.TableSchema(
        columns=[
            _column(column, str(arrow_types.arrow_type(column, query.timezone)), query.timezone)
            for column in query.columns
        ],
        constraints=dg.TableConstraints(
            other=[f"unique ({', '.join(query.spec.row_key)})"] if query.spec.row_key else []
        ),
    )


def found_schema(report: ConfiguredReport, schema: pa.Schema, known: Sequence[Column]) -> dg.TableSchema:
    """The columns a file has, also those that are not configured.

    Args:
        known: what `query.columns_in` says of the file's header.
    """
    by_name = {column.stored_name: column for column in known}
    columns = []
    for field in schema:
        column = by_name.get(field.name)
        if column:
            columns.append(_column(column, str(field.type), report.query.timezone))
        else:
            about = _OURS.get(field.name, NOT_ASKED_FOR)
            columns.append(dg.TableColumn(field.name, str(field.type), description=about))
    return dg.TableSchema(columns=columns, constraints=configured_schema(report).constraints)


def partition_metadata(report: ConfiguredReport, done: Done, rows: pa.Table | None) -> dict[str, Any]:
    """Everything about one partition that is in place: where from, what it holds, what it cost.

    Args:
        rows: its first rows, with the file's schema; None where the file cannot be read.
    """
    provenance = done.published.provenance
    metadata: dict[str, Any] = {"dagster/partition_row_count": provenance.rows}
    if report.query.spec.amount_column:
        metadata["stripe/totals"] = dg.MetadataValue.json(_labelled_totals(report, provenance.totals))
    if rows is not None:
        known = report.query.columns_in(provenance.header)
        if balances := _balances(report, rows):
            metadata["stripe/balances"] = dg.MetadataValue.json(balances)
        metadata["stripe/preview"] = dg.MetadataValue.md(preview(report, rows, known, provenance.rows))
        metadata["dagster/column_schema"] = found_schema(report, rows.schema, known)
    metadata |= {
        REPORT_RUN: provenance.run_id,
        "stripe/file_id": provenance.file_id,
        "stripe/as_of": dg.MetadataValue.timestamp(provenance.as_of),
        "stripe/origin": str(done.origin) if done.origin else "already published",
        "stripe/reused": done.reused,
    }
    if changed := change_text(done):
        metadata["stripe/change"] = changed
    if provenance.interval:
        metadata["stripe/interval_start"] = dg.MetadataValue.timestamp(provenance.interval.start)
        metadata["stripe/interval_end"] = dg.MetadataValue.timestamp(provenance.interval.end)
    if done.fetched:
        metadata["stripe/wait_seconds"] = round(done.waited, 3)
        metadata["stripe/convert_seconds"] = round(done.converted, 3)
    metadata |= {
        "dagster/uri": uri(done.published.uri),
        "stripe/csv_bytes": provenance.csv_bytes,
        "stripe/csv_sha256": provenance.csv_sha256,
        "stripe/livemode": provenance.livemode,
        "stripe/mode": str(provenance.mode),
        "stripe/parameters": dg.MetadataValue.json(dict(provenance.parameters)),
    }
    if provenance.account:
        metadata["stripe/account"] = provenance.account
    if provenance.added_columns:
        metadata["stripe/added_columns"] = dg.MetadataValue.json(list(provenance.added_columns))
    if provenance.withheld_columns:
        metadata["stripe/withheld_columns"] = dg.MetadataValue.json(list(provenance.withheld_columns))
    return metadata


def materialization(
    report: ConfiguredReport, provenance: Provenance, metadata: Mapping[str, Any]
) -> dg.AssetMaterialization:
    """The event that a partition's file is in place, with or without a Dagster run.

    Args:
        metadata: by `partition_metadata`.
    """
    tags = {
        "dagster/data_version": provenance.data_version,
        "dagster/data_version_is_user_provided": "true",
        "dagster/code_version": report.code_version,
        **dimension_tags(report.partitions, provenance.period),
    }
    return dg.AssetMaterialization(
        report.key, partition=provenance.period, metadata=shown_metadata(metadata), tags=tags
    )


def change_text(done: Done) -> str | None:
    """What the partition's new file changed; None where there was none before, or none was fetched."""
    if done.reused:
        return "not known: Stripe answered the new report run with a file it had made before"
    if done.published.outdated:
        return "none: a newer file was published already, and stays"
    change = done.published.change
    if not done.fetched or change is None:
        return None
    if change.same_bytes and not change.columns:
        return "none: Stripe's new file is the same to the byte"
    return ", ".join(change.texts()) or "values only: as many rows, and the same sums in every currency"


def uri(place: str) -> str:
    """An absolute path as a `file:` URI, legible where it may be; a URL as it is."""
    return place if "://" in place else f"file://{quote(place, safe='/=')}"


_OURS = {
    ROW_KIND: "What the row is: balance, movement, or a subtotal or total, not to be added to its parts.",
    "_date": "Calendar date on which that interval starts, in the zone of the table's windows.",
    "_interval_start": "Start of the interval of the report run, inclusive.",
    "_interval_end": "End of that interval, exclusive.",
    "_report_run_id": "The report run at Stripe that the row came from.",
}


def _column(column: Column, stored_type: str, timezone: str | None) -> dg.TableColumn:
    tags = {}
    if column.type is ColumnType.TIMESTAMP:
        tags["zone"] = arrow_types.zone_of(column, timezone)
    if column.personal:
        tags["personal"] = ""
    if column.free_text:
        tags["may_be_personal"] = ""
    about = f"{column.about} In {column.unit}." if column.unit else column.about
    return dg.TableColumn(column.stored_name, stored_type, description=about, tags=tags)


def _labelled_totals(report: ConfiguredReport, totals: Mapping[str, Decimal]) -> dict[str, Any]:
    """Sums by currency, under what they are sums of."""
    spec = report.query.spec
    rows = "movements only" if spec.row_kinds else "all rows"
    amounts = {
        currency or "no currency": money_text(total, currency) for currency, total in sorted(totals.items())
    }
    return {f"sum of {spec.amount_column} ({rows})": amounts}


def _balances(report: ConfiguredReport, rows: pa.Table) -> dict[str, dict[str, str]]:
    """The balances of a summary by currency, under their names, as text in the currency's digits.

    Args:
        rows: all of them, as a preview of a summary has.
    """
    spec, found = report.query.spec, dict[str, dict[str, str]]()
    kinds, amount = spec.row_kinds, spec.amount_column
    if kinds is None or not {ROW_KIND, kinds.column, kinds.currency, amount} <= {*rows.column_names}:
        return found
    for row in rows.to_pylist():
        if row[ROW_KIND] == RowKind.BALANCE.value and row[amount] is not None:
            currency = row[kinds.currency]
            found.setdefault(row[kinds.column], {})[currency or "no currency"] = money_text(
                row[amount], currency
            )
    return found


def _plain(value: Any) -> Any:
    """Metadata may be given as plain values or as Dagster's wrapped ones."""
    return value.value if isinstance(value, dg.MetadataValue) else value
