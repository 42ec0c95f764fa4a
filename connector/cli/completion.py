"""What a shell offers for an argument or an option, where its completion is switched on.

Nothing is asked of Stripe, and whatever cannot be read here completes nothing.
"""

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from connector.errors import ReportingError

#: Gives click what a word may go on to.
Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _beginning(names: Callable[[click.Context], Iterable[str]]) -> Complete:
    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        # What a person has not finished to type or to write is no reason for a traceback in their prompt.
        with contextlib.suppress(ReportingError, OSError):
            return sorted({name for name in names(context) if name.startswith(incomplete)})
        return []

    return complete


def _reports(_: click.Context) -> Iterable[str]:
    from connector.catalogue import REPORTS  # noqa: PLC0415 - it loads while a person types

    return [*(spec.name for spec in REPORTS.values()), *REPORTS]


def _reports_and_tables(context: click.Context) -> Iterable[str]:
    from connector.project.tables import configured_tables  # noqa: PLC0415 - it loads a YAML reader

    return [*_reports(context), *(name for name, _ in configured_tables(Path.cwd()))]


def _stored_tables(context: click.Context) -> Iterable[str]:
    from connector.project.roots import configured_roots  # noqa: PLC0415 - it loads a YAML reader
    from connector.settings import Connection  # noqa: PLC0415

    root = context.params.get("root")
    for each in [root] if root else configured_roots(Path.cwd()):
        yield from (dataset.table for dataset in Connection(root=each).store().datasets())


def _windows(_: click.Context) -> Iterable[str]:
    from connector.partitions import UNITS  # noqa: PLC0415

    return UNITS


def _zones(_: click.Context) -> Iterable[str]:
    from zoneinfo import available_timezones  # noqa: PLC0415 - it reads a directory

    return available_timezones()


def _modes(_: click.Context) -> Iterable[str]:
    from connector.api.models import Mode  # noqa: PLC0415

    return [mode.value for mode in Mode]


complete_report = _beginning(_reports)
complete_report_or_table = _beginning(_reports_and_tables)
complete_stored_table = _beginning(_stored_tables)
complete_window = _beginning(_windows)
complete_zone = _beginning(_zones)
complete_mode = _beginning(_modes)
