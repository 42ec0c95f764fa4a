"""`doctor`: what prevents a first reconciled month on this machine."""

import contextlib
import logging
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from connector.cli.completion import complete_report_or_table
from connector.cli.options import ENVIRONMENT, each_root_options, json_option, roots_here
from connector.clock import SystemClock
from connector.doctor.diagnosis import Diagnosis, Level, counts
from connector.settings import Connection, dagster_home
from connector.terminal.lines import Colored, echo, echo_json

_COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}
_INDENT = 19

_CODES = """\b
Exit codes:
  0  nothing is broken; there may be warnings
  1  something is broken or, with --probe, differs from what is assumed
  2  refused before any call to Stripe: usage"""


@click.command(epilog=f"{ENVIRONMENT}\n  DAGSTER_HOME         where Dagster keeps its history\n\n{_CODES}")
@click.argument("reports", nargs=-1, metavar="[REPORT]...", shell_complete=complete_report_or_table)
@each_root_options
@click.option(
    "--probe",
    is_flag=True,
    help="Instead, test on a real account what is assumed of Stripe, with up to two report runs of one day.",
)
@click.option("--list", "listed", is_flag=True, help="With --probe: list what is assumed, and test nothing.")
@click.option("--yes", "-y", is_flag=True, help="With --probe: create its report runs without confirmation.")
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --probe: write what Stripe answered into FILE, without your ids, amounts, names and texts.",
)
@json_option
def doctor(
    reports: tuple[str, ...],
    *,
    connection: Connection,
    probe: bool,
    listed: bool,
    yes: bool,
    record: Path | None,
    as_json: bool,
) -> None:
    """Check key, permissions, clock, reports, files and Dagster.

    It checks the reports named, else those in the defs.yaml here, else those stored, and says what to do.
    Creates nothing at Stripe; without a key or a network it checks the rest.

    \b
    stripe-reports doctor
    stripe-reports doctor --probe --record answers.jsonl
    """
    if listed and not probe:
        raise click.UsageError("--list goes with --probe")
    if record and (listed or not probe):
        raise click.UsageError("--record goes with --probe, and not with --list, which asks Stripe nothing")
    if probe:
        from connector.cli.doctor_probe import list_assumptions, run_probe  # noqa: PLC0415 - seldom wanted

        if listed:
            list_assumptions(as_json=as_json)
        with _silence():
            run_probe(connection, yes=yes, as_json=as_json, record=record)
    from connector.doctor.examination import examine  # noqa: PLC0415 - it loads pyarrow

    found = []
    with _silence():
        for diagnosis in examine(
            connection,
            SystemClock(),
            directory=Path.cwd(),
            dagster_home=dagster_home(),
            reports=reports,
            roots=roots_here(connection),
        ):
            found.append(diagnosis)
            if as_json:
                echo_json(diagnosis.as_json())
            else:
                echo(*_lines(diagnosis))
    _conclude(found, as_json=as_json)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Retries and the like are not printed while it lasts: the findings say what came of them."""
    logger, handler = logging.getLogger("connector"), logging.NullHandler()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _lines(diagnosis: Diagnosis) -> tuple[Colored, str]:
    lines = [f" {diagnosis.subject:<12} {_wrapped(diagnosis.found)}"]
    if diagnosis.advice:
        lines.append(f"{'':{_INDENT}}{_wrapped('→ ' + diagnosis.advice)}")
    return Colored(f"{diagnosis.level:<5}", _COLOURS[diagnosis.level]), "\n".join(lines)


def _wrapped(text: str) -> str:
    """As wide as the terminal, indented; elsewhere one line, so that it can be searched."""
    if not sys.stdout.isatty():
        return text
    width = max(shutil.get_terminal_size().columns - _INDENT, 40)
    return f"\n{'':{_INDENT}}".join(textwrap.wrap(text, width, break_on_hyphens=False))


def _conclude(found: Sequence[Diagnosis], *, as_json: bool) -> None:
    each = counts(found)
    code = 1 if each[Level.FAIL] else 0
    if as_json:
        numbers = {level.value: number for level, number in each.items()}
        echo_json({"type": "summary", **numbers, "exit_code": code})
    else:
        listed = ", ".join(f"{number} {level}" for level, number in each.items() if number)
        echo(f"\n{listed}." + ("" if code else " Nothing is broken."))
    sys.exit(code)
