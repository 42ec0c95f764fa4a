"""`doctor --probe`: test on a real account what is assumed of Stripe, and print results fit for strangers."""

import contextlib
import sys
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from connector import __version__
from connector.api.client import StripeClient
from connector.api.credentials import key_kind
from connector.api.models import API_VERSION
from connector.doctor.permissions import ResponseLog
from connector.doctor.probe.assumptions import AssumptionResult, ProbeFinding
from connector.doctor.probe.probe import ASSUMPTIONS, MOST_RUNS, REPORT_TYPE, probe
from connector.doctor.probe.recording import lines, recording_file
from connector.doctor.probe.tape import Tape
from connector.settings import Connection
from connector.terminal.lines import Colored, echo, echo_json
from connector.terminal.tables import show, table
from connector.text import visible

_COLOURS = {
    AssumptionResult.HELD: "green",
    AssumptionResult.DIFFERS: "red",
    AssumptionResult.INCONCLUSIVE: "yellow",
}
_WIDTH = max(len(result) for result in AssumptionResult) + 2


def list_assumptions(*, as_json: bool) -> NoReturn:
    """Print what the probe would test. Sends nothing."""
    if as_json:
        for each in ASSUMPTIONS:
            echo_json({"type": "assumption", "name": each.name, "assumption": each.statement})
    else:
        listed = table("name", "assumption", whole=["name"])
        for each in ASSUMPTIONS:
            listed.add_row(each.name, each.statement)
        show(listed, "`stripe-reports doctor --probe` tests each of them on your account.")
    sys.exit(0)


def run_probe(connection: Connection, *, yes: bool, as_json: bool, record: Path | None) -> NoReturn:
    """Confirm, probe, print, and exit: 0 where nothing differs, 1 where something does.

    Args:
        record: where to write an anonymous recording of all that Stripe answered; None for nowhere.

    Raises ConfigurationError, before anything is sent, for an invalid key or base, and for a file that cannot
    be written.
    """
    with contextlib.ExitStack() as opened:
        client = opened.enter_context(connection.client(observe=(responses := ResponseLog())))
        write = opened.enter_context(recording_file(record)) if record else None
        tape = Tape(client.clock)
        if write:
            client.listen(tape)
        if not yes:
            _confirm(client)
        found = _probed(client, responses, connection.api_key, as_json=as_json)
        if write:
            restricted = connection.api_key.startswith("rk_")
            write(lines(tape, client, restricted=restricted, connector=__version__, results=found))
    _conclude(found, record, as_json=as_json)


def _probed(client: StripeClient, responses: ResponseLog, key: str, *, as_json: bool) -> list[ProbeFinding]:
    """Probe, and print each finding as it comes."""
    if not as_json:
        at = f"{client.clock.now():%Y-%m-%d %H:%M} UTC"
        echo(f"What is assumed of Stripe, tested with {REPORT_TYPE}")
        echo(
            f"dagster-stripe-reports {__version__}, API {API_VERSION}, "
            f"{client.mode} mode, key {key_kind(key)}, {at}\n"
        )
    found = []
    restricted = key.startswith("rk_")
    for each in probe(client, responses, token=uuid.uuid4().hex, restricted=restricted, say=_say):
        found.append(each)
        if as_json:
            echo_json(each.as_json())
        else:
            echo(*_lines(each))
    return found


def _conclude(found: Sequence[ProbeFinding], record: Path | None, *, as_json: bool) -> NoReturn:
    results = Counter(each.result for each in found)
    code = 1 if results[AssumptionResult.DIFFERS] else 0
    if as_json:
        counts = {result.value: results[result] for result in AssumptionResult}
        recorded = {"recording": str(record)} if record else {}
        echo_json({"type": "summary", **counts, **recorded, "exit_code": code})
    else:
        echo("\n" + ", ".join(f"{results[result]} {result}" for result in AssumptionResult) + ".")
        echo("Nothing above names an account, an amount or a person: paste it into an issue as it is.")
        if record:
            echo(
                f"Recorded in {record}: your ids, amounts and texts are replaced; report types, columns, "
                "currencies, categories and times stay. Look at it, then attach it."
            )
    sys.exit(code)


def _confirm(client: StripeClient) -> None:
    """Report runs are created only when a person agrees."""
    if not sys.stdin.isatty():
        raise click.UsageError(
            f"--probe creates up to {MOST_RUNS} report runs at Stripe; allow it with --yes"
        )
    what = f"Create up to {MOST_RUNS} report runs of one day of {REPORT_TYPE}, on {client.mode} data?"
    if not click.confirm(visible(what), err=True):
        echo("Nothing was created.", err=True)
        sys.exit(0)


def _say(text: str) -> None:
    echo(text, err=True)


def _lines(finding: ProbeFinding) -> tuple[Colored, str]:
    result = Colored(f"{finding.result:<{_WIDTH}}", _COLOURS[finding.result])
    return result, f"{finding.assumption}\n{'':{_WIDTH}}{finding.seen}"
