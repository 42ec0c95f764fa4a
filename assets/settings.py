"""What the environment says: the one place of the Dagster side that reads it, and only when called.

    STRIPE_API_KEY         a restricted key; its value is never read here, runs resolve it by name
    STRIPE_API_BASE        another server than Stripe's, such as the simulator
    STRIPE_ACCOUNT         a connected account to act for
    STRIPE_REPORTS_ROOT    where the Parquet goes: a path, or a URL such as s3://bucket/prefix
    DAGSTER_HOME           where Dagster keeps its history

An empty variable is the same as an unset one.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from connector.api.credentials import STRIPE_API

API_KEY = "STRIPE_API_KEY"
API_BASE = "STRIPE_API_BASE"
ACCOUNT = "STRIPE_ACCOUNT"
ROOT = "STRIPE_REPORTS_ROOT"
DAGSTER_HOME = "DAGSTER_HOME"

DEFAULT_ROOT = "data"


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment as a value.

    Attributes:
        has_key: whether `STRIPE_API_KEY` is set; the key itself is not held.
        account: None for the key's own account.
        dagster_home: where Dagster keeps its history; None where the environment does not say.
    """

    has_key: bool
    api_base: str
    account: str | None
    root: str
    dagster_home: str | None

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Self:
        """From `environment`, by default the process's own."""
        given = os.environ if environment is None else environment
        return cls(
            has_key=bool(given.get(API_KEY)),
            api_base=given.get(API_BASE) or STRIPE_API,
            account=given.get(ACCOUNT) or None,
            root=given.get(ROOT) or DEFAULT_ROOT,
            dagster_home=given.get(DAGSTER_HOME) or None,
        )


def child_environment(added: Mapping[str, str]) -> dict[str, str]:
    """The process's own environment with `added` on top, for a process started from here."""
    return {**os.environ, **added}
