"""A first configuration: which reports, from when, in which windows, as the text of a `defs.yaml`.

Nothing is asked of Stripe and nothing is written here. The key has no place in the file: it names the
variable that holds it.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from connector.api.models import Mode, ReportType
from connector.catalogue import REPORTS, ReportSpec, Status, report
from connector.dataset.identity import Dataset
from connector.errors import ConfigurationError, ReportingError
from connector.partitions import Windows
from connector.text import hint
from connector.upgrade import report_name

#: What people come for: what the balance was, what moved it, what was paid out, and what each payout holds.
DEFAULT_REPORTS = (
    "balance_summary",
    "balance_change_from_activity_itemized",
    "payouts_itemized",
    "payout_reconciliation_itemized",
)

#: The component that reads the file.
COMPONENT = "assets.StripeReportsComponent"

KEY_VARIABLE = "STRIPE_API_KEY"

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LIKE_A_KEY = re.compile(r"(sk|rk|pk|whsec)_", re.IGNORECASE)

_HEAD = """\
# Which reports are pulled, and into which windows of time they are cut.
# The key stays in the environment: each run reads it from {variable}.
# `dg list components` and the README describe every field.
type: {component}

attributes:
  connection:
    api_key: "{{{{ env.{variable} }}}}"
"""

_WEEKS = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class DefsYaml:
    """What a `defs.yaml` says.

    Attributes:
        specs: the reports, in the order of the file.
        starts: the day each report's first window begins on, by its id.
        windows: how time is cut, the same for all.
        key_variable: the environment variable that holds the key.
        root, account: None where the environment decides.
        component: the component that reads the file; a subclass of ours has a name of its own.
    """

    specs: tuple[ReportSpec, ...]
    starts: Mapping[str, date]
    windows: Windows
    key_variable: str = KEY_VARIABLE
    root: str | None = None
    account: str | None = None
    component: str = COMPONENT

    def text(self) -> str:
        """The file. What all reports have in common stands once; a report that begins later says so."""
        common = min(self.starts.values())
        lines = [_HEAD.format(variable=self.key_variable, component=self.component)]
        lines += [f"    {name}: {_quoted(value)}\n" for name, value in self._places()]
        lines.append(f"  defaults:\n    start: {common}\n")
        lines.append(f"    window: {self.windows.unit}\n    zone: {self.windows.zone}\n  reports:\n")
        for spec in self.specs:
            lines.append(f"    - report: {spec.id}\n")
            if self.starts[spec.id] != common:
                lines.append(f"      start: {self.starts[spec.id]}\n")
        return "".join(lines)

    def _places(self) -> Iterator[tuple[str, str]]:
        if self.account:
            yield "account", self.account
        if self.root:
            yield "root", self.root


def variable(name: str) -> str:
    """`name`, if a variable can be called so. Raises ConfigurationError; what may be a key is not shown."""
    if _LIKE_A_KEY.match(name):
        raise ConfigurationError(
            "that looks like a key. Give the name of the environment variable that holds it; a key is for no "
            "file and no command line"
        )
    if not _VARIABLE.fullmatch(name):
        raise ConfigurationError(f"{name[:80]!r} is no name of a variable; an example is {KEY_VARIABLE}")
    return name


def place(root: str) -> str:
    """`root`, if it can stand in the file. Raises ConfigurationError."""
    if not root.strip() or not root.isprintable():
        raise ConfigurationError(f"{root[:80]!r} is no place for files")
    return root


def chosen(names: Sequence[str]) -> tuple[ReportSpec, ...]:
    """The reports of these names or ids, each to be cut into windows of time.

    Raises ConfigurationError for an unknown one, naming the nearest; for two with one table; for one that is
    asked for in another way than by time.
    """
    specs = tuple(report(name) for name in names)
    if not specs:
        raise ConfigurationError("name at least one report; `stripe-reports types` lists them")
    tables = [spec.name for spec in specs]
    for spec in specs:
        if tables.count(spec.name) > 1:
            raise ConfigurationError(f"two reports would be called {spec.name}: take one version of it")
        if "interval_end" not in spec.required:
            raise ConfigurationError(
                f"{spec.id} is asked for by {', '.join(spec.required)}, not by time; configure it by hand"
            )
    return specs


def usual_reports(offered: Collection[str]) -> tuple[str, ...]:
    """The default reports as far as Stripe offers them, each in the newest documented version it has.

    Args:
        offered: ids of the report types the key may ask for.
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


def begun(first: Mapping[str, date], wished: date | None) -> dict[str, date]:
    """Each report's start: as wished, but not before its first day."""
    return {id: max(day, wished) if wished else day for id, day in first.items()}


def aligned(wished: date, windows: Windows) -> date:
    """`wished`, if one of the windows begins on it. Raises ConfigurationError naming the nearest days."""
    _days_of(windows).bound(wished)
    return wished


def recent_span(windows: Windows, since: date, until: datetime) -> tuple[date, date] | None:
    """Whole windows for a first look: the last month, four weeks or, of hourly ones, the last day.

    Args:
        since: the first day there is.
        until: when the data end, aware.

    Gives the first day and the one after the last; None where there is no whole window yet.
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
    """The windows whose bounds are days: a file says a date, also where windows are hours."""
    return Windows("daily", windows.zone) if windows.unit == "hourly" else windows


def _first_day(at: datetime, windows: Windows) -> date:
    days = _days_of(windows)
    return days.day(days.first_from(at))


def _not_offered(spec: ReportSpec, offered: Mapping[str, ReportType], mode: Mode) -> str:
    if spec.live_only and mode is not Mode.LIVE:
        return f"{spec.id} exists only for keys of live mode, and this is not one"
    return f"Stripe does not offer {spec.id} to this key{hint(spec.id, offered)}"


def _quoted(text: str) -> str:
    """As YAML reads it back: JSON's double quotes are YAML's."""
    return json.dumps(text, ensure_ascii=False)


def lines_to_change(text: str, pinned: Dataset) -> list[tuple[int, str]]:
    """The lines of a `defs.yaml` that name the report a table is made from, numbered from 1."""
    names = "|".join(re.escape(name) for name in (pinned.report_type, report_name(pinned)))
    naming = re.compile(rf"""\s*(-\s+)?report:\s*["']?({names})["']?\s*(#.*)?""")
    return [(n, line.strip()) for n, line in enumerate(text.splitlines(), 1) if naming.fullmatch(line)]
