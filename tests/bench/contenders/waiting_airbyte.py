"""Small reports with Airbyte's CDK: a declarative source with an `AsyncRetriever`, made for such APIs. Its
records are gathered and written to one typed Parquet file: a destination at its cheapest.

As many jobs at once as there are reports, where it would be one. Its budget of calls is set to Stripe's
limits. It asks for its running jobs one by one, and pauses for five seconds between two rounds, which cannot
be configured.
"""

import logging
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from airbyte_cdk.models import ConfiguredAirbyteCatalog, ConfiguredAirbyteCatalogSerializer, Type
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

from tests.bench.contenders.measured import measured

_RUNS = "/v1/reporting/report_runs"


def manifest(url: str, key: str, starts: list[int]) -> dict[str, Any]:
    auth = {"type": "BasicHttpAuthenticator", "username": key, "password": ""}

    def requester(url: str, method: str, **more: Any) -> dict[str, Any]:
        address = {"type": "HttpRequester", "url": url, "http_method": method}
        return {**address, "authenticator": auth, **more}

    def extractor(*path: str) -> dict[str, Any]:
        return {"type": "DpathExtractor", "field_path": list(path)}

    def policy(method: str, path: str, limit: int) -> dict[str, Any]:
        return {
            "type": "MovingWindowCallRatePolicy",
            "rates": [{"limit": limit, "interval": "PT1S"}],
            "matchers": [{"method": method, "url_path_pattern": path}],
        }

    form = {
        "report_type": "balance.summary.1",
        "parameters[interval_start]": "{{ stream_partition['start'] }}",
        "parameters[interval_end]": "{{ stream_partition['start'] | int + 86400 }}",
    }
    retriever = {
        "type": "AsyncRetriever",
        "partition_router": {
            "type": "ListPartitionRouter",
            "cursor_field": "start",
            "values": [str(each) for each in starts],
        },
        "creation_requester": requester(
            f"{url}{_RUNS}", "POST", request_body={"type": "RequestBodyUrlEncodedForm", "value": form}
        ),
        "polling_requester": requester(f"{url}{_RUNS}/{{{{ creation_response['id'] }}}}", "GET"),
        "download_requester": requester("{{ download_target }}", "GET"),
        "download_decoder": {"type": "CsvDecoder"},
        "download_extractor": extractor(),
        "status_extractor": extractor("status"),
        "download_target_extractor": extractor("result", "url"),
        "status_mapping": {
            "running": ["pending"],
            "completed": ["succeeded"],
            "failed": ["failed"],
            "timeout": [],
        },
        "record_selector": {"type": "RecordSelector", "extractor": extractor()},
    }
    stream = {
        "type": "DeclarativeStream",
        "name": "balance_summary",
        "retriever": retriever,
        "schema_loader": {
            "type": "InlineSchemaLoader",
            "schema": {"type": "object", "properties": {}, "additionalProperties": True},
        },
    }
    return {
        "version": "7.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": ["balance_summary"]},
        "streams": [stream],
        "max_concurrent_async_job_count": len(starts),
        "concurrency_level": {"type": "ConcurrencyLevel", "default_concurrency": 20},
        "api_budget": {
            "type": "HTTPAPIBudget",
            "policies": [
                policy("POST", f"^{_RUNS}$", 25),
                policy("GET", f"^{_RUNS}/", 25),
                policy("GET", "^/v1/files/", 20),
            ],
        },
    }


def catalog() -> ConfiguredAirbyteCatalog:
    stream = {"name": "balance_summary", "json_schema": {}, "supported_sync_modes": ["full_refresh"]}
    entry = {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "append"}
    return ConfiguredAirbyteCatalogSerializer.load({"streams": [entry]})


def pull(url: str, key: str, first: date, days: int, folder: str) -> None:
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    starts = [int((begin + timedelta(days=number)).timestamp()) for number in range(days)]
    source = ConcurrentDeclarativeSource(
        catalog(), {}, [], source_config=manifest(url, key, starts), migrate_manifest=False
    )
    rows = [
        message.record.data
        for message in source.read(logging.getLogger("airbyte"), {}, catalog(), [])
        if message.type is Type.RECORD and message.record is not None
    ]
    columns: dict[str, pa.Array] = {name: pa.array([row[name] for row in rows]) for name in rows[0]}
    amounts = [Decimal(row["net_amount"]) for row in rows]
    columns["net_amount"] = pa.array(amounts, pa.decimal128(36, 18))
    pq.write_table(pa.table(columns), Path(folder) / "balance_summary.parquet")


if __name__ == "__main__":
    _url, _key, _first, _days, _folder, _ = sys.argv[1:]
    logging.disable(logging.INFO)
    with measured():
        pull(_url, _key, date.fromisoformat(_first), int(_days), _folder)
