"""The same rows with money in its wide type, for a table that gets a cell which the narrow one does not hold.

Nothing is asked of Stripe: every number of a narrow file is the same number in the wide type. The rows keep
their report run, and the file what it says of itself, but for the type.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from connector.convert.arrow_types import MONEY, NUMBER
from connector.convert.parquet import encoding, verify
from connector.dataset.provenance import Provenance
from connector.dataset.schema_evolution import OpenedFile
from connector.dataset.seal import compare_with_seal, seal
from connector.errors import StoreError
from connector.money import WIDE


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
    kinds = {each.name: NUMBER if each.type == MONEY else each.type for each in file.footer.schema}
    schema = pa.schema(list(kinds.items()))
    columns = {name: str(kinds[name]) for name in origin.columns}
    wide = replace(origin, money=WIDE, columns=columns)
    refuse_damaged(file)
    try:
        groups = _row_groups(file.reader(), schema)
        first = next(groups, None)
        with pq.ParquetWriter(target, schema, **encoding(first, schema)) as writer:
            while first is not None:
                writer.write_table(first, first.num_rows)
                first = next(groups, None)
            writer.add_key_value_metadata(wide.metadata)
        seal(target)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"could not rewrite {file.footer.path}: {error}") from None
    verify(target, file.metadata.num_rows, schema)
    return wide


def _row_groups(reader: pq.ParquetFile, schema: pa.Schema) -> Iterator[pa.Table]:
    for number in range(reader.num_row_groups):
        yield reader.read_row_group(number).cast(schema)
