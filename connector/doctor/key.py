"""The key and the account: what can be said of them without sending anything."""

from collections.abc import Iterator

from connector.api.credentials import STRIPE_API, Hosts, is_account, key_kind, mode_of, shown_setting
from connector.api.models import Mode
from connector.doctor.diagnosis import Diagnosis, failure, fine, warning
from connector.doctor.settings import Surroundings
from connector.errors import ReportingError

_WHOSE = {
    Mode.LIVE: "reads live data",
    Mode.TEST: "reads test data",
    Mode.SIMULATED: "is not looked at: the API is on this machine, so its data count as simulated",
}


def hosts_of(surroundings: Surroundings) -> Hosts | Diagnosis:
    """Where the key may be sent, or why nothing can be."""
    try:
        return Hosts.of(surroundings.api_base) if surroundings.api_base else Hosts.of()
    except ReportingError as error:
        return failure("api", f"STRIPE_API_BASE: {error}", f"Unset it for Stripe's own, {STRIPE_API}.")


def examine_key(surroundings: Surroundings, hosts: Hosts) -> Iterator[Diagnosis]:
    """Kind and mode of the key. Shows its kind and nothing else of it."""
    key = surroundings.api_key
    if not key:
        yield failure(
            "key",
            "STRIPE_API_KEY is not set, so Stripe was not asked",
            "Set it to a restricted key (rk_live_… or rk_test_…), or try `stripe-reports simulate`.",
        )
        return
    try:
        mode = mode_of(key, hosts)
    except ReportingError as error:
        yield failure(
            "key",
            f"STRIPE_API_KEY cannot be used: {error}",
            "Copy it again from Stripe's dashboard, under Developers, API keys.",
        )
        return
    found = f"{key_kind(key)} {_WHOSE[mode]}"
    if key.startswith("sk_") and mode is not Mode.SIMULATED:
        yield warning(
            "key",
            f"{found}; it is a secret key, which may do everything with the account",
            "Make a restricted key: write for report runs and report types, read for files, nothing else.",
        )
    else:
        yield fine("key", found)


def examine_account(surroundings: Surroundings) -> Iterator[Diagnosis]:
    """Whose reports these are, and where they are kept."""
    account = surroundings.account
    if not account:
        yield fine(
            "account",
            "the key's own, kept below account=default; another account's key needs another root",
        )
    elif is_account(account):
        yield fine("account", f"acts for {account}, kept below account={account}")
    else:
        yield failure(
            "account",
            f"STRIPE_ACCOUNT is {shown_setting(account)}, which is no account id",
            "It looks like acct_1A2b3C; unset it to read the key's own account.",
        )


def account_of(surroundings: Surroundings) -> str | None:
    """The account to act for; None for the key's own, and for what is no account."""
    account = surroundings.account
    return account if account and is_account(account) else None
