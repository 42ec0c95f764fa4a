"""The accounts in the configuration, beside those that are connected and those that have files."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from connector.accounts import NO_LISTS, AccountLists, AccountLives, explain_unlisted
from connector.api.client import StripeClient
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.doctor.diagnosis import Diagnosis, failure, fine, warning
from connector.errors import ConfigurationError, PermissionDeniedError, ReportingError
from connector.partitions import BY_PAYOUT
from connector.project.account_list import configured_accounts, configured_lists, joined
from connector.project.accounts_compared import Standing, compare
from connector.text import join_names

#: Standings with which something is to be done, and what.
_ADVICE = {
    Standing.ABSENT: "If they left, give them `until:` and their last day; else connect them again.",
    Standing.NEW: "`stripe-reports accounts` prints them, to paste into defs.yaml, if they are wanted.",
    Standing.STILL_LISTED: "If they are back, take their `until:` away.",
    Standing.EARLY: "Set their `start:` to the day they were created: files of the days before are empty.",
}


def examine_list(directory: Path) -> tuple[Mapping[str, AccountLives], AccountLists, list[Diagnosis]]:
    """The accounts in the configuration, by the field and by the table, and why they cannot be read."""
    try:
        return configured_accounts(directory), configured_lists(directory), []
    except ConfigurationError as error:
        return {}, NO_LISTS, [failure("accounts", str(error), "Correct the list of accounts.")]


def examine_connected(client: StripeClient, configured: Mapping[str, AccountLives]) -> Iterator[Diagnosis]:
    """Whether the accounts in the configuration are connected; nothing is asked where there are none."""
    count = len(joined(configured))
    if not count:
        return
    try:
        listed = client.accounts()
    except PermissionDeniedError:
        yield fine(
            "accounts",
            f"{count} are configured; the key may not list accounts, so they were not compared",
            "To compare them, give the key the permission to read accounts, under Connect.",
        )
        return
    except ReportingError as error:
        yield warning("accounts", f"could not be listed: {error}", "Run this again.")
        return
    compared = compare(listed, configured, client.now().date())
    new = sum(each.standing is Standing.NEW for each in compared)
    good = sum(each.standing in {Standing.CONFIGURED, Standing.ENDED} for each in compared)
    yield fine("accounts", f"{good} of {len(compared) - new} configured are as Stripe lists them")
    for standing, advice in _ADVICE.items():
        if found := [each.life.account for each in compared if each.standing is standing]:
            words = standing.partition(":")[0]
            yield warning("accounts", f"{len(found)} {words}: {join_names(found)}", advice)


def examine_stored(
    stored: Sequence[Dataset], store: Store, configured: Mapping[str, AccountLives]
) -> Iterator[Diagnosis]:
    """The accounts that have files in a table and are not in the configuration."""
    for table in stored:
        whose = () if table.window == BY_PAYOUT else table.dimension_values(store.keys(table))
        if unlisted := joined(configured).unlisted(whose):
            yield warning("accounts", f"{table.table}: {explain_unlisted(unlisted)}", "Put them back.")
