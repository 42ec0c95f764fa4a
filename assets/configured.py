"""One report as configured: what is asked of Stripe, in which windows, under which asset key.

The asset, its sensors, its checks and the reader all take their answers from this value.
"""

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

import dagster as dg

from assets.partitions import partition_of, partitions_definition
from connector.adoption import Patience
from connector.catalogue import Column
from connector.decode import DECODER_VERSION
from connector.query import Partition, ReportQuery
from connector.windows import Windows

#: Dagster runs that talk to Stripe at once are limited through this pool.
DEFAULT_POOL = "stripe_reporting"

#: Partitions in one Dagster run: enough to pay for its start, few enough to lose little with it.
DEFAULT_RANGE = 31


@dataclass(frozen=True)
class ConfiguredReport:
    """A report as this deployment wants it.

    Attributes:
        query: the report type, its columns and filters, the table's name, window and zone.
        start: where the first window begins, on the zone's clock.
        end_offset: windows beyond the last whole one; negative leaves some out.
        prefix: what stands before the table's name in the asset key.
        patience: how long report runs are waited for.
        max_partitions_per_run: how a backfill is cut into Dagster runs; None puts all into one.
        pool: Dagster's pool of the asset; None for no limit.
        resource: the key of the `StripeReporting` resource.
        io_manager: the key of the IO manager through which downstream assets read it.
    """

    query: ReportQuery
    start: date | datetime
    end_offset: int = 0
    prefix: tuple[str, ...] = ("stripe",)
    patience: Patience = field(default_factory=Patience)
    max_partitions_per_run: int | None = DEFAULT_RANGE
    pool: str | None = DEFAULT_POOL
    resource: str = "stripe"
    io_manager: str = "stripe_parquet"

    def using(self, *, resource: str, io_manager: str) -> "ConfiguredReport":
        """The same report of the account behind another resource."""
        return replace(self, resource=resource, io_manager=io_manager)

    @property
    def key(self) -> dg.AssetKey:
        """The asset's key, without the report's version: an upgrade does not rename it."""
        return dg.AssetKey([*self.prefix, self.query.name])

    @cached_property
    def partitions(self) -> dg.TimeWindowPartitionsDefinition:
        """Dagster's definition of the windows."""
        windows = Windows(self.query.window, self.query.zone)
        return partitions_definition(windows, self.start, end_offset=self.end_offset)

    def partition(self, key: str) -> Partition:
        """What one partition key asks for."""
        return partition_of(self.partitions, key)

    @cached_property
    def code_version(self) -> str:
        """Equal as long as the same bytes of Stripe's would become the same rows."""
        shape = {
            "report": self.query.spec.id,
            "columns": [_shape(column) for column in self.query.columns],
            "filters": {name: str(value) for name, value in sorted(self.query.filters.items())},
            "decoder": DECODER_VERSION,
        }
        text = json.dumps(shape, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _shape(column: Column) -> list[Any]:
    return [column.name, column.stored_name, column.type.value, column.local]
