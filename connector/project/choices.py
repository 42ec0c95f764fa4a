"""What a first configuration can say: which reports, from which day, in which windows.

Pure: nothing is asked of Stripe here.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

from connector.api.models import Mode, ReportType
from connector.catalogue import REPORTS, ReportSpec, Status, report
from connector.dataset.filesystem.place import Place
from connector.errors import ConfigurationError, ReportingError
from connector.partitions import Windows
from connector.settings import API_KEY
from connector.text import hint, join_names

#: What the balance was, what changed it, what was paid out, and what each payout consists of.
DEFAULT_REPORTS = (
    "balance_summary",
    "balance_change_from_activity_itemized",
    "payouts_itemized",
    "payout_reconciliation_itemized",
)

_WEEKS = timedelta(days=28)

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LIKE_A_KEY = re.compile(r"(sk|rk|pk|whsec)_", re.IGNORECASE)


def variable(name: str) -> str:
    """`name`, if a variable can have it. Raises ConfigurationError; what may be a key is not shown."""
    if _LIKE_A_KEY.match(name):
        raise ConfigurationError(
            "that looks like a key. Give the name of the environment variable that holds it; keys belong "
            "neither in files nor on command lines"
        )
    if not _VARIABLE.fullmatch(name):
        raise ConfigurationError(
            f"{name[:80]!r} is not a valid environment variable name; an example is {API_KEY}"
        )
    return name


def valid_root(root: str) -> str:
    """`root`, if it can stand in the file. Raises ConfigurationError."""
    if Place.of(root).secrets:
        raise ConfigurationError(
            "that root holds credentials, which belong in no file. Leave it out, and set STRIPE_REPORTS_ROOT"
        )
    if not root.strip() or not root.isprintable():
        raise ConfigurationError(
            f"{root[:80]!r} is not a valid root; an example is data, or s3://bucket/data"
        )
    return root


def reports_named(names: Sequence[str]) -> tuple[ReportSpec, ...]:
    """The reports of these names or ids, each partitioned by time.

    Raises ConfigurationError for an unknown one, naming the nearest; for two with one table; for one that
    is not partitioned by time.
    """
    specs = tuple(report(name) for name in names)
    if not specs:
        raise ConfigurationError("name at least one report; `stripe-reports types` lists them")
    tables = [spec.name for spec in specs]
    for spec in specs:
        if tables.count(spec.name) > 1:
            raise ConfigurationError(f"two versions of {spec.name} would share one table: choose one version")
        if "interval_end" not in spec.required:
            raise ConfigurationError(
                f"{spec.id} is partitioned by {', '.join(spec.required)}, not by time; configure it by hand"
            )
    return specs


def available_reports(offered: Collection[str] | None) -> tuple[str, ...]:
    """The names of the documented reports that are partitioned by time.

    Args:
        offered: ids of the report types that the key can read; all of the catalogue when None.
    """
    names = (
        spec.name
        for spec in REPORTS.values()
        if spec.status is Status.DOCUMENTED
        and "interval_end" in spec.required
        and (offered is None or spec.id in offered)
    )
    return tuple(dict.fromkeys(names))


def default_reports(offered: Collection[str]) -> tuple[str, ...]:
    """The default reports as far as Stripe offers them, each in the newest documented version it has.

    Args:
        offered: ids of the report types that the key can read.
    """
    found = []
    for name in DEFAULT_REPORTS:
        meant = report(name)
        versions = [spec for spec in REPORTS.values() if spec.name == name and spec.id in offered]
        documented = [spec for spec in versions if spec.status is Status.DOCUMENTED]
        if meant in documented:
            found.append(name)
        elif documented:
            found.append(max(documented, key=lambda spec: spec.version).id)
    return tuple(found)


def first_starts(
    specs: Sequence[ReportSpec], offered: Mapping[str, ReportType], windows: Windows, mode: Mode
) -> dict[str, date]:
    """The first day on which each report's windows can begin, by report id.

    It is not before the report's data begin, and where a window begins.

    Raises ReportingError for a report that Stripe does not offer this key.
    """
    found = {}
    for spec in specs:
        there = offered.get(spec.id)
        if there is None:
            raise ReportingError(_not_offered(spec, offered, mode))
        found[spec.id] = _first_day(there.data_available_start, windows)
    return found


def starts_from(first: Mapping[str, date], wanted: date | None) -> dict[str, date]:
    """Each report's start: the day wanted, but not before its first day."""
    return {id: max(day, wanted) if wanted else day for id, day in first.items()}


def window_start(day: date, windows: Windows) -> date:
    """`day`, if one of the windows begins on it. Raises ConfigurationError naming the nearest days."""
    _days_of(windows).bound(day)
    return day


def recent_span(windows: Windows, since: date, until: datetime) -> tuple[date, date] | None:
    """Whole windows for a first look: the last month, four weeks or, of hourly ones, the last day.

    Args:
        since: the first day there is.
        until: when the data end, aware.

    Returns the first day and the one after the last; None where there is no whole window yet.
    """
    last = windows.day(_days_of(windows).last_until(until))
    if windows.unit == "hourly":
        first = last - timedelta(days=1)
    elif windows.unit == "weekly":
        first = last - _WEEKS
    else:
        months = Windows("monthly", windows.zone)
        end = months.day(months.last_until(until))
        first = (end - timedelta(days=1)).replace(day=1)
        if first >= since:
            last = end
    first = max(first, since)
    return (first, last) if first < last else None


def _days_of(windows: Windows) -> Windows:
    """Windows whose bounds are days: a start is a date, also where windows are hours."""
    return Windows("daily", windows.zone) if windows.unit == "hourly" else windows


def _first_day(at: datetime, windows: Windows) -> date:
    days = _days_of(windows)
    return days.day(days.first_from(at))


def _not_offered(spec: ReportSpec, offered: Mapping[str, ReportType], mode: Mode) -> str:
    if spec.live_only and mode is not Mode.LIVE:
        return f"{spec.id} exists only in live mode, and this is not a live key"
    stem = spec.id.removesuffix(f".{spec.version}")
    versions = [id for id in sorted(offered) if id.rpartition(".")[0] == stem]
    there = f"; it offers {join_names(versions)}" if versions else hint(spec.id, offered)
    return f"Stripe does not offer {spec.id} to this key{there}"
