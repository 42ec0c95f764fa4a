"""The key, the account and the hosts: what can be checked without sending anything."""

from collections.abc import Iterator

from connector.api.credentials import STRIPE_API, Hosts, is_account, key_kind, mode_of, shown_setting
from connector.api.models import Mode
from connector.doctor.diagnosis import Diagnosis, failure, fine, warning
from connector.errors import ReportingError
from connector.settings import Connection

_WHOSE = {
    Mode.LIVE: "reads live data",
    Mode.TEST: "reads test data",
    Mode.SIMULATED: "is not checked: the API is on this machine, so the data counts as simulated",
}


def hosts_of(connection: Connection) -> Hosts | Diagnosis:
    """Where the key may be sent, or why nothing can be sent."""
    try:
        return connection.hosts()
    except ReportingError as error:
        return failure("api", str(error), f"Unset it to use Stripe's own, {STRIPE_API}.")


def examine_key(connection: Connection, hosts: Hosts) -> Iterator[Diagnosis]:
    """Kind and mode of the key. Shows nothing of it but its kind."""
    key = connection.api_key
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
            f"{found}; it is a secret key, which has every permission",
            "Create a restricted key: write for report runs and report types, read for files, nothing else.",
        )
    else:
        yield fine("key", found)


def examine_account(connection: Connection) -> Iterator[Diagnosis]:
    """Whose reports these are, and where they are stored."""
    account = connection.account
    if not account:
        yield fine(
            "account", "the key's own, stored below account=default; another account's key needs another root"
        )
    elif is_account(account):
        yield fine("account", f"acts for {account}, stored below account={account}")
    else:
        yield failure(
            "account",
            f"STRIPE_ACCOUNT is {shown_setting(account)}, which is not an account id",
            "Set it to an id such as acct_1A2b3C, or unset it to read the key's own account.",
        )


def examine_division(connection: Connection) -> Iterator[Diagnosis]:
    """Whether it is known how the rate limit is divided; nothing where it is."""
    try:
        connection.division()
    except ReportingError as error:
        yield failure("pace", str(error), "Correct it, or unset it.")


def account_of(connection: Connection) -> str | None:
    """The account to act for; None for the key's own, and for what is not an account id."""
    account = connection.account
    return account if account and is_account(account) else None
