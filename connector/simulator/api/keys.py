"""Authentication: API keys, their mode, account and permissions, and `Stripe-Account`.

Source: https://docs.stripe.com/keys, https://docs.stripe.com/api/authentication,
https://docs.stripe.com/api/connected-accounts, https://docs.stripe.com/reports/v1-api
"""

import base64
import binascii
import contextlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from connector.simulator.owner import Owner
from connector.simulator.protocol.errors import StripeError, no_access, unauthorized
from connector.simulator.protocol.messages import Call

#: Accepted by default; not a secret.
SIMULATED_KEY = "sk_test_simulated0000000000000000"

REPORTS_READ = "report_runs_and_report_types_read"
REPORTS_WRITE = "report_runs_and_report_types_write"
FILES_READ = "files_read"
ACCOUNTS_READ = "accounts_kyc_basic_read"
EVERYTHING = frozenset({REPORTS_READ, REPORTS_WRITE, FILES_READ, ACCOUNTS_READ})

_KEY = re.compile(r"(sk|rk)_(test|live)_\w+", re.ASCII)


@dataclass
class Keyring:
    """The keys that are accepted.

    Attributes:
        account: what a key belongs to, unless `other_accounts` names it.
        permissions: what each key may do (names as above); with None every well-formed secret or restricted
            key is accepted and may do everything.
        connected: the accounts that keys of `account` may act for; None means any.
        creating_needs: the permission to create report runs. Reading is enough as documented; there are
            programs that ask for writing.
        other_accounts: further accounts, by key, which may do everything. Nothing is connected to them.
    """

    account: str
    permissions: Mapping[str, Collection[str]] | None = None
    connected: Collection[str] | None = None
    creating_needs: str = REPORTS_READ
    other_accounts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._revoked: set[str] = set()
        self.left: set[str] = set()

    def revoke(self, key: str) -> None:
        """Let `key` be expired."""
        self._revoked.add(key)

    def account_of(self, call: Call) -> str:
        """The account that `call` is about, whether or not it is allowed."""
        account: str = call.headers.get("Stripe-Account", self.own_account(call))
        return account

    def own_account(self, call: Call) -> str:
        """The account that the key of `call` belongs to."""
        return self.other_accounts.get(_given_key(call), self.account)

    def caller(self, call: Call) -> "Caller":
        """The caller.

        Raises:
            StripeError: the key is missing, not known or expired (401), or may not act for the account (403).
        """
        key = _given_key(call)
        if not key:
            raise unauthorized(
                "You did not provide an API key. Send it in the Authorization header: as a Bearer token, or "
                "as the user name of HTTP Basic with an empty password. See https://docs.stripe.com/keys."
            )
        match = _KEY.fullmatch(key)
        known = self.permissions is None or key in {*self.permissions, *self.other_accounts}
        if not match or not known:
            raise unauthorized(f"Invalid API Key provided: {masked(key)}")
        if key in self._revoked:
            raise unauthorized(f"Expired API Key provided: {masked(key)}", code="api_key_expired")
        allowed = frozenset((self.permissions or {}).get(key, EVERYTHING))
        account = self.account_of(call)
        if not self._may_act_for(account, key):
            raise no_access(account, key=masked(key))
        return Caller(key, Owner(account, match[2] == "live"), allowed)

    def _may_act_for(self, account: str, key: str) -> bool:
        if account == self.other_accounts.get(key, self.account):
            return True
        if account in self.left:
            return False
        if key in self.other_accounts:
            return False
        if self.connected is None:
            return re.fullmatch(r"acct_[A-Za-z0-9]+", account) is not None
        return account in self.connected


@dataclass(frozen=True)
class Caller:
    """A key that was accepted, the owner whose data it requests, and what it may do."""

    key: str
    owner: Owner
    permissions: frozenset[str]

    def require(self, permission: str) -> None:
        """Raise a 403 unless the key has the permission. Writing includes reading."""
        if permission in self.permissions:
            return
        if permission == REPORTS_READ and REPORTS_WRITE in self.permissions:
            return
        raise StripeError(
            f"The provided key '{masked(self.key)}' lacks a permission for this request on account "
            f"'{self.owner.account}'. It needs 'rak_{permission}'.",
            status=403,
        )


def masked(key: str) -> str:
    """A key as errors print it: its prefix, stars, its last four characters."""
    kind = key[:8] if _KEY.fullmatch(key) else ""
    return kind + "*" * max(len(key) - len(kind) - 4, 0) + key[-4:]


def _given_key(call: Call) -> str:
    """The key in the `Authorization` header; empty if there is none that can be read."""
    scheme, _, value = call.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return str(value.strip())
    if scheme.lower() == "basic":
        with contextlib.suppress(binascii.Error, UnicodeDecodeError):
            return base64.b64decode(value.strip(), validate=True).decode().partition(":")[0]
    return ""
