"""The lists of accounts of a report in the file: their forms, and how they become accounts with lives."""

from collections.abc import Callable
from typing import Annotated, Any

import dagster as dg
from pydantic import WithJsonSchema

from assets.config.errors import Place, probe_at
from connector.accounts import NO_ACCOUNTS, AccountLives
from connector.errors import ConfigurationError
from connector.project.account_list import CONNECTED, read_accounts
from connector.query import ReportQuery

_DAY = {"type": "string", "format": "date"}
_LIFE = {
    "type": "object",
    "properties": {"account": {"type": "string"}, "start": _DAY, "until": _DAY},
    "required": ["account"],
    "additionalProperties": False,
}
_ITEMS = {"type": "array", "items": {"anyOf": [{"type": "string"}, _LIFE]}}

#: What stands in the file, as it stands there: `resolve_accounts` checks its items one by one.
AccountsField = Annotated[Any, WithJsonSchema({"anyOf": [{"type": "string"}, _ITEMS]})]


def resolve_accounts(context: dg.ResolutionContext, path: Place, given: Any) -> AccountLives:
    """The accounts of a report, with templates filled in; names of files begin beside the `defs.yaml`.

    Args:
        path: where in the file they are; the last part is the name of the field.

    Raises ResolutionException naming the field and the item.
    """
    found = NO_ACCOUNTS

    def read() -> None:
        nonlocal found
        beside = context.resolve_source_relative_path(".")
        found = read_accounts(context.resolve_value(given), beside, str(path[-1]))

    probe_at(context, path, read)
    return found


def refuse_payouts(accounts: AccountLives, query: Callable[[], ReportQuery]) -> None:
    """Raise ConfigurationError for connected accounts of a report whose partitions are payouts, and for what
    the report does not have."""
    if accounts and (found := query()).by_payout:
        raise ConfigurationError(
            f"partitions of {found.spec.id} are payouts, and each names its account; remove {CONNECTED}"
        )
