"""Which reports are meant, and whether Stripe has them for this account.

They are those named, else those of a `defs.yaml` below the directory, else those the root holds tables of,
else those the project ships with.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from connector.api.models import ReportType
from connector.catalogue import REPORTS, report
from connector.dataset.identity import Dataset
from connector.doctor.diagnosis import Diagnosis, failure, fine, warning
from connector.errors import ReportingError
from connector.project.defs_yaml import DEFAULT_REPORTS

#: Where Dagster projects keep their components.
_PLACES = ("defs/**/defs.yaml", "*/defs/**/defs.yaml", "src/*/defs/**/defs.yaml")
_COMPONENT = "StripeReportsComponent"
_KEY = "{{ env.STRIPE_API_KEY }}"

#: Stripe prepares data twice a day, and within twelve hours of a day's end.
_STALE = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class NamedReport:
    """A report somebody means to pull.

    Attributes:
        report: as it is named there: an id, or a name.
        start: the first day there is a partition for; None where nothing says so.
        source: where it is named, for people.
    """

    report: str
    start: date | None
    source: str


@dataclass(frozen=True, slots=True)
class FoundDefs:
    """What the files of one directory configure.

    Attributes:
        files: the `defs.yaml` that were read.
        meant: the reports in them.
        diagnoses: what is wrong with the files.
    """

    files: tuple[Path, ...]
    meant: tuple[NamedReport, ...]
    diagnoses: tuple[Diagnosis, ...]


def configuration(directory: Path) -> FoundDefs:
    """The reports of every `defs.yaml` of ours in a Dagster project in `directory`."""
    files: list[Path] = []
    meant: list[NamedReport] = []
    said: list[Diagnosis] = []
    for path in sorted({path for place in _PLACES for path in directory.glob(place)}):
        shown = str(path.relative_to(directory))
        try:
            documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())
            said.append(
                warning("reports", f"{shown} cannot be read: {reason}", "Mend it; `dg check yaml` helps.")
            )
            continue
        ours = [each for each in documents if _is_ours(each)]
        files += [path] if ours else []
        for document in ours:
            attributes = _mapping(document.get("attributes"))
            meant += _reports(attributes, shown)
            said += _other_key(attributes, shown)
    return FoundDefs(tuple(files), tuple(meant), tuple(said))


def meant_by(
    named: Sequence[str], configured: FoundDefs, stored: Sequence[Dataset]
) -> tuple[Sequence[NamedReport], Diagnosis]:
    """The reports to look at, and where they come from."""
    if named:
        return [NamedReport(each, None, "named") for each in named], fine("reports", f"{len(named)} named")
    if configured.meant:
        files = ", ".join(sorted({each.source for each in configured.meant}))
        return configured.meant, fine("reports", f"{len(configured.meant)} configured in {files}")
    if stored:
        found = [NamedReport(each.report_type, None, f"table {each.table}") for each in stored]
        return found, fine("reports", f"no defs.yaml here; the root holds {len(found)} tables")
    found = [NamedReport(each, None, "default") for each in DEFAULT_REPORTS]
    return found, fine("reports", "none configured here and none stored; looking at those we ship with")


def examine_report(
    meant: NamedReport, types: Mapping[str, ReportType] | None, *, livemode: bool | None, now: datetime
) -> Diagnosis:
    """Whether the catalogue and the account have a report, and for which days.

    Args:
        types: what Stripe has for the account, by id; None where it was not asked, or did not tell.
        livemode: of the key; None where that is not known.
        now: the time at Stripe.
    """
    wanted = meant.report
    if wanted not in (types or {}):
        try:
            spec = report(wanted)
        except ReportingError as error:
            where = "" if meant.source == "named" else f"{meant.source}: "
            return failure("report", f"{where}{error}", "Correct its name; `stripe-reports types` lists all.")
        wanted = spec.id
        if spec.live_only and livemode is False:
            return failure(
                "report", f"{wanted} exists in live mode alone", "Use a live key, or leave it out."
            )
    if types is None:
        return fine("report", f"{wanted} is in the catalogue; Stripe was not asked about it")
    if wanted not in types:
        return failure(
            "report",
            f"Stripe has no {wanted} for this account and key",
            "Ask Stripe's support, choose another version, or leave it out.",
        )
    return _availability(meant, types[wanted], now)


def _availability(meant: NamedReport, known: ReportType, now: datetime) -> Diagnosis:
    start, end = known.data_available_start, known.data_available_end
    found = f"{known.id} has data from {start:%Y-%m-%d} until {end:%Y-%m-%d %H:%M} UTC"
    if known.id in REPORTS and (caution := REPORTS[known.id].caution):
        return warning("report", f"{found}. {caution}", "Watch it, or use a version Stripe documents.")
    if meant.start and datetime(meant.start.year, meant.start.month, meant.start.day, tzinfo=UTC) < start:
        return warning(
            "report",
            f"{found}; {meant.source} begins on {meant.start}",
            f"Set `start` to {_first_whole_day(start)} or later: what lies before never becomes ready.",
        )
    if now - end > _STALE:
        return warning(
            "report",
            f"{found}, {(now - end).days} days ago",
            "Nothing here: partitions after that become ready when Stripe prepares them.",
        )
    return fine("report", found)


def _first_whole_day(start: datetime) -> date:
    return start.date() if start.time() == datetime.min.time() else start.date() + timedelta(days=1)


# The file


def _is_ours(document: Any) -> bool:
    return isinstance(document, dict) and str(document.get("type", "")).rpartition(".")[2] == _COMPONENT


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _reports(attributes: Mapping[str, Any], source: str) -> Iterator[NamedReport]:
    usual = _mapping(attributes.get("defaults")).get("start")
    for each in attributes.get("reports") or ():
        if isinstance(each, dict) and isinstance(each.get("report"), str):
            start = each.get("start", usual)
            day = start.date() if isinstance(start, datetime) else start
            yield NamedReport(each["report"], day if isinstance(day, date) else None, source)


def _other_key(attributes: Mapping[str, Any], source: str) -> Iterator[Diagnosis]:
    """A file may take its key from another variable; what stands there is not shown, it may be a key."""
    named = str(_mapping(attributes.get("connection")).get("api_key", _KEY))
    if "".join(named.split()) != "".join(_KEY.split()):
        yield warning(
            "key",
            f"{source} takes its key from elsewhere than STRIPE_API_KEY, which is what is looked at here",
            "Run this once for each key, with STRIPE_API_KEY set to it.",
        )
