"""`close`: a month's books, from opening to closing, and its sign-off."""

import sys
from typing import TYPE_CHECKING

import click

from connector.cli.options import (
    FILES_ENVIRONMENT,
    json_option,
    lists_here,
    mode_option,
    root_option,
    tables_of_mode,
)
from connector.clock import SystemClock
from connector.settings import Connection
from connector.terminal.lines import echo, echo_json

if TYPE_CHECKING:
    from connector.close import Closing, Register, SignOff
    from connector.close.layout import Document

NOT_CLOSED = 6

_CODES = f"""\b
Exit codes:
  0  the month can be closed, or is closed and as it was signed
  2  refused: usage, or there are no such files
  {NOT_CLOSED}  the month is not closed: the sheet says why, and which days"""


@click.command(epilog=f"{FILES_ENVIRONMENT}\n\n{_CODES}")
@click.argument("month", metavar="MONTH")
@root_option
@mode_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "md", "csv", "html"]),
    help="Default text. CSV is for spreadsheets; HTML is one page with all it needs.",
)
@json_option
@click.option("--sign-off", is_flag=True, help="Freeze the month, if nothing speaks against it.")
@click.option("--reopen", is_flag=True, help="Undo the sign-off, which stays in the history.")
@click.option("--by", metavar="NAME", help="Who signs or opens; written down as given.")
def close(
    month: str,
    *,
    connection: Connection,
    mode: str | None,
    form: str | None,
    as_json: bool,
    sign_off: bool,
    reopen: bool,
    by: str | None,
) -> None:
    """Close a month: balances, fees and payouts by account.

    One sheet for each account and currency, laid out as the Dashboard's balance page. The month is closed if
    every day is there, all checks pass, and nothing has changed since it was signed off. Reads files only: it
    needs no key and does not call Stripe.

    \b
    stripe-reports close 2026-06
    stripe-reports close 2026-06 --sign-off --by "J. Doe"
    stripe-reports close 2026-06 --format html > june.html
    """
    if sign_off and reopen:
        raise click.UsageError("--sign-off and --reopen do the opposite; give one of them")
    if by and not (sign_off or reopen):
        raise click.UsageError("--by says who signs or opens; give --sign-off or --reopen with it")
    if as_json and form:
        raise click.UsageError("--json is a format of its own; give no --format with it")
    from connector.close import Month, Register, changes_since, close_month  # noqa: PLC0415 - it loads DuckDB
    from connector.close.layout import laid_out  # noqa: PLC0415
    from connector.close.sign_off import whole_name  # noqa: PLC0415

    wanted, store = Month.of(month), connection.store()
    datasets = tables_of_mode(store.datasets(), mode, store.root)
    register = Register(connection.root, datasets[0].mode)
    if reopen:
        place = register.reopen(wanted, SystemClock().now(), whole_name(by))
        echo(f"{wanted} is open again: {place}")
        return
    signed = register.signed(wanted)
    if sign_off:
        register.refuse_signed(wanted)
    for path, reason in store.unusable_tables().items():
        echo(f"Note: {path} was not looked at: {reason}", err=True)
    closing = close_month(store, datasets, wanted, lists_here(), signed=signed, now=SystemClock().now())
    if sign_off and not closing.problems:
        signed = _sign(register, closing, whole_name(by))
    changes = list(changes_since(signed, closing.inputs, closing.sheets)) if signed else []
    document = laid_out(closing, signed, changes)
    _show(document, form=form or "text", as_json=as_json)
    if sign_off and document.is_red:
        echo(f"{wanted} was not signed off.", err=True)
    sys.exit(NOT_CLOSED if document.is_red else 0)


def _sign(register: "Register", closing: "Closing", by: str | None) -> "SignOff":
    """Write the sign-off down. Raises ConfigurationError where there is one."""
    from connector.close.sign_off import SignOff, Sums  # noqa: PLC0415 - it loads DuckDB

    sums = tuple(Sums.of(each) for each in closing.sheets)
    signed = SignOff(str(closing.month), SystemClock().now(), by, closing.inputs, sums)
    echo(f"{closing.month} is signed off: {register.sign(closing.month, signed)}", err=True)
    return signed


def _show(document: "Document", *, form: str, as_json: bool) -> None:
    if not as_json:
        from connector.close.rendering import FORMATS, as_html  # noqa: PLC0415

        if form == "html":
            from connector.close.pictures import draw  # noqa: PLC0415 - slow to load

            echo(as_html(document, draw(document)), nl=False)
        else:
            echo(FORMATS[form](document), nl=False)
        return
    from connector.close.rendering import as_objects  # noqa: PLC0415

    for each in as_objects(document):
        echo_json(each)
    echo_json(
        {
            "type": "summary",
            "month": document.month,
            "closed": not document.is_red,
            "status": document.status,
            "exit_code": NOT_CLOSED if document.is_red else 0,
        }
    )
