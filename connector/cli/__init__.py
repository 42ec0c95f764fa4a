"""The command `stripe-reports`: one module for each thing one does with it.

    looking     what can be pulled;  querying  SQL over what was;  checking  whether it agrees
    configuring a first defs.yaml
    pulling     bring partitions into the dataset
    upgrading   a table in another version of its report;  compared  how the two are shown
    examining   what stands in the way
    simulating  a Stripe on this machine
    given       what the command line and the environment say;  shown  how answers are printed

Besides the Dagster settings this is the only place that reads the environment. The API key comes from there
and from nowhere else: a command line is read by every process on the machine and kept in shell histories.
"""

import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from connector import __version__
from connector.cli.check import check
from connector.cli.display.output import interrupted
from connector.cli.doctor import doctor
from connector.cli.init import init
from connector.cli.options import ENVIRONMENT, EXIT_CODES
from connector.cli.pull import pull
from connector.cli.simulate import simulate
from connector.cli.sql import sql
from connector.cli.types import types
from connector.cli.upgrade import upgrade
from connector.errors import ConfigurationError, DatasetMismatchError, ReportingError
from connector.text import hint

__all__ = ["ENVIRONMENT", "EXIT_CODES", "cli", "main"]


class _Group(click.Group):
    """A group that answers a misspelt command with the nearest ones."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise click.UsageError(f"there is no command {args[0]!r}{hint(args[0], self.commands)}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Group, epilog=f"{ENVIRONMENT}\n\n{EXIT_CODES}", context_settings={"max_content_width": 110})
@click.version_option(__version__)
def cli() -> None:
    """Pull Stripe's financial reports into typed Parquet files, and look at them."""


for _command in (types, init, pull, upgrade, sql, check, doctor, simulate):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit. Every foreseeable fault is one message and an exit code."""
    try:
        cli.main(None if arguments is None else list(arguments), "stripe-reports", standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        interrupted()
    except ReportingError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2 if isinstance(error, ConfigurationError | DatasetMismatchError) else 1)
    sys.exit(0)
