"""How a bucket is reached: by which endpoint, in which region, with whose credentials.

Credentials come from each cloud's own chain, and what is not given here from the variables that each cloud's
own tools read:

    s3://      AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; a web identity, a role of the
               container or machine; a profile of ~/.aws (AWS_PROFILE) where boto3 is installed;
               AWS_REGION, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL
    gs://      GOOGLE_APPLICATION_CREDENTIALS, what `gcloud auth application-default login` left, an
               instance's service account
    abfs://    AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN; AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and
               AZURE_TENANT_ID; a federated token, a managed identity; AZURE_USE_AZURE_CLI=true
"""

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from connector.dataset.filesystem.refusals import explain
from connector.errors import ConfigurationError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

#: The variables that name the endpoint of each cloud, the first that is set counts.
_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
    "abfs": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}

#: The library's names for what `Access` says.
_ENDPOINT = {"s3": "aws_endpoint_url_s3", "gs": "base_url", "abfs": "endpoint"}

_CLOUDS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"} | dict.fromkeys(
    ("abfs", "abfss", "az", "azure", "adl"), "abfs"
)

#: Of these, one says whose credentials are meant; a profile is looked for where none does.
_OWN_CREDENTIALS = (
    *("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
)

#: How long a request may take, and how long one that failed is sent again: of all clouds, the search for
#: credentials asks two places at most.
_HURRIED = {"timeout": timedelta(seconds=3), "retry": timedelta(seconds=3)}
_PATIENT = {"timeout": timedelta(seconds=60), "retry": timedelta(seconds=60)}


@dataclass(frozen=True, slots=True)
class Access:
    """What of a bucket does not stand in its URL; what is left out comes from the environment.

    Attributes:
        endpoint: the URL of another server than the cloud's own: https, or http on this machine.
        region: of S3.
        anonymous: send no credentials. Enough to read what is public.
    """

    endpoint: str | None = None
    region: str | None = None
    anonymous: bool = False

    def __post_init__(self) -> None:
        """Raises ConfigurationError for an endpoint to which data would go unencrypted."""
        _allows_http(self.endpoint or "")


def connect(
    url: str,
    access: Access | None = None,
    *,
    hurried: bool = False,
    options: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> "ObjectStore":
    """The objects below a URL. Sends nothing.

    Args:
        url: `s3://bucket/prefix`, `gs://bucket/prefix` or `abfs://container@account.dfs.core.windows.net/…`,
            without credentials.
        hurried: give up after seconds, not after minutes: for the first request of all.
        options: what else the library is to know, by its names: credentials that were given.
        environment: by default the process's own.

    Raises ConfigurationError for a URL that names no bucket of a cloud, and for an endpoint of the
    environment to which data would go unencrypted.
    """
    from obstore.exceptions import BaseError  # noqa: PLC0415 - only buckets need it
    from obstore.store import AzureStore, GCSStore, S3Store  # noqa: PLC0415

    access, environment = access or Access(), os.environ if environment is None else environment
    scheme, _, rest = url.partition("://")
    cloud = _CLOUDS.get(scheme.lower())
    if cloud is None:
        raise ConfigurationError(
            f"{scheme}:// is not a kind of bucket; there are s3://bucket/prefix, gs://bucket/prefix and "
            "abfs://container@account.dfs.core.windows.net/prefix"
        )
    bucket, _, prefix = rest.partition("/")
    if not bucket:
        raise ConfigurationError(f"{url} names no bucket; an example is {scheme}://bucket/prefix")
    given: dict[str, Any] = {**(options or {})}
    session = _session(cloud, access, given, environment)
    if region := access.region or (session and session.region_name):
        given |= {"region": region} if cloud == "s3" else {}
    if access.endpoint:
        given[_ENDPOINT[cloud]] = access.endpoint
    if access.anonymous:
        given["skip_signature"] = True
    endpoint = access.endpoint or next(filter(None, map(environment.get, _ENDPOINTS[cloud])), "")
    limits = _HURRIED if hurried else _PATIENT
    common: dict[str, Any] = {
        "config": given,
        "client_options": {
            "allow_http": _allows_http(endpoint),
            "connect_timeout": timedelta(seconds=3),
            "timeout": limits["timeout"],
        },
        "retry_config": {"retry_timeout": limits["retry"]},
        **({"credential_provider": _provider(session)} if session else {}),
    }
    try:
        if cloud == "s3":
            return S3Store(bucket, prefix=prefix or None, **common)
        if cloud == "gs":
            return GCSStore(bucket, prefix=prefix or None, **common)
        return AzureStore.from_url(url, **common)
    except (BaseError, ValueError) as error:
        raise ConfigurationError(f"{url}: {explain(error)}") from None


def _allows_http(endpoint: str) -> bool:
    """Whether an endpoint may be spoken to unencrypted. Raises ConfigurationError for one that would be."""
    address = urlsplit(endpoint)
    if not endpoint or address.scheme == "https":
        return False
    if address.scheme != "http" or not address.hostname or "@" in address.netloc or address.query:
        raise ConfigurationError(
            "the endpoint of the bucket is not a URL such as https://s3.example.com, without credentials"
        )
    if not _is_this_machine(address.hostname):
        raise ConfigurationError(
            f"the endpoint of the bucket, http://{address.netloc}, is not encrypted: use https, or http on "
            "this machine only"
        )
    return True


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _session(cloud: str, access: Access, given: Mapping[str, str], environment: Mapping[str, str]) -> Any:
    """A profile of AWS, which the library itself does not read; None where none is meant."""
    if cloud != "s3" or access.anonymous or given or any(map(environment.get, _OWN_CREDENTIALS)):
        return None
    profile = environment.get("AWS_PROFILE")
    files = (Path("~/.aws/credentials").expanduser(), Path("~/.aws/config").expanduser())
    if not profile and not any(each.is_file() for each in files):
        return None
    if not importlib.util.find_spec("boto3"):
        if not profile:
            return None
        raise ConfigurationError(
            f"AWS_PROFILE is {profile}, and profiles are read by boto3, which is not installed: pip install "
            "boto3, or give the profile's credentials as variables, as `aws configure export-credentials "
            "--format env` prints them"
        )
    import boto3  # noqa: PLC0415 - half a second that few need
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    try:
        session = boto3.Session(profile_name=profile)
        return session if session.get_credentials() else None
    except BotoCoreError as error:
        raise ConfigurationError(f"the AWS profile cannot be used: {error}") from None


def _provider(session: Any) -> Any:
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415

    return Boto3CredentialProvider(session)
