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
            columns: in file order; the catalogue's default when None.
            filters: further run parameters: `currency`, `reporting_category`, `timezone`, …
            window, zone: what the partitions are windows of.

        Raises ConfigurationError naming the nearest valid names.
        """
        spec = report(report_type)
        filters = {name: value for name, value in (filters or {}).items() if value not in (None, "")}
        if stray := _NOT_FILTERS & filters.keys():
            raise ConfigurationError(f"{', '.join(sorted(stray))} of {spec.id} cannot be given as a filter")
        probe = {"interval_start": 0, "interval_end": 1} | filters
        asked = {name: value for name, value in probe.items() if name in spec.parameters or name in filters}
        if "columns" in spec.parameters:
            asked["columns"] = list(columns) if columns is not None else None
        elif columns is not None:
            raise ConfigurationError(f"{spec.id} takes no columns")
        request = validate(spec, {name: value for name, value in asked.items() if value is not None})
        checked = {n: v for n, v in request.parameters if n not in _NOT_FILTERS}
        return cls(spec, name or spec.name, columns_of(spec, request.columns), checked, window, zone)

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
        if "columns" in self.spec.parameters:
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
