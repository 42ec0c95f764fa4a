"""How Stripe is reached and where its reports are stored, as one value read from the environment.

    STRIPE_API_KEY         a restricted key
    STRIPE_API_BASE        another server than Stripe's, such as the simulator
    STRIPE_ACCOUNT         a connected account to act for
    STRIPE_PROCESSES       how many processes use the key at once
    STRIPE_SHARE           how much of Stripe's rate limits they may take together: 0.5 leaves half to others
    STRIPE_REPORTS_ROOT    where the Parquet goes: a path, or a URL such as s3://bucket/prefix, which is
                           reached as the variables of its cloud say (`connector.dataset.filesystem.access`)
    DAGSTER_HOME           where Dagster keeps its history
    NO_COLOR               no colours on the terminal

An empty variable is the same as an unset one.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from connector.api.credentials import STRIPE_API, Hosts, mode_of, shown_setting
from connector.api.models import Mode
from connector.dataset.filesystem.access import Access
from connector.errors import ConfigurationError

if TYPE_CHECKING:
    from connector.api.client import StripeClient
    from connector.api.responses import ResponseHead
    from connector.api.retry import RetryPolicy
    from connector.dataset.filesystem.place import Place
    from connector.dataset.store import Store

API_KEY = "STRIPE_API_KEY"
API_BASE = "STRIPE_API_BASE"
ACCOUNT = "STRIPE_ACCOUNT"
PROCESSES = "STRIPE_PROCESSES"
SHARE = "STRIPE_SHARE"
ROOT = "STRIPE_REPORTS_ROOT"
DAGSTER_HOME = "DAGSTER_HOME"

NO_COLOR = "NO_COLOR"

DEFAULT_ROOT = "data"

_VARIABLE = re.compile(r"\{\{\s*env\.(\w+)\s*\}\}")

#: More than any machine starts; each would wait for hours between two calls.
_MOST_PROCESSES = 100_000


@dataclass(frozen=True, slots=True)
class Connection:
    """Settings as they were given, right or wrong: what cannot be is refused by the methods.

    Attributes:
        api_key: empty where none is set. Never shown.
        account: the connected account to act for; None for the key's own.
        root: a path or URL. Not shown: a URL may hold credentials.
        processes: how many processes use the key at once; the rate limit is divided by it.
        share: how much of the rate limit they may take together, above 0 and up to 1.
        access: how a bucket is reached, as far as the environment does not say it.
    """

    api_key: str = field(default="", repr=False)
    api_base: str = STRIPE_API
    account: str | None = None
    root: str = field(default=DEFAULT_ROOT, repr=False)
    processes: int | str = 1
    share: float | str = 1.0
    access: Access = field(default_factory=Access)

    @classmethod
    def from_environment(
        cls,
        *,
        account: str | None = None,
        root: str | None = None,
        processes: int | None = None,
        share: float | None = None,
        access: Access | None = None,
        key_variable: str = API_KEY,
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """The settings of the environment.

        Args:
            account, root, processes, share: instead of what the environment says; an empty account is the
                key's own.
            access: how a bucket is reached, where that does not come from the variables of its cloud.
            key_variable: the variable that holds the key.
            environment: by default the process's own.
        """
        given = os.environ if environment is None else environment
        return cls(
            api_key=given.get(key_variable, ""),
            api_base=given.get(API_BASE) or STRIPE_API,
            account=(given.get(ACCOUNT) if account is None else account) or None,
            root=root or given.get(ROOT) or DEFAULT_ROOT,
            processes=(given.get(PROCESSES) or 1) if processes is None else processes,
            share=(given.get(SHARE) or 1.0) if share is None else share,
            access=access or Access(),
        )

    def hosts(self) -> Hosts:
        """Where the key may be sent. Raises ConfigurationError."""
        return Hosts.of(self.api_base)

    def mode(self) -> Mode:
        """Whose data the key reads, without asking Stripe. Raises ConfigurationError."""
        return mode_of(self.api_key, self.hosts())

    def division(self) -> tuple[int, float]:
        """How many processes use the key at once, and how much of the rate limit they take together.

        Raises ConfigurationError for what cannot be.
        """
        try:
            processes = int(self.processes)
        except ValueError:
            processes = 0
        if not 1 <= processes <= _MOST_PROCESSES:
            raise ConfigurationError(
                f"{PROCESSES} is {shown_setting(str(self.processes))}: expected a whole number from 1 to "
                f"{_MOST_PROCESSES:,}, of the processes that use the key at once"
            )
        try:
            share = float(self.share)
        except ValueError:
            share = 0.0
        if not 0 < share <= 1:
            raise ConfigurationError(
                f"{SHARE} is {shown_setting(str(self.share))}: expected a number above 0 and up to 1, such "
                "as 0.5, of Stripe's rate limits"
            )
        return processes, share

    def client(
        self,
        *,
        retry: "RetryPolicy | None" = None,
        observe: "Callable[[ResponseHead], None] | None" = None,
    ) -> "StripeClient":
        """A new client, which the caller closes. Sends nothing until it is used.

        Args:
            retry: how patient each request is; the policy for report runs, unless given.
            observe: called with the head of every response.

        Raises ConfigurationError for a key that cannot read reports, for a base it must not be sent to, and
        for processes or a share that cannot be.
        """
        processes, share = self.division()
        from connector.api.client import StripeClient  # noqa: PLC0415 - it loads httpx

        return StripeClient(
            self.api_key,
            hosts=self.hosts(),
            account=self.account,
            processes=processes,
            share=share,
            retry=retry,
            observe=observe,
        )

    def place(self) -> "Place":
        """Where `root` is, and how it is reached. Raises ConfigurationError for a root that cannot exist."""
        from connector.dataset.filesystem.place import Place  # noqa: PLC0415 - not every command needs it

        return Place.of(self.root, self.access)

    def store(self) -> "Store":
        """The tables below `root`. Raises ConfigurationError for a root that cannot exist."""
        from connector.dataset.store import Store  # noqa: PLC0415 - it loads pyarrow

        return Store(self.place())


def filled_in(text: str, environment: Mapping[str, str] | None = None) -> str:
    """A text of a configuration file with its variables, as in `{{ env.ACCOUNTS }}`; empty for an unset one.

    Args:
        environment: by default the process's own.
    """
    given = os.environ if environment is None else environment
    return _VARIABLE.sub(lambda found: given.get(found[1], ""), text)


def variable_in(text: str) -> str | None:
    """The variable that a text of a configuration file names, if it is nothing else, as `{{ env.NAME }}`."""
    found = _VARIABLE.fullmatch(text.strip())
    return found[1] if found else None


def dagster_home() -> str | None:
    """The value of `DAGSTER_HOME`; None where it is unset or empty."""
    return os.environ.get(DAGSTER_HOME) or None


def child_environment(added: Mapping[str, str]) -> dict[str, str]:
    """The process's own environment with `added` on top, for a process started from here."""
    return {**os.environ, **added}


def wants_colors() -> bool:
    """Whether colours may be used where a terminal has them. Source: https://no-color.org"""
    return not os.environ.get(NO_COLOR)
