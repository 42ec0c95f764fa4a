"""Whose runs and files: an account, in one mode."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Owner:
    """An account in live or in test mode. Runs, files and idempotency keys belong to one owner.

    Stripe's two modes have different data; here both have the same books, so that any key of an account can
    be tried.
    """

    account: str
    livemode: bool
