"""What the command line and the environment say, as values.

Options that several commands share stand here. What cannot be is refused before anything is sent.
"""

import os
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import click

# Its public names load when they are used, so that a misspelt option is refused at once.
import connector
from connector.api.credentials import Hosts
from connector.api.responses import ResponseHead
from connector.api.retry import RetryPolicy
from connector.errors import ConfigurationError

#: For commands that somebody sits and waits for.
SOON = RetryPolicy(give_up_after=10.0, longest=4.0)

EXIT_CODES = """\b
Exit codes:
  0    every partition is in place
  1    some failed; the messages say why
  2    refused before any call to Stripe: usage or configuration
  3    some are late: their report runs go on at Stripe, run it again later
  4    some are not ready: Stripe has no data yet, the message says from when
  130  interrupted; what is pending is taken up the next time
Where several apply, 1 comes before 3, and 3 before 4."""

ENVIRONMENT = """\b
Environment:
  STRIPE_API_KEY       a restricted key, rk_live_… or rk_test_…; never given as an option
  STRIPE_API_BASE      where the API is; default https://api.stripe.com
  STRIPE_ACCOUNT       the connected account to act for, acct_…
  STRIPE_REPORTS_ROOT  where the files go; default data"""

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
#: A column and its type. The key of `payment_metadata[a:b]` may hold a colon of its own.
_TYPED = re.compile(r"(.+):([^\[\]:]*)")


def moment(_context: click.Context, _parameter: click.Parameter, value: str | None) -> date | datetime | None:
    """`2026-06-01`, or a time as in `2026-06-01T05:00` with or without an offset; None for none."""
    if value is None:
        return None
    try:
        return date.fromisoformat(value) if len(value) <= 10 else datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a date such as 2026-06-01 or 2026-06-01T05:00") from None


def duration(_context: click.Context, _parameter: click.Parameter, value: str) -> timedelta:
    """`30m`, `1h30m`, `90s`, or seconds."""
    found = _DURATION.fullmatch(value)
    if not value or not found:
        raise click.BadParameter(f"{value!r} is not a duration such as 30m, 1h30m or 90s")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


root_option = click.option(
    "--root",
    envvar="STRIPE_REPORTS_ROOT",
    default="data",
    show_default=True,
    help="Where the files are: a directory, or a URL such as s3://bucket/prefix.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="For programs: JSON, one object on each line."
)
account_option = click.option(
    "--account", envvar="STRIPE_ACCOUNT", help="The connected account to act for, acct_…."
)


def client_for(
    account: str | None,
    *,
    key_variable: str = "STRIPE_API_KEY",
    retry: RetryPolicy | None = None,
    observe: Callable[[ResponseHead], None] | None = None,
) -> "connector.StripeClient":
    """The client the environment describes. Raises ConfigurationError before anything is sent.

    Args:
        account: the connected account to act for; None for the key's own.
        key_variable: the environment variable that holds the key.
        retry: how patient each request is; as patient as a pull is, unless given.
        observe: told of the head of every answer.
    """
    base = os.environ.get("STRIPE_API_BASE")
    hosts = Hosts.of(base) if base else Hosts.of()
    key = os.environ.get(key_variable, "")
    return connector.StripeClient(key, hosts=hosts, account=account or None, retry=retry, observe=observe)


def ids_of(given: Sequence[str]) -> list[str]:
    """Ids, split at commas, each once."""
    return list(dict.fromkeys(id.strip() for each in given for id in each.split(",") if id.strip()))


def column_names(given: Sequence[str]) -> list[str] | None:
    """Column names, split at commas that are not part of a metadata key; None where none is given."""
    names = [name.strip() for each in given for name in re.split(r",(?![^\[\]]*\])", each)]
    return [name for name in names if name] or None


def columns_of(given: Sequence[str]) -> list[str] | dict[str, str | None] | None:
    """Column names, or names with their types where any has one, as in `id:text,paid:money`."""
    names = column_names(given) or []
    if not any(_TYPED.fullmatch(name) for name in names):
        return names or None
    found: dict[str, str | None] = {}
    for each in names:
        typed = _TYPED.fullmatch(each)
        name, type_ = typed.groups() if typed else (each, None)
        if name in found:
            raise ConfigurationError(f"column {name} is given twice")
        found[name] = type_
    return found


def filters_of(given: Sequence[str]) -> dict[str, Any]:
    """`name=value` pairs by name. Raises ConfigurationError for what is no pair, or given twice."""
    found: dict[str, Any] = {}
    for each in given:
        name, separator, value = each.partition("=")
        if not separator or not value:
            raise ConfigurationError(f"filter {each!r} is not of the form name=value, e.g. currency=usd")
        if name in found:
            raise ConfigurationError(f"filter {name} is given twice: {found[name]} and {value}")
        found[name] = value.split(",") if name == "connected_accounts" else value
    return found
