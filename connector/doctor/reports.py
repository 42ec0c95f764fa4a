"""Which reports are to be pulled, and whether Stripe has them for this account.

They are those named, else those of a `defs.yaml` below the directory, else those stored, else the default
ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from connector.api.credentials import is_account
from connector.api.models import ReportType
from connector.catalogue import REPORTS, latency_of, report
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.doctor.diagnosis import Diagnosis, failure, fine, warning
from connector.errors import ReportingError
from connector.partitions import Windows
from connector.project.choices import DEFAULT_REPORTS
from connector.project.defs_yaml import found_files
from connector.project.roots import named_root
from connector.project.tables import BY_PAYOUT_REPORTS, query_of
from connector.query import ReportQuery
from connector.settings import API_KEY

#: How long after they should have been prepared data may end.
_STALE = timedelta(days=2, hours=12)


@dataclass(frozen=True, slots=True)
class NamedReport:
    """A report that is to be pulled.

    Attributes:
        report: as it is named there: an id, or a name.
        start: the first day there is a partition for; None where nothing says so.
        source: where it is named, for people.
        windows: its windows there; None where it says none, or is about payouts.
        fields: what else it says there of the report.
        root: below which its files are stored; None where its file names none.
    """

    report: str
    start: date | None
    source: str
    windows: Windows | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    root: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FoundDefs:
    """What the files of one directory configure.

    Attributes:
        configured: whether there is a `defs.yaml` of ours.
        reports: the reports in them.
        diagnoses: what is wrong with the files.
    """

    configured: bool
    reports: tuple[NamedReport, ...]
    diagnoses: tuple[Diagnosis, ...]


def find_defs(directory: Path) -> FoundDefs:
    """The reports of every `defs.yaml` of ours in a Dagster project in `directory`."""
    files, unreadable = found_files(directory)
    names = {file: str(file.path.relative_to(directory)) for file in files}
    reports = (
        NamedReport(
            fields["report"],
            fields["start"],
            name,
            _windows(fields),
            fields,
            named_root(fields["connection"]),
        )
        for file, name in names.items()
        for fields in file.reports()
    )
    wrong = [
        warning(
            "reports",
            f"{path.relative_to(directory)} cannot be read: {reason}",
            "Fix it; `dg check yaml` shows where.",
        )
        for path, reason in unreadable.items()
    ]
    # What such a file names instead is not shown: it may be a key.
    wrong += [
        warning(
            "key",
            f"{name} takes its key from a variable other than {API_KEY}, which is the one checked here",
            f"Run this once for each key, with {API_KEY} set to it.",
        )
        for file, name in names.items()
        if not file.takes_key_from(API_KEY)
    ]
    return FoundDefs(bool(files), tuple(reports), tuple(wrong))


def reports_to_check(
    named: Sequence[str], defs: FoundDefs, stored: Sequence[Dataset]
) -> tuple[Sequence[NamedReport], Diagnosis]:
    """The reports to check, and where they come from. A table may be named, too."""
    if named:
        tables = {query.name: each for each in defs.reports if (query := _query(each))}
        found = [tables.get(each) or NamedReport(each, None, "named") for each in named]
        return found, fine("reports", f"{len(named)} named")
    if defs.reports:
        files = ", ".join(sorted({each.source for each in defs.reports}))
        return defs.reports, fine("reports", f"{len(defs.reports)} configured in {files}")
    if stored:
        found = [NamedReport(each.report_type, None, f"table {each.table}") for each in stored]
        return found, fine("reports", f"there is no defs.yaml here; stored tables: {len(found)}")
    found = [NamedReport(each, None, "default") for each in DEFAULT_REPORTS]
    return found, fine("reports", "none configured here and none stored; checking the default ones")


def examine_report(
    named: NamedReport,
    types: Mapping[str, ReportType] | None,
    *,
    account: str | None,
    livemode: bool | None,
    now: datetime,
) -> Diagnosis:
    """Whether the catalogue and the account have a report, and for which days.

    Args:
        account: the account acted for, unless the report's file names one; None for the key's own.
        types: what Stripe has for the account, by id; None where Stripe was not asked or did not answer.
        livemode: of the key; None where that is not known.
        now: the time at Stripe.
    """
    wanted = named.report
    if refusal := _explain_account(named, account):
        return failure("report", refusal, "Until then it is not asked for.")
    if wanted not in (types or {}):
        try:
            spec = report(wanted)
        except ReportingError as error:
            where = "" if named.source == "named" else f"{named.source}: "
            return failure(
                "report", f"{where}{error}", "Correct its name; `stripe-reports types` lists them."
            )
        wanted = spec.id
        if spec.live_only and livemode is False:
            return failure(
                "report", f"{wanted} exists only in live mode", "Use a live key, or remove the report."
            )
    if types is None:
        return fine("report", f"{wanted} is in the catalogue; Stripe was not asked about it")
    if wanted not in types:
        return failure(
            "report",
            f"Stripe has no {wanted} for this account and key",
            "Choose another version, ask Stripe's support, or remove the report.",
        )
    return _availability(named, types[wanted], now)


def examine_tables_of(
    named: Sequence[NamedReport], stored: Sequence[Dataset], store: Store
) -> Iterator[Diagnosis]:
    """The configured reports that no longer fit the table of their name, so that pulls, sensors and readers
    refuse them."""
    for each in named:
        query = _query(each)
        for table in stored:
            if query and query.name == table.table:
                asked = query.dataset(mode=table.mode, account=table.account)
                if refusal := store.explain_refusal(asked):
                    yield failure(
                        "report",
                        f"{each.source}: {refusal}",
                        "Until then nothing is pulled into this table, and nobody reads it for this report.",
                    )


def _explain_account(named: NamedReport, account: str | None) -> str | None:
    """Why the report cannot be asked for in the name of the account; None where it can."""
    given = named.fields.get("connection", {}).get("account")
    try:
        query = _query(named) or ReportQuery.of(named.report, columns={})
    except ReportingError:
        return None
    try:
        query.refuse_acting_for(given if isinstance(given, str) and is_account(given) else account)
    except ReportingError as error:
        return str(error)
    return None


def _query(named: NamedReport) -> ReportQuery | None:
    """What is configured; None where that is nowhere, or cannot be: `dg check yaml` says why."""
    try:
        return query_of(named.fields) if named.fields else None
    except (ReportingError, AttributeError, TypeError, ValueError):
        return None


def _availability(named: NamedReport, known: ReportType, now: datetime) -> Diagnosis:
    start, end = known.data_available_start, known.data_available_end
    found = f"{known.id} has data from {start:%Y-%m-%d %H:%M} until {end:%Y-%m-%d %H:%M} UTC"
    if known.id in REPORTS and (caution := REPORTS[known.id].caution):
        return warning("report", f"{found}. {caution}", "Compare its amounts, or use a documented version.")
    if named.start and named.windows and _first_window(named.windows, named.start) < start:
        whole = Windows("daily", named.windows.zone).first_from(start)
        first = named.windows.day(named.windows.first_from(whole))
        return warning(
            "report",
            f"{found}; {named.source} begins on {named.start} in {named.windows.zone}",
            f"Set `start` to {first} or later: earlier partitions never become ready.",
        )
    if now - end > latency_of(known.id).prepared + _STALE:
        return warning(
            "report",
            f"{found}, {(now - end).days} days ago",
            "Wait: later partitions become ready when Stripe prepares them.",
        )
    return fine("report", found)


def _first_window(windows: Windows, day: date) -> datetime:
    """When the first whole window from a day on begins, aware UTC; the end of time where the calendar has
    none."""
    try:
        return windows.first_from(Windows("daily", windows.zone).bound(day))
    except (ReportingError, OverflowError):
        return datetime.max.replace(tzinfo=UTC)


def _windows(fields: Mapping[str, Any]) -> Windows | None:
    """The windows of a configured report; None for payouts, and for windows that cannot be."""
    if fields["report"] in BY_PAYOUT_REPORTS:
        return None
    try:
        return Windows(str(fields.get("window", "daily")), str(fields.get("zone", "UTC")))
    except ReportingError:
        return None
