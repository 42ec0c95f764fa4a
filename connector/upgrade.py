"""A table in another version of its report: what to pull, and how the two differ. Pure: nothing is sent here.

Versions of a report differ in columns, and now and then in rows. So both are pulled, into a table each, and
compared. The other version stays in its own table, under its own name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from connector.catalogue import REPORTS, ReportSpec, Status, report
from connector.catalogue.columns import has
from connector.column_diff import ColumnDiff
from connector.dataset.change import Change
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.errors import ConfigurationError
from connector.money import differences, total
from connector.partitions import CONNECTED_ACCOUNT, Partition
from connector.query import ReportQuery
from connector.text import hint


@dataclass(frozen=True, slots=True)
class UpgradePlan:
    """The same partitions in two versions of a report.

    Attributes:
        pinned: the table as it is.
        old: the query it was made from, to pull it again.
        new: the query in the other version, into a table of its own.
        left_out: columns of the table that the other version does not have.
    """

    pinned: Dataset
    old: ReportQuery
    new: ReportQuery
    left_out: tuple[str, ...] = ()

    @property
    def made(self) -> Dataset:
        """The table of the other version."""
        return self.new.dataset(mode=self.pinned.mode, account=self.pinned.account)


def table_named(name: str, tables: Sequence[Dataset]) -> Dataset:
    """The table of that name, or the only one made from that report. Raises ConfigurationError."""
    named = [each for each in tables if name == each.table]
    found = named or [each for each in tables if name in (each.report_type, report_name(each))]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(sorted(each.table for each in found))
        raise ConfigurationError(f"several tables are made from {name}: name one of {names}")
    if not tables:
        raise ConfigurationError("there is no table to upgrade yet; `stripe-reports pull` makes one")
    raise ConfigurationError(f"there is no table {name!r}{hint(name, [each.table for each in tables])}")


def other_version(report_type: str, version: int) -> ReportSpec:
    """The same report in that version. Raises ConfigurationError naming those there are."""
    stem = report_type.rpartition(".")[0]
    known = {spec.version: spec for spec in REPORTS.values() if spec.id == f"{stem}.{spec.version}"}
    if version in known:
        return known[version]
    if not known:
        raise ConfigurationError(f"the catalogue knows no versions of {report_type}")
    listed = ", ".join(
        str(number) if spec.status is Status.DOCUMENTED else f"{number} ({spec.status.value})"
        for number, spec in sorted(known.items())
    )
    raise ConfigurationError(f"there is no version {version} of {stem}; there are: {listed}")


def planned(
    pinned: Dataset, version: int, published: Provenance, columns: Sequence[str] | None = None
) -> UpgradePlan:
    """What to ask in order to upgrade a table.

    A table with its report's default columns gets those of the other version, a table with a choice of its
    own the same choice, as far as the other version has it.

    Args:
        pinned: the table.
        version: the one wanted.
        published: its newest file, which says what columns are asked for.
        columns: those to ask the other version for; as above when None.
    """
    spec, before = other_version(pinned.report_type, version), report(pinned.report_type)
    asked = published.request.columns
    left_out: tuple[str, ...] = ()
    if columns is None and asked is not None and asked != before.default_columns and spec.takes_columns:
        columns = [name for name in asked if has(spec, name)]
        left_out = tuple(name for name in asked if name not in columns)
    return UpgradePlan(
        pinned,
        _query(before, pinned, pinned.table, asked if before.takes_columns else None),
        _query(spec, pinned, _name_of_version(pinned, version), columns),
        left_out,
    )


def partition_of(published: Provenance, pinned: Dataset) -> Partition:
    """The partition of a file, to be pulled in any version."""
    telling = {"payout", *pinned.dimensions}
    parameters = {name: value for name, value in published.parameters.items() if name in telling}
    acting_for = published.account if pinned.acting else None
    return Partition(published.period, published.interval, parameters, acting_for)


def between(
    published: Iterable[Provenance], since: datetime | None, until: datetime | None
) -> tuple[Provenance, ...]:
    """Those whose interval lies in `[since, until)`; all of a report without intervals."""
    return tuple(
        each
        for each in published
        if each.interval is None
        or ((since is None or each.interval.start >= since) and (until is None or each.interval.end <= until))
    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions of the same partitions.

    Attributes:
        columns: how their columns differ.
        old, new: the files, by partition key; the same keys.
        asked_again: partitions whose old version was refreshed, because the two differed.
    """

    columns: ColumnDiff
    old: Mapping[str, Provenance]
    new: Mapping[str, Provenance]
    asked_again: frozenset[str] = field(default_factory=frozenset)

    @property
    def differing(self) -> dict[str, Change]:
        """The partitions whose rows or totals differ, and by how much."""
        changes = {key: _change(self.old[key], self.new[key]) for key in self.old}
        return {key: change for key, change in changes.items() if change.rows or change.totals}

    @property
    def rows(self) -> tuple[int, int]:
        """All rows, in the old and in the new version."""
        old, new = (sum(each.rows for each in side.values()) for side in (self.old, self.new))
        return old, new

    @property
    def totals(self) -> dict[str, tuple[Decimal, Decimal]]:
        """The sum of the amount column per currency, in the old and in the new version."""
        old, new = _added(self.old.values()), _added(self.new.values())
        return {name: (old.get(name, Decimal(0)), new.get(name, Decimal(0))) for name in sorted({*old, *new})}

    @property
    def moved(self) -> dict[str, Decimal]:
        """By currency, how much more the new version has than the old; what is equal is left out."""
        return differences(_added(self.old.values()), _added(self.new.values()))


def _change(old: Provenance, new: Provenance) -> Change:
    """Rows and totals alone: versions have other columns on purpose."""
    return Change(same_bytes=False, rows=new.rows - old.rows, totals=differences(old.totals, new.totals))


def doubtful(old: Mapping[str, Provenance], new: Mapping[str, Provenance]) -> list[str]:
    """Partitions that differ while the old file is from earlier: Stripe may have restated them since."""
    return [
        key
        for key, before in old.items()
        if before.as_of < new[key].as_of and ((change := _change(before, new[key])).rows or change.totals)
    ]


def _name_of_version(pinned: Dataset, version: int) -> str:
    """The name of a table in that version: `payouts_v3` for `payouts`, and `payouts_v4` for either."""
    made_from = pinned.report_type.rpartition(".")[2]
    return f"{pinned.table.removesuffix(f'_v{made_from}')}_v{version}"


def report_name(pinned: Dataset) -> str:
    """The name of the report a table is made from, without the version."""
    return pinned.report_type.rpartition(".")[0].replace(".", "_")


def _query(spec: ReportSpec, pinned: Dataset, name: str, columns: Sequence[str] | None) -> ReportQuery:
    return ReportQuery.of(
        spec.id,
        name=name,
        columns=columns,
        filters=pinned.filters,
        window=pinned.window,
        zone=pinned.zone,
        by_account=CONNECTED_ACCOUNT in pinned.dimensions and CONNECTED_ACCOUNT not in spec.required,
        acting=pinned.acting,
    )


def _added(published: Iterable[Provenance]) -> dict[str, Decimal]:
    found: dict[str, list[Decimal]] = {}
    for each in published:
        for currency, amount in each.totals.items():
            found.setdefault(currency, []).append(amount)
    return {currency: total(amounts) for currency, amounts in found.items()}
