"""One question asked of Stripe for many partitions: a report, its columns, its filters.

The interval is the partition's; everything else is the same for the whole dataset, and is what the
dataset's identity is made of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from connector.catalogue import Column, ReportSpec, columns_of, report, validate
from connector.dataset import Dataset
from connector.errors import ConfigurationError
from connector.models import Interval, ReportRequest, epoch

#: Parameters a partition or the column choice decides; never filters.
_NOT_FILTERS = {"interval_start", "interval_end", "columns"}

#: Stand-ins for what partitions will bring, so that the rest can be checked before there are any.
_PROBE = {"interval_start": 0, "interval_end": 1, "payout": "po_1", "connected_account": "acct_1"}


@dataclass(frozen=True, slots=True)
class Partition:
    """One window of a dataset: its key, and the span of time it asks for.

    `interval` is None for reports that have none; `parameters` are then what tells partitions apart,
    such as `payout`.
    """

    key: str
    interval: Interval | None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """A report type, the columns wanted in file order, and the filters; validated when made.

    Use `ReportQuery.of`. `name` is the table's name. `columns` is None where the type takes none.
    """

    spec: ReportSpec
    name: str
    columns: tuple[Column, ...]
    filters: Mapping[str, Any]
    window: str
    zone: str

    @classmethod
    def of(
        cls,
        report_type: str,
        *,
        name: str | None = None,
        columns: Sequence[str] | None = None,
        filters: Mapping[str, Any] | None = None,
        window: str = "daily",
        zone: str = "UTC",
    ) -> Self:
        """Check everything that can be checked without Stripe.

        Args:
            report_type: an id (`balance.summary.1`) or a name (`balance_summary`).
            name: the table's name; the report's own when None.
            columns: in file order; the catalogue's default when None. Of a type that prints all it has, these
                are the ones to keep.
            filters: further run parameters: `currency`, `reporting_category`, `timezone`, …
            window, zone: what the partitions are windows of.

        Raises ConfigurationError naming the nearest valid names.
        """
        spec = report(report_type)
        filters = {name: value for name, value in (filters or {}).items() if value not in (None, "")}
        if stray := _NOT_FILTERS & filters.keys():
            raise ConfigurationError(f"{', '.join(sorted(stray))} of {spec.id} cannot be given as a filter")
        asked = {name: value for name, value in _PROBE.items() if name in spec.required} | filters
        if spec.takes_columns and columns is not None:
            asked["columns"] = list(columns)
        request = validate(spec, asked)
        kept = request.columns if spec.takes_columns else columns
        checked = {n: v for n, v in request.parameters if n in filters}
        return cls(spec, name or spec.name, columns_of(spec, kept), checked, window, zone)

    @property
    def withheld(self) -> tuple[str, ...]:
        """Columns that a file has and the dataset shall not: those not chosen of a type that prints all it
        has, whatever is asked for."""
        if self.spec.takes_columns:
            return ()
        chosen = {column.name for column in self.columns}
        return tuple(name for name in self.spec.columns if name not in chosen)

    @property
    def timezone(self) -> str | None:
        """The zone Stripe prints local times in; None for UTC."""
        zone = self.filters.get("timezone")
        return str(zone) if zone else None

    def request(self, partition: Partition) -> ReportRequest:
        """What to ask Stripe for one partition. Raises ConfigurationError for what it would refuse."""
        parameters: dict[str, Any] = {**self.filters, **partition.parameters}
        if partition.interval:
            bounds = {
                "interval_start": epoch(partition.interval.start),
                "interval_end": epoch(partition.interval.end),
            }
            parameters |= {name: at for name, at in bounds.items() if name in self.spec.parameters}
        if self.spec.takes_columns:
            parameters["columns"] = [column.name for column in self.columns]
        return validate(self.spec, parameters)

    def dataset(self, *, mode: str, account: str | None) -> Dataset:
        """The identity of the table these partitions go into."""
        return Dataset(
            table=self.name,
            mode=mode,
            account=account,
            report_type=self.spec.id,
            window=self.window,
            zone=self.zone,
            filters=dict(self.filters),
        )
