"""Who is calling: API keys, modes, permissions, and accounts acted for.

Sources: https://docs.stripe.com/keys, https://docs.stripe.com/api/authentication,
https://docs.stripe.com/api/connected-accounts
"""

import base64
import binascii
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from connector.simulator.books.entries import Owner
from connector.simulator.protocol.errors import RefusalError, unauthorized
from connector.simulator.protocol.messages import Call

SIMULATED_KEY = "sk_test_simulated0000000000000000"
"""Accepted by default; a secret to nobody."""

REPORTS_READ = "report_runs_and_report_types_read"
REPORTS_WRITE = "report_runs_and_report_types_write"
FILES_READ = "files_read"
EVERYTHING = frozenset({REPORTS_READ, REPORTS_WRITE, FILES_READ})

_KEY = re.compile(r"(sk|rk)_(test|live)_\w+")


@dataclass
class Keyring:
    """Which keys open which doors.

    `permissions` maps keys to what each may do (names as above); None accepts every well-formed secret or
    restricted key with all permissions. `connected` are the accounts that may be acted for; None means any.
    `account` is the one that all keys belong to.
    """

    account: str
    permissions: Mapping[str, Collection[str]] | None = None
    connected: Collection[str] | None = None

    def __post_init__(self) -> None:
        self._revoked: set[str] = set()

    def revoke(self, key: str) -> None:
        """From now on `key` is expired."""
        self._revoked.add(key)

    def caller(self, call: Call) -> "Caller":
        """The caller, or Stripe's 401 or 403."""
        key = _presented(call)
        match = _KEY.fullmatch(key)
        if not match or (self.permissions is not None and key not in self.permissions):
            raise unauthorized(f"Invalid API Key provided: {masked(key)}")
        if key in self._revoked:
            raise unauthorized(f"Expired API Key provided: {masked(key)}", code="api_key_expired")
        allowed = EVERYTHING if self.permissions is None else frozenset(self.permissions[key])
        account = call.headers.get("Stripe-Account", self.account)
        if account != self.account and not self._may_act_for(account):
            raise RefusalError(
                f"The provided key '{masked(key)}' does not have access to account '{account}' "
                "(or that account does not exist).",
                status=403,
                code="account_invalid",
            )
        return Caller(key, Owner(account, match[2] == "live"), allowed)

    def _may_act_for(self, account: str) -> bool:
        if self.connected is None:
            return re.fullmatch(r"acct_[A-Za-z0-9]+", account) is not None
        return account in self.connected


@dataclass(frozen=True)
class Caller:
    """A key that was accepted, whose data it asks for, and what it may do."""

    key: str
    owner: Owner
    permissions: frozenset[str]

    def needs(self, permission: str) -> None:
        """403 unless the key may do this. Writing includes reading."""
        if permission in self.permissions:
            return
        if permission == REPORTS_READ and REPORTS_WRITE in self.permissions:
            return
        raise RefusalError(
            f"The provided key '{masked(self.key)}' lacks a permission for this request on account "
            f"'{self.owner.account}'. It needs 'rak_{permission}'.",
            status=403,
        )


def masked(key: str) -> str:
    """A key as errors print it: its kind, stars, its last four characters."""
    kind = key[:8] if _KEY.fullmatch(key) else ""
    return kind + "*" * max(len(key) - len(kind) - 4, 0) + key[-4:]


def _presented(call: Call) -> str:
    scheme, _, value = call.headers.get("Authorization", "").partition(" ")
    key = ""
    if scheme.lower() == "bearer":
        key = value.strip()
    elif scheme.lower() == "basic":
        try:
            key = base64.b64decode(value.strip(), validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
    if not key:
        raise unauthorized(
            "You did not provide an API key. Send it in the Authorization header: as a Bearer token, or as "
            "the user name of HTTP Basic with an empty password. See https://docs.stripe.com/keys."
        )
    return key
