"""`doctor`: what stands between this machine and a reconciled month."""

import contextlib
import json
import logging
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from connector.cli.options import ENVIRONMENT, account_option, json_option, root_option
from connector.clock import SystemClock
from connector.doctor.diagnosis import Diagnosis, Level, counts
from connector.doctor.settings import Surroundings

_COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}
_INDENT = 19

_CODES = """\b
Exit codes:
  0  nothing is broken; there may be warnings
  1  something is broken, or, with --probe, differs from what is assumed
  2  refused before any call to Stripe: usage"""


@click.command(epilog=f"{ENVIRONMENT}\n  DAGSTER_HOME         where Dagster keeps its history\n\n{_CODES}")
@click.argument("reports", nargs=-1, metavar="[REPORT]...")
@root_option
@account_option
@click.option(
    "--probe",
    is_flag=True,
    help="Instead, try on a real account what is assumed of Stripe, with at most two report runs of one day.",
)
@click.option("--yes", is_flag=True, help="Do not ask before --probe creates its report runs.")
@json_option
def doctor(
    reports: tuple[str, ...], *, root: str, account: str | None, probe: bool, yes: bool, as_json: bool
) -> None:
    """Look at key, permissions, clock, reports, files and Dagster, and say what to do.

    Looks at the reports named, else at those of the defs.yaml here, else at those stored. Creates nothing at
    Stripe, and works without a key and without a network as far as that goes.

    \b
    stripe-reports doctor
    """
    surroundings = _surroundings(reports, root, account)
    if probe:
        from connector.cli.doctor_probe import try_assumptions  # noqa: PLC0415 - seldom wanted

        with _silence():
            try_assumptions(surroundings, yes=yes, as_json=as_json)
    from connector.doctor.examination import examine  # noqa: PLC0415 - it loads pyarrow

    found = []
    with _silence():
        for diagnosis in examine(surroundings, SystemClock()):
            found.append(diagnosis)
            click.echo(json.dumps(diagnosis.as_json(), ensure_ascii=False) if as_json else _lines(diagnosis))
    _conclude(found, as_json=as_json)


def _surroundings(reports: tuple[str, ...], root: str, account: str | None) -> Surroundings:
    return Surroundings(
        api_key=os.environ.get("STRIPE_API_KEY") or None,
        api_base=os.environ.get("STRIPE_API_BASE") or None,
        account=account or None,
        root=root,
        dagster_home=os.environ.get("DAGSTER_HOME") or None,
        directory=Path.cwd(),
        reports=reports,
    )


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """What is logged on the way, such as retries, is in the findings as well."""
    logger, handler = logging.getLogger("connector"), logging.NullHandler()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _lines(diagnosis: Diagnosis) -> str:
    level = click.style(f"{diagnosis.level:<5}", fg=_COLOURS[diagnosis.level])
    told = [f"{level} {diagnosis.subject:<12} {_wrapped(diagnosis.found)}"]
    if diagnosis.advice:
        told.append(f"{'':{_INDENT}}{_wrapped('→ ' + diagnosis.advice)}")
    return "\n".join(told)


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
        click.echo(json.dumps({"type": "summary", **each, "exit_code": code}))
    else:
        listed = ", ".join(f"{number} {level}" for level, number in each.items() if number)
        click.echo(f"\n{listed}." + ("" if code else " Nothing is broken."))
    sys.exit(code)
