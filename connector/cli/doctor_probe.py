"""`doctor --probe`: what we assume of Stripe, tried on a real account, told so that anyone may read it."""

import json
import sys
import uuid
from collections import Counter
from typing import NoReturn

import click

from connector import __version__
from connector.api.client import StripeClient
from connector.api.credentials import key_kind
from connector.api.models import API_VERSION
from connector.cli.options import client_for
from connector.doctor.permissions import ResponseLog
from connector.doctor.probe.assumptions import AssumptionResult, Judgement
from connector.doctor.probe.probe import MOST_RUNS, REPORT_TYPE, probe
from connector.doctor.settings import Surroundings

_COLOURS = {
    AssumptionResult.HELD: "green",
    AssumptionResult.DIFFERS: "red",
    AssumptionResult.UNTOLD: "yellow",
}
_WIDTH = max(len(result) for result in AssumptionResult) + 2


def try_assumptions(surroundings: Surroundings, *, yes: bool, as_json: bool) -> NoReturn:
    """Ask, probe, tell, and exit: 0 where nothing differs, 1 where something does.

    Raises ConfigurationError, before anything is sent, for a key or a base that cannot be.
    """
    heard = ResponseLog()
    key = surroundings.api_key or ""
    with client_for(surroundings.account, observe=heard) as client:
        if not yes:
            _ask(client)
        if not as_json:
            at = f"{client.clock.now():%Y-%m-%d %H:%M} UTC"
            click.echo(f"What we assume of Stripe, tried with {REPORT_TYPE}")
            click.echo(
                f"dagster-stripe-reports {__version__}, API {API_VERSION}, "
                f"{client.mode} mode, key {key_kind(key)}, {at}\n"
            )
        judgements = []
        restricted = key.startswith("rk_")
        for judgement in probe(client, heard, token=uuid.uuid4().hex, restricted=restricted, tell=_say):
            judgements.append(judgement)
            click.echo(json.dumps(judgement.as_json(), ensure_ascii=False) if as_json else _lines(judgement))
    found = Counter(each.result for each in judgements)
    code = 1 if found[AssumptionResult.DIFFERS] else 0
    if as_json:
        counts = {result.value.replace(" ", "_"): found[result] for result in AssumptionResult}
        click.echo(json.dumps({"type": "summary", **counts, "exit_code": code}))
    else:
        click.echo("\n" + ", ".join(f"{found[result]} {result}" for result in AssumptionResult) + ".")
        click.echo("Nothing above names an account, an amount or a person: paste it into an issue as it is.")
    sys.exit(code)


def _ask(client: StripeClient) -> None:
    """Creating report runs is for a person to decide."""
    if not sys.stdin.isatty():
        raise click.UsageError(
            f"--probe creates up to {MOST_RUNS} report runs at Stripe; allow it with --yes"
        )
    what = f"Create up to {MOST_RUNS} report runs of one day of {REPORT_TYPE}, on {client.mode} data?"
    if not click.confirm(what, err=True):
        click.echo("Nothing was created.", err=True)
        sys.exit(0)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _lines(judgement: Judgement) -> str:
    result = click.style(f"{judgement.result:<{_WIDTH}}", fg=_COLOURS[judgement.result])
    return f"{result}{judgement.assumption}\n{'':{_WIDTH}}{judgement.seen}"
