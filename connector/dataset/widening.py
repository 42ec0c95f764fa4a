"""The same rows with money in its wide type, for a table that gets a cell which the narrow one does not hold.

Nothing is asked of Stripe: every number of a narrow file is the same number in the wide type. The rows keep
their report run, and the file what it says of itself, but for the type.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from connector.dataset.provenance import Provenance
from connector.dataset.schema_evolution import OpenedFile
from connector.dataset.seal import compare_with_seal, writing_sealed
from connector.errors import StoreError
from connector.money import NARROW, WIDE

_WIDE = pa.decimal128(36, 18)
_DICTIONARIES = {"PLAIN_DICTIONARY", "RLE_DICTIONARY"}


def refuse_damaged(file: OpenedFile) -> None:
    """Raise StoreError where a file is not as it was written."""
    try:
        compare_with_seal(file.bytes)
    except (StoreError, OSError) as error:
        raise StoreError(
            f"{file.footer.path}: {error} Pull that partition again with --force, or move the file away, and "
            "then repeat this"
        ) from None


def write_wide(file: OpenedFile, target: Path) -> Provenance:
    """Write the rows of a file of narrow money to `target`, and return what that says of itself.

    One row group at a time is in memory.

    Raises StoreError where the file is not as it was written, or the other one cannot be written.
    """
    origin = file.footer.provenance
    if origin is None:
        raise StoreError(f"{file.footer.path} does not say which report run it was made from")
    kinds = {each.name: _WIDE if str(each.type) == NARROW else each.type for each in file.footer.schema}
    schema = pa.schema(list(kinds.items()))
    columns = {name: str(kinds[name]) for name in origin.columns}
    wide = replace(origin, money=WIDE, columns=columns)
    refuse_damaged(file)
    try:
        encoding = _encoding(file.metadata)
        with writing_sealed(target) as sealed, pq.ParquetWriter(sealed, schema, **encoding) as writer:
            for group in _row_groups(file.reader(), schema):
                writer.write_table(group, group.num_rows)
            writer.add_key_value_metadata(wide.metadata)
        with pq.ParquetFile(target) as written:
            as_meant = written.schema_arrow.equals(schema)
            if not as_meant or written.metadata.num_rows != file.metadata.num_rows:
                raise StoreError(f"{target} does not read back as it was written")
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"could not rewrite {file.footer.path}: {error}") from None
    return wide


def _encoding(like: pq.FileMetaData) -> dict[str, Any]:
    """As that file is encoded, as arguments of `ParquetWriter`."""
    first = like.row_group(0) if like.num_row_groups else None
    columns = [first.column(number) for number in range(first.num_columns)] if first else []
    return {
        "version": "2.6",
        "compression": "zstd",
        "use_dictionary": [each.path_in_schema for each in columns if _DICTIONARIES & set(each.encodings)],
        "write_statistics": [each.path_in_schema for each in columns if each.is_stats_set],
        "write_page_checksum": True,
        "store_schema": False,
        "store_decimal_as_integer": True,
    }


def _row_groups(reader: pq.ParquetFile, schema: pa.Schema) -> Iterator[pa.Table]:
    for number in range(reader.num_row_groups):
        yield reader.read_row_group(number).cast(schema)
