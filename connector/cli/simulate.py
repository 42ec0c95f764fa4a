"""`simulate`: a local Stripe simulator."""

import re
import signal
import threading
from datetime import UTC, datetime, timedelta

import click

from connector.cli.display.output import END_SIGNALS
from connector.errors import ConfigurationError
from connector.terminal.lines import echo


def _bounds(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[float, float]:
    """One number of seconds, or the bounds to draw from: `5,15`."""
    if not re.fullmatch(r"\d+(\.\d+)?(,\d+(\.\d+)?)?", value):
        raise click.BadParameter(f"{value!r} is not a number of seconds such as 10, or two such as 5,15")
    low, _, high = value.partition(",")
    return float(low), float(high or low)


#: What may go wrong on purpose. `connector.simulator.named_faults` does it.
FAULTS = {
    "slow-runs": "every report run takes three minutes",
    "stuck-run": "the first report run never ends",
    "failed-run": "the first report run fails at Stripe",
    "failing-runs": "every report run fails",
    "rate-limited": "three requests in ten are answered with HTTP 429",
    "server-errors": "two requests in ten are answered with HTTP 503",
    "cut-downloads": "half of the downloads end after 1,000 bytes",
    "no-permission": "the key may not create report runs (HTTP 403)",
    "expired-key": "the key expires with the sixtieth request (HTTP 401)",
    "restated": "after a minute, late fees of last month's end and 2 days ago",
}
_LISTED = "\n".join(f"  {name:<14} {what}" for name, what in FAULTS.items())

#: Seconds from the start to the restatement.
_RESTATED_AFTER = 60.0

_EPILOG = f"""\b
Faults:
{_LISTED}

\b
Environment:
  It reads no variable. For the other commands set STRIPE_API_BASE and
  STRIPE_API_KEY as it prints them."""


@click.command(epilog=_EPILOG)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=4242, show_default=True, help="0 for any free one."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same data.")
@click.option(
    "--run-seconds",
    metavar="LOW,HIGH",
    callback=_bounds,
    default="5,15",
    show_default=True,
    help="How long a report run takes: seconds, or the bounds to draw from.",
)
@click.option(
    "--volume", type=click.IntRange(1), default=25, show_default=True, help="Typical sales per day."
)
@click.option(
    "--platform", is_flag=True, help="The account takes fees from those connected to it, and pays them."
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    type=click.Choice(list(FAULTS)),
    metavar="NAME",
    help="Let something go wrong, to see what becomes of it; the names are below. Can be repeated.",
)
def simulate(
    *,
    port: int,
    seed: int,
    run_seconds: tuple[float, float],
    volume: int,
    platform: bool,
    faults: tuple[str, ...],
) -> None:
    """Run a local Stripe simulator until Ctrl-C.

    Its account is made up, and its reports come from one consistent ledger. It accepts any key, and keeps
    nothing when it ends.

    \b
    stripe-reports simulate
    stripe-reports simulate --platform
    stripe-reports simulate --fault stuck-run --fault rate-limited
    """
    from connector.simulator import SIMULATED_KEY, Simulator  # noqa: PLC0415
    from connector.simulator.named_faults import NAMED_FAULTS, restate  # noqa: PLC0415
    from connector.simulator.server import serve  # noqa: PLC0415

    simulator = Simulator(seed=seed, run_seconds=run_seconds, volume=volume, platform=platform)
    for name in {*faults} & {*NAMED_FAULTS}:
        NAMED_FAULTS[name](simulator.faults)
    ended = threading.Event()
    for number in END_SIGNALS:
        signal.signal(number, lambda *_: ended.set())
    try:
        with serve(simulator, port=port) as url:
            last = datetime.now(UTC).date().replace(day=1)
            first = (last - timedelta(days=1)).replace(day=1)
            echo(
                f"A Stripe simulator is running on {url}; Ctrl-C ends it. In another shell:\n\n"
                f"  export STRIPE_API_BASE={url}\n"
                f"  export STRIPE_API_KEY={SIMULATED_KEY}\n"
                f"  stripe-reports pull balance_summary --from {first} --to {last}\n"
                f"\nConnected accounts: {', '.join(simulator.connected_accounts)}\n"
            )
            for name in dict.fromkeys(faults):
                echo(f"Fault {name}: {FAULTS[name]}.")
            if "restated" in faults and not ended.wait(_RESTATED_AFTER):
                days = " and ".join(map(str, restate(simulator)))
                echo(f"Restated: {days}, with one more fee of 1.25 usd each. To see it, pull with --force.")
            ended.wait()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(f"port {port}: {reason}; choose another with --port") from None
    echo(f"\nEnded after {len(simulator.requests)} requests and {len(simulator.runs)} report runs.")
