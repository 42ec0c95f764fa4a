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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

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
ENDPOINT = {"s3": "aws_endpoint_url_s3", "gs": "base_url", "abfs": "endpoint"}

#: The schemes of URLs.
CLOUDS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "abfs": "abfs", "abfss": "abfs", "az": "abfs"}

#: Of these, one says whose credentials are meant; a profile is looked for where none does.
_OWN_CREDENTIALS = (
    *("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
)

#: How long a later request is sent again, and how long nothing may come; an upload may go on for longer.
_PATIENCE = timedelta(seconds=60)
_LONGEST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Access:
    """What of a bucket does not stand in its URL; what is left out comes from the environment.

    Attributes:
        endpoint: the URL of another server than the cloud's own: https, or http on this machine.
        region: of S3.
        anonymous: send no credentials. Enough to read what is public.
        hurry: how long the first request may take, and how long it is sent again: the search for credentials
            is two such requests at most.
    """

    endpoint: str | None = None
    region: str | None = None
    anonymous: bool = False
    hurry: timedelta = timedelta(seconds=3)

    def __post_init__(self) -> None:
        """Raises ConfigurationError for an endpoint to which data would go unencrypted."""
        _allows_http(self.endpoint or "")


def connect(cloud: str, bucket: str, access: Access, given: Mapping[str, Any]) -> Any:
    """The objects of a bucket, as an `ObjectStore` of the library. Sends nothing.

    Its first request is given up after seconds, so that somebody who waits hears what is wrong; once there
    was an answer, a request is repeated for a minute.

    Args:
        cloud: `s3`, `gs` or `abfs`.
        given: what the URL says, by the library's names.

    Raises ConfigurationError for an endpoint to which data would go unencrypted, and for a profile that
    cannot be used; ValueError and the library's own errors for what it does not take.
    """
    from obstore.store import AzureStore, GCSStore, S3Store  # noqa: PLC0415 - only buckets need it

    config = dict(given)
    session = _session(cloud, access, given)
    if (region := access.region or (session and session.region_name)) and cloud == "s3":
        config["region"] = region
    if access.endpoint:
        config[ENDPOINT[cloud]] = access.endpoint
    if access.anonymous:
        config["skip_signature"] = True
    endpoint = config.get(ENDPOINT[cloud]) or next(filter(None, map(os.environ.get, _ENDPOINTS[cloud])), "")
    kind: Callable[..., ObjectStore] = {"s3": S3Store, "gs": GCSStore, "abfs": AzureStore}[cloud]
    provider = {"credential_provider": _provider(session)} if session else {}
    client = {"allow_http": _allows_http(endpoint), "connect_timeout": access.hurry}

    def make(retry: timedelta, **timeouts: timedelta) -> "ObjectStore":
        options, retrying = {**client, **timeouts}, {"retry_timeout": retry}
        return kind(bucket, config=config, client_options=options, retry_config=retrying, **provider)

    patient = make(_PATIENCE, read_timeout=_PATIENCE, timeout=_LONGEST)
    return FirstAnswer(make(access.hurry, timeout=access.hurry), patient)


class FirstAnswer:
    """A bucket through one client until it has answered, and through another one from then on."""

    def __init__(self, hurried: "ObjectStore", patient: "ObjectStore") -> None:
        self._hurried = hurried
        self._patient = patient
        self._answered = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._patient if self._answered else self._hurried, name)
        if self._answered or name == "list":  # which is not carried out yet when it returns
            return method

        def first(*arguments: Any, **named: Any) -> Any:
            from obstore.exceptions import GenericError  # noqa: PLC0415 - only buckets need it

            try:
                found = method(*arguments, **named)
            except GenericError:
                raise
            except Exception:
                self._answered = True
                raise
            self._answered = True
            return found

        return first


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


def _session(cloud: str, access: Access, given: Mapping[str, Any]) -> Any:
    """A profile of AWS, which the library itself does not read; None where none is meant."""
    if (
        cloud != "s3"
        or access.anonymous
        or "access_key_id" in given
        or any(map(os.environ.get, _OWN_CREDENTIALS))
    ):
        return None
    profile = os.environ.get("AWS_PROFILE")
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
