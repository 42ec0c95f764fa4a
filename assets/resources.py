"""The connection to Stripe and the place of the Parquet, as a Dagster resource."""

from typing import Any

import dagster as dg
from pydantic import Field, field_validator

from connector.api.client import StripeClient
from connector.api.credentials import STRIPE_API
from connector.api.models import Mode
from connector.api.retry import RetryPolicy
from connector.dataset.filesystem.access import Access
from connector.dataset.store import Store
from connector.settings import DEFAULT_ROOT, Connection


class StripeReporting(dg.ConfigurableResource):  # type: ignore[misc, type-arg, unused-ignore]
    """A Stripe account whose reports are pulled, and the root they are stored under.

    >>> StripeReporting(api_key=dg.EnvVar("STRIPE_API_KEY"))

    Give the key as an `EnvVar`: Dagster shows literal values in its UI, and the names of variables
    otherwise. No method prints it.
    """

    api_key: str = Field(
        repr=False,
        description="A restricted key that may read report runs, report types and files, as an EnvVar.",
    )
    api_base: str = Field(
        default=STRIPE_API, description="The API's address; https, or http on this machine."
    )
    account: str | None = Field(
        default=None, description="A connected account to act for (acct_…); none for the key's own."
    )
    root: str = Field(
        default=DEFAULT_ROOT,
        repr=False,
        description="Where the Parquet goes: a path, or a URL of a bucket. Give one with credentials as an "
        "EnvVar.",
    )
    endpoint: str | None = Field(
        default=None,
        description="Where the bucket's server is, if it is not the cloud's own: https, or http on this "
        "machine; else as the variables of the cloud say, such as AWS_ENDPOINT_URL.",
    )
    region: str | None = Field(
        default=None, description="The region of an S3 bucket; else as AWS_REGION says."
    )
    anonymous: bool = Field(
        default=False, description="Send no credentials to the bucket: enough to read what is public."
    )
    processes: int = Field(
        default=1,
        description="How many Dagster steps use the key at once; Stripe's rate limit is divided by it.",
    )
    share: float = Field(
        default=1.0,
        description="How much of Stripe's rate limit they take together: 0.5 leaves half to checkout and "
        "others.",
    )

    @field_validator("processes")
    @classmethod
    def _at_least_one(cls, processes: int) -> int:
        # Not a bound on the field: Dagster's components refuse a model with annotated types.
        if processes < 1:
            raise ValueError("at least one process uses the key")
        return processes

    @field_validator("share")
    @classmethod
    def _a_part(cls, share: float) -> float:
        if not 0 < share <= 1:
            raise ValueError("a share of the rate limit is above 0 and up to 1")
        return share

    def connection(self) -> Connection:
        """The same as a value of the connector's."""
        access = Access(self.endpoint, self.region, self.anonymous)
        return Connection(
            self.api_key, self.api_base, self.account, self.root, self.processes, self.share, access
        )

    def client(self, *, retry: RetryPolicy | None = None) -> StripeClient:
        """A new client, which the caller closes. It opens no connection until it is used.

        Args:
            retry: how often and how long each request is retried; as long as a run can wait, unless given.

        Raises ConfigurationError for a key that cannot read reports, or a base the key must not go to.
        """
        return self.connection().client(retry=retry)

    def store(self) -> Store:
        """The datasets below `root`. Raises ConfigurationError for a root that is not valid."""
        return self.connection().store()

    def mode(self) -> Mode:
        """The mode of the data, by the kind of key and the base; no request is sent."""
        return self.connection().mode()


def stripe_resource(resources: Any, key: str) -> StripeReporting:
    """The account whose resource has that key among those of a step, a tick or a check.

    Args:
        resources: the `resources` of Dagster's context.
    """
    stripe: StripeReporting = getattr(resources, key)
    return stripe
