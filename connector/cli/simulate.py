"""`simulate`: a Stripe on this machine."""

import re
import signal
import threading
from datetime import UTC, datetime, timedelta

import click

from connector.errors import ConfigurationError


def _bounds(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[float, float]:
    """One number of seconds, or the bounds to draw from: `5,15`."""
    if not re.fullmatch(r"\d+(\.\d+)?(,\d+(\.\d+)?)?", value):
        raise click.BadParameter(f"{value!r} is not a number of seconds such as 10, or two such as 5,15")
    low, _, high = value.partition(",")
    return float(low), float(high or low)


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=4242, show_default=True, help="0 takes a free one."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed tells the same story.")
@click.option(
    "--run-seconds",
    metavar="LOW,HIGH",
    callback=_bounds,
    default="5,15",
    show_default=True,
    help="How long a report run takes, or the bounds to draw from.",
)
@click.option("--volume", type=click.IntRange(1), default=25, show_default=True, help="Usual sales in a day.")
def simulate(*, port: int, seed: int, run_seconds: tuple[float, float], volume: int) -> None:
    """Serve a Stripe on this machine until Ctrl-C.

    It has a made-up account with a real ledger, takes any key, and forgets all when it ends.
    """
    from connector.simulator import SIMULATED_KEY, Simulator  # noqa: PLC0415
    from connector.simulator.server import serve  # noqa: PLC0415

    simulator = Simulator(seed=seed, run_seconds=run_seconds, volume=volume)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with serve(simulator, port=port) as url:
            last = datetime.now(UTC).date().replace(day=1)
            first = (last - timedelta(days=1)).replace(day=1)
            click.echo(
                f"A simulated Stripe listens on {url} until Ctrl-C. In another shell:\n\n"
                f"  export STRIPE_API_BASE={url}\n"
                f"  export STRIPE_API_KEY={SIMULATED_KEY}\n"
                f"  stripe-reports pull balance_summary --from {first} --to {last}\n"
                f"\nConnected accounts: {', '.join(simulator.connected_accounts)}\n"
            )
            ended.wait()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(f"port {port}: {reason}; choose another with --port") from None
    click.echo(f"\nEnded after {len(simulator.requests)} requests and {len(simulator.runs)} report runs.")
