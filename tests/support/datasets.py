"""A dataset, and files to publish in it."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from connector.dataset.identity import Dataset
from connector.dataset.provenance import METADATA_KEY, Provenance
from connector.dataset.seal import seal
from connector.partitions import Interval

DATASET = Dataset(
    table="balance_summary",
    mode="test",
    account=None,
    report_type="balance.summary.1",
    window="daily",
    zone="UTC",
)
NOON = datetime(2026, 6, 2, 12, tzinfo=UTC)
DAY = Interval(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC))


def provenance(run_id: str = "frr_1", *, made: datetime = NOON, **changes: Any) -> Provenance:
    """The provenance of a file of the 1st of June, with `changes`."""
    fields: dict[str, Any] = {
        "table": DATASET.table,
        "period": "2026-06-01",
        "report_type": DATASET.report_type,
        "parameters": {"interval_start": 1, "interval_end": 2, "columns": ["net_amount"]},
        "interval": DAY,
        "mode": DATASET.mode,
        "account": None,
        "livemode": False,
        "api_version": "v",
        "run_id": run_id,
        "run_created": made,
        "run_succeeded": made,
        "file_id": f"file_of_{run_id}",
        "as_of": made,
        "csv_bytes": 10,
        "csv_sha256": f"sha of {run_id}",
        "rows": 1,
        "decoder_version": 1,
        "connector_version": "0",
        "fetched_at": made,
        "header": ("net_amount",),
        "columns": {"net_amount": "decimal128(36, 18)"},
        "totals": {"usd": Decimal("1.00")},
        "sums": {"net_amount": {"usd": Decimal("1.00")}},
    }
    return Provenance(**(fields | changes))


def write(path: Path, source: Provenance) -> None:
    """Write a file with one row, which names its run."""
    table = pa.table({"net_amount": [Decimal("1.00")], "_report_run_id": [source.run_id]})
    pq.write_table(table.replace_schema_metadata({METADATA_KEY: source.to_json()}), path)
    seal(path)
