"""Which of the configured reports an asset of analytics reads, and in which partitions.

The better report comes first: of the key's own account before one of connected accounts, of all rows before a
filtered one, of single transactions before sums. A file's order decides between equals.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import dagster as dg

from assets.analytics.analysis import Analysis, Need
from assets.dagster_runs.gone import find_gone
from assets.reports.configured import ConfiguredReport
from assets.reports.partitions import partitions_definition
from assets.reports.reading import plan_reading
from connector.catalogue.spec import CONNECTED
from connector.dataset.identity import Dataset
from connector.partitions import Windows
from connector.text import join_names

#: Parameters that leave no row out.
_OF_FORM = frozenset({"timezone", "decimal_separator"})

#: How many windows a picture has, its own included.
_WINDOWS_DRAWN = 31

_LENGTH = {
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=31),
}


@dataclass(frozen=True)
class Sources:
    """The reports that an asset reads.

    Attributes:
        main: the one it is made of.
        beside: the one it is compared with; None where none is configured.
    """

    main: ConfiguredReport
    beside: ConfiguredReport | None = None

    @property
    def reports(self) -> tuple[ConfiguredReport, ...]:
        """Both, each once."""
        if self.beside is None or self.beside.key == self.main.key:
            return (self.main,)
        return (self.main, self.beside)

    @property
    def by_account(self) -> bool:
        """Whether one of them has partitions of accounts."""
        return any(report.accounts for report in self.reports)

    @cached_property
    def windows(self) -> Windows:
        """The windows of the asset's partitions. Hours are added up to days, as the views do."""
        query = self.main.query
        return Windows("daily" if query.window == "hourly" else query.window, query.zone)

    @cached_property
    def partitions(self) -> dg.TimeWindowPartitionsDefinition:
        """Dagster's definition of them: those that all the reports have."""
        latest = max(self.reports, key=lambda report: report.windows.start)
        hourly = self.main.query.window == "hourly"
        last = 0 if hourly else min(report.end_offset for report in self.reports)
        return partitions_definition(self.windows, latest.start or date.min, end_offset=last)

    def span(self, key: str) -> tuple[date, date]:
        """The dates of the rows of a partition, both included: `_date` is the first day of a window."""
        day = date.fromisoformat(key)
        return day, day

    def drawn_since(self, first: date) -> date:
        """From which day on the picture of a partition of that day has rows."""
        return first - (_WINDOWS_DRAWN - 1) * _LENGTH[self.windows.unit]


def find_sources(analysis: Analysis, reports: Sequence[ConfiguredReport]) -> Sources | None:
    """The reports that an asset reads; None where the one it is made of is not configured."""
    found = sorted(
        (each for each in reports if _fits(each, analysis.need)), key=lambda each: _rank(each, analysis.need)
    )
    if not found:
        return None
    main = found[0]
    if not analysis.beside:
        return Sources(main)
    others = [each for each in reports if _fits(each, analysis.beside) and _is_like(each, main)]
    others.sort(key=lambda each: (each.key != main.key, _rank(each, analysis.beside or analysis.need)))
    return Sources(main, others[0] if others else None)


def explain_missing(analysis: Analysis) -> str:
    """What has to be configured for an asset."""
    kinds = " or ".join(each.replace(".", "_") for each in analysis.need.types)
    return (
        f"analytics: {analysis.name} is left out. It is made of {kinds} with the columns "
        f"{join_names(analysis.need.columns)}; add that to `reports`"
    )


def missing_partitions(
    report: ConfiguredReport,
    dataset: Dataset,
    windows: Sequence[str],
    *,
    stored: Set[str],
    instance: dg.DagsterInstance,
) -> list[str]:
    """The keys of a report's partitions in these windows that have no file and should have.

    Args:
        windows: keys of the report's own windows.
        stored: the keys that have a file.
    """
    if not report.accounts:
        return [key for key in windows if key not in stored]
    form = report.query.key_format
    wanted = [form.key(account, window) for account in report.accounts.names for window in windows]
    gone = find_gone(instance, report.key, report.partitions).accounts
    found = plan_reading(dataset, wanted, stored=stored, lives=report.accounts, gone=gone, every_account=True)
    return list(found.missing)


def _fits(report: ConfiguredReport, need: Need) -> bool:
    query = report.query
    family = query.spec.id.rpartition(".")[0].removeprefix(CONNECTED)
    names = {column.stored_name for column in query.columns}
    return family in need.types and not query.by_payout and (query.by_header or names >= set(need.columns))


def _rank(report: ConfiguredReport, need: Need) -> tuple[bool, bool, int]:
    family = report.query.spec.id.rpartition(".")[0]
    own = family.removeprefix(CONNECTED)
    return family != own, not report.query.filters.keys() <= _OF_FORM, need.types.index(own)


def _is_like(report: ConfiguredReport, main: ConfiguredReport) -> bool:
    """Whether two reports are about the same accounts and rows, in the same windows."""

    def about(query: ConfiguredReport) -> Mapping[str, object]:
        asked = query.query
        filters = {name: value for name, value in asked.filters.items() if name not in _OF_FORM}
        connected = asked.spec.id.startswith(CONNECTED)
        return {**filters, "": (connected, asked.window, asked.zone, asked.dimensions, query.accounts.names)}

    return about(report) == about(main)
