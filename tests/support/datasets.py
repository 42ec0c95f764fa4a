"""A dataset, and files to publish in it."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from connector.dataset.identity import Dataset
from connector.dataset.provenance import METADATA_KEY, Provenance, Published
from connector.dataset.seal import writing_sealed
from connector.dataset.store import Store
from connector.money import WIDE
from connector.partitions import Partition, Windows

DATASET = Dataset(
    table="balance_summary",
    mode="test",
    account=None,
    report_type="balance.summary.1",
    window="daily",
    zone="UTC",
)
NOON = datetime(2026, 6, 2, 12, tzinfo=UTC)

#: Puts a one-row file into a store.
Publish = Callable[..., Any]


def provenance(run_id: str = "frr_1", *, made: datetime = NOON, **changes: Any) -> Provenance:
    """The provenance of a file of the 1st of June, or of the period in `changes`."""
    period = changes.get("period", "2026-06-01")
    fields: dict[str, Any] = {
        "table": DATASET.table,
        "period": period,
        "report_type": DATASET.report_type,
        "parameters": {"interval_start": 1, "interval_end": 2, "columns": ["net_amount"]},
        "interval": changes.get("interval") or Windows("daily").partition(period).interval,
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
        "columns": {"net_amount": WIDE},
        "totals": {"usd": Decimal("1.00")},
        "sums": {"net_amount": {"usd": Decimal("1.00")}},
    }
    return Provenance(**(fields | changes))


def seal(path: Path) -> None:
    """Put the seal into a finished Parquet file."""
    content = path.read_bytes()
    with writing_sealed(path) as file:
        file.write(content)


def write(path: Path, source: Provenance, *, row_groups: int = 1) -> None:
    """Write a file with a row in each row group, which names its run."""
    row = {"net_amount": Decimal("1.00"), "_report_run_id": source.run_id}
    table = pa.Table.from_pylist([row] * row_groups)
    pq.write_table(table.replace_schema_metadata({METADATA_KEY: source.to_json()}), path, row_group_size=1)
    seal(path)


def rows_in(store: Store, period: str = "2026-06-01") -> list[str]:
    """The run each row in place comes from."""
    table = store.arrow_dataset(DATASET, [period]).to_table()
    return [str(run) for run in table["_report_run_id"].to_pylist()]


def directory(path: Path) -> Path:
    """The same path, now a directory."""
    path.mkdir(parents=True)
    return path


def lay(root: Path, dataset: Dataset, period: str, table: pa.Table, **changes: Any) -> Path:
    """A file with these rows in a partition's place, and the table's pin, as publishing leaves them."""
    path, pin = root / dataset.file_path(period), root / dataset.pin_path
    for each in (path, pin):
        each.parent.mkdir(parents=True, exist_ok=True)
    stated = {
        "table": dataset.table,
        "mode": dataset.mode,
        "account": dataset.account,
        "report_type": dataset.report_type,
        "period": period,
        "interval": Windows(dataset.window, dataset.zone).partition(period).interval,
    }
    source = provenance(**(stated | changes))
    pq.write_table(table.replace_schema_metadata({METADATA_KEY: source.to_json()}), path)
    pin.write_text(dataset.to_json())
    return path


def pin_as_earlier_versions_did(store: Store, dataset: Dataset) -> None:
    """A table without files, whose pin does not say how it holds money: wide, as all tables once did."""
    path = Path(store.root) / dataset.pin_path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dataset.to_json())


class _Watched:
    """A file that notes every read that reaches its end, where the footer of a Parquet file is."""

    def __init__(self, file: pa.NativeFile, note: Callable[[], None]) -> None:
        self._file = file
        self._note = note

    def read(self, count: int = -1) -> bytes:
        before = self._file.tell()
        found = bytes(self._file.read(count if count >= 0 else None))
        if found and before + len(found) == self._file.size():
            self._note()
        return found

    def seek(self, position: int, whence: int = 0) -> int:
        return int(self._file.seek(position, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        self._file.close()

    @property
    def closed(self) -> bool:
        return bool(self._file.closed)


def counted(opened: list[str], footers: list[str] | None = None) -> pafs.PyFileSystem:
    """The local file system, which notes every file that is opened.

    Args:
        footers: where it notes every file whose end is read.
    """
    local = pafs.LocalFileSystem()
    open_file = local.open_input_file

    def noted(_: Any, path: str) -> pa.NativeFile:
        opened.append(path)
        file = open_file(path)
        if footers is None:
            return file
        return pa.PythonFile(_Watched(file, partial(footers.append, path)), mode="r")

    handed = {
        name: lambda _, *given, name=name: getattr(local, name)(*given)
        for name in pafs.FileSystemHandler.__abstractmethods__
    }
    named_otherwise = {
        "open_input_file": noted,
        "get_file_info_selector": lambda _, selector: local.get_file_info(selector),
        "open_input_stream": lambda _, path: local.open_input_stream(path, compression=None),
    }
    kind = type("Counted", (pafs.FileSystemHandler,), {**handed, **named_otherwise})
    return pafs.PyFileSystem(kind())


def repeat(store: Store, dataset: Dataset, source: Published, partitions: Iterable[Partition]) -> None:
    """Publish the rows of a published file in these partitions too, as the answers to the same request."""
    rows = pq.ParquetFile(source.uri).read()
    for each in partitions:
        assert each.interval is not None
        bounds = {"interval_start": each.interval.start, "interval_end": each.interval.end}
        asked = {name: int(at.timestamp()) for name, at in bounds.items()}
        there = replace(
            source.provenance,
            period=each.key,
            interval=each.interval,
            parameters={**source.provenance.parameters, **asked},
        )
        path = Path(store.uri(dataset, each.key))
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows.replace_schema_metadata({METADATA_KEY: there.to_json()}), path)
