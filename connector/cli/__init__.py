"""The command `stripe-reports`: one module for each subcommand, named after it.

    options       options that several share
    completion    what a shell offers for them
    display       what they print

The API key comes from the environment and from nowhere else: a command line can be read by every process on
the machine and stays in shell histories.
"""

import io
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from connector import __version__
from connector.cli.accounts import accounts
from connector.cli.check import check
from connector.cli.close import close
from connector.cli.display.output import interrupted, interrupted_by_signals
from connector.cli.doctor import doctor
from connector.cli.forget import forget
from connector.cli.init import init
from connector.cli.options import ENVIRONMENT, EXIT_CODES
from connector.cli.pull import pull
from connector.cli.simulate import simulate
from connector.cli.sql import sql
from connector.cli.status import status
from connector.cli.types import types
from connector.cli.upgrade import upgrade
from connector.errors import (
    ConfigurationError,
    ConnectionFailedError,
    DatasetMismatchError,
    ReportingError,
    advice,
)
from connector.settings import wants_colors
from connector.terminal.lines import echo
from connector.text import hint

__all__ = ["ENVIRONMENT", "EXIT_CODES", "cli", "main"]


class _Group(click.Group):
    """Commands in the order in which they are used; a misspelt one is answered with the nearest ones."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise click.UsageError(f"there is no command {args[0]!r}{hint(args[0], self.commands)}", ctx)
        return super().resolve_command(ctx, args)


_SETTINGS = {"max_content_width": 110, "help_option_names": ["-h", "--help"]}


#: The variable is click's, made of the command's name.
_COMPLETION = """\b
Completion in bash; zsh_source and fish_source are for the other shells:
  eval "$(_STRIPE_REPORTS_COMPLETE=bash_source stripe-reports)\""""


@click.group(cls=_Group, epilog=f"{ENVIRONMENT}\n\n{EXIT_CODES}\n\n{_COMPLETION}", context_settings=_SETTINGS)
@click.version_option(__version__)
def cli() -> None:
    """Download Stripe's financial reports into typed Parquet files, and query and check them."""
    if not wants_colors():
        click.get_current_context().color = False


for _command in (init, types, accounts, pull, status, sql, check, close, doctor, simulate, upgrade, forget):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit. Every foreseeable error is one message and an exit code."""
    try:
        with interrupted_by_signals():
            cli.main(None if arguments is None else list(arguments), "stripe-reports", standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        text = io.StringIO()
        error.show(file=text)
        echo(text.getvalue(), err=True, nl=False)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt) as error:
        interrupted(error)
    except ReportingError as error:
        echo(f"Error: {error}{_way_out(error)}", err=True)
        sys.exit(2 if isinstance(error, ConfigurationError | DatasetMismatchError) else 1)
    sys.exit(0)


def _way_out(error: ReportingError) -> str:
    """What to do where the message cannot say it: a network's error names no setting."""
    return f". {advice(error, again='Run it again')}" if isinstance(error, ConnectionFailedError) else ""
