"""How a bucket is reached, and what is said where it cannot be."""

import base64
import contextlib
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import obstore
import pytest

from connector.dataset.filesystem.access import Access
from connector.dataset.filesystem.clouds import open_root
from connector.dataset.filesystem.place import Place
from connector.dataset.filesystem.root import Root
from connector.errors import ConfigurationError, StoreError
from tests.support.buckets import Bucket, new_bucket, open_to_all
from tests.support.gateway import DENIED, Refused, gateway
from tests.support.google_storage import write_credentials
from tests.support.raw_server import raw_server

SECRET = "RecognisableSecret00000"

#: A tenth of what people wait for a server that says nothing, and a third for one that is busy.
HURRY, BUSY_HURRY = timedelta(seconds=0.3), timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variables, no home with profiles, and nobody who knows of credentials."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@dataclass(frozen=True)
class Silent:
    """Takes connections, and never says anything."""

    listening: socket.socket

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.listening.getsockname()[1]}"

    def connections(self) -> int:
        """How many there were since this was asked last."""
        taken = 0
        self.listening.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.listening.accept()[0].close()
                taken += 1
        return taken


@pytest.fixture
def silent() -> Iterator[Silent]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield Silent(listening)


def set_all(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def root(url: str, access: Access | None = None) -> Root:
    return open_root(Place.of(url, access))


def put(url: str, access: Access | None = None) -> None:
    reached = root(url, access)
    reached.put(reached.path("x"), b"x", replacing=None)


def refusal(url: str, access: Access | None = None, hurry: timedelta | None = None) -> str:
    """What is said before anything is written."""
    access = access or Access()
    with pytest.raises(StoreError, match=r"could not write .*\.staging/rehearsal") as caught:
        root(url, replace(access, hurry=hurry or access.hurry)).rehearse()
    return str(caught.value)


def test_the_environment_leads_to_a_bucket(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, bucket.environment())

    put(bucket.url)

    assert bucket.objects() == ["reports/x"]


def test_what_is_given_leads_there_too(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, bucket.environment())
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    put(bucket.url, Access(bucket.endpoint, "us-east-1"))

    assert bucket.objects() == ["reports/x"]


def test_a_profile_of_aws_is_taken(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    access, secret = bucket.keys
    (tmp_path / ".aws").mkdir()
    said = f"[books]\naws_access_key_id = {access}\naws_secret_access_key = {secret}\nregion = us-east-1\n"
    (tmp_path / ".aws" / "credentials").write_text(said)
    monkeypatch.setenv("AWS_PROFILE", "books")

    put(bucket.url, Access(bucket.endpoint))

    assert bucket.objects() == ["reports/x"]


def test_a_profile_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "books")

    with pytest.raises(ConfigurationError, match=r"the AWS profile cannot be used: .*books"):
        root("s3://bucket")


@pytest.mark.parametrize("kind", ["s3://bucket", "gs://bucket", "abfs://c@account.dfs.core.windows.net"])
@pytest.mark.parametrize("endpoint", ["http://storage.example", "http://10.0.0.1:9000", "http://127.0.0.1.x"])
def test_data_go_unencrypted_to_this_machine_alone(kind: str, endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not encrypted"):
        root(kind, Access(endpoint))


def test_a_variable_does_not_allow_it_either(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"AWS_ALLOW_HTTP": "true", "AWS_ENDPOINT_URL": "http://storage.example"})

    with pytest.raises(ConfigurationError, match=r"http://storage\.example, is not encrypted"):
        root("s3://bucket")


@pytest.mark.parametrize(
    "endpoint",
    [f"http://me:{SECRET}@127.0.0.1", f"http://127.0.0.1/?key={SECRET}", f"ftp://{SECRET}", SECRET],
)
def test_an_endpoint_that_cannot_be_is_refused_and_not_shown(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a URL such as") as caught:
        root("s3://bucket", Access(endpoint))

    assert SECRET not in str(caught.value)


def test_an_account_that_is_missing_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"abfs://container/x: Account must be specified$"):
        root("abfs://container/x")


@pytest.mark.parametrize(
    ("url", "variables", "way"),
    [
        ("s3://bucket", {"AWS_METADATA_ENDPOINT": "http://{}"}, "set AWS_ACCESS_KEY_ID"),
        (
            "gs://bucket",
            {"GCE_METADATA_HOST": "{}", "GCE_METADATA_IP": "{}"},
            "set GOOGLE_APPLICATION_CREDENTIALS",
        ),
        (
            "abfs://container@account.dfs.core.windows.net",
            {"AZURE_MSI_ENDPOINT": "http://{}/metadata/identity"},
            "set AZURE_STORAGE_ACCOUNT_KEY",
        ),
    ],
)
def test_missing_credentials_are_told_within_fifteen_seconds(
    silent: Silent, monkeypatch: pytest.MonkeyPatch, url: str, variables: dict[str, str], way: str
) -> None:
    """Each connection takes as long as it may."""
    set_all(monkeypatch, {name: value.format(silent.address) for name, value in variables.items()})
    began = time.monotonic()

    said = refusal(url, hurry=HURRY)

    assert f"no credentials were found: {way}" in said
    assert timedelta() < silent.connections() * Access().hurry < timedelta(seconds=15)
    assert time.monotonic() - began < 15


def test_a_server_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": SECRET})

    said = refusal("s3://bucket", Access("http://127.0.0.1:1"), HURRY)

    assert "http://127.0.0.1:1 cannot be reached" in said


def test_a_wrong_bucket_is_said_to_be_one(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, bucket.environment())

    assert "there is no such bucket" in refusal("s3://another-bucket-than-that")


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (DENIED, "the credentials lack a permission (AccessDenied)"),
        (Refused(403, "InvalidAccessKeyId"), "the access key is unknown there (InvalidAccessKeyId)"),
        (Refused(301, "PermanentRedirect"), "the bucket is in another region: set AWS_REGION, or `region`"),
    ],
    ids=str,
)
def test_a_refusal_says_why(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, day: Refused, said: str) -> None:
    set_all(monkeypatch, bucket.environment())
    with gateway(bucket.endpoint) as between:
        between.add(day, times=None)

        assert said in refusal(bucket.url, Access(between.endpoint))


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of Google's and Azure's clouds; a server of ours does not look at them."""
    account = write_credentials(tmp_path / "account.json")
    key = base64.b64encode(SECRET.encode()).decode()
    set_all(
        monkeypatch,
        {"GOOGLE_SERVICE_ACCOUNT": str(account), "AZURE_STORAGE_ACCOUNT_KEY": key},
    )


GOOGLE, AZURE = "gs://bucket/x", "abfss://reports@account.dfs.core.windows.net/x"
LACKING, BUSY = "the credentials lack a permission", "the store is busy; try again later"


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    ("url", "status", "code", "said"),
    [
        (GOOGLE, 401, "AuthenticationRequired", "the credentials are missing, or not valid"),
        (GOOGLE, 403, "AccessDenied", LACKING),
        (GOOGLE, 403, "UserProjectMissing", LACKING),
        (GOOGLE, 404, "NoSuchBucket", "there is no such bucket"),
        (GOOGLE, 503, "ServiceUnavailable", BUSY),
        (AZURE, 401, "NoAuthenticationInformation", "the credentials are missing, or not valid"),
        (AZURE, 403, "AuthorizationPermissionMismatch", LACKING),
        (AZURE, 403, "AuthenticationFailed", "the key or token is not this account's, or has expired"),
        (AZURE, 404, "ContainerNotFound", "there is no such container"),
        (AZURE, 503, "ServerBusy", BUSY),
    ],
)
def test_other_clouds_say_why_they_refuse_within_fifteen_seconds(
    url: str, status: int, code: str, said: str
) -> None:
    body = f'<?xml version="1.0"?>\n<Error><Code>{code}</Code><Message>Some words.</Message></Error>'
    head = f"HTTP/1.1 {status} Refused\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    began = time.monotonic()

    with raw_server(lambda: [(head + body).encode()]) as endpoint:
        refused = refusal(url, Access(endpoint), BUSY_HURRY if said == BUSY else None)

    assert f": {said}" in refused
    assert "try again later" in refused or len(refused) < 220
    assert time.monotonic() - began < 15


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("url", [GOOGLE, AZURE])
def test_other_clouds_that_never_answer_are_told_within_fifteen_seconds(silent: Silent, url: str) -> None:
    began = time.monotonic()

    said = refusal(url, Access(f"http://{silent.address}"), HURRY)

    assert f"http://{silent.address} cannot be reached" in said
    assert timedelta() < silent.connections() * Access().hurry < timedelta(seconds=15)
    assert time.monotonic() - began < 15


@pytest.mark.long
def test_wrong_keys_are_told_apart(seaweed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket(seaweed, "bucket", ("nobody", SECRET))
    set_all(monkeypatch, bucket.environment())
    assert "InvalidAccessKeyId" in refusal(bucket.url)

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "writer")
    assert "SignatureDoesNotMatch" in refusal(bucket.url)


def test_what_is_public_is_read_without_credentials(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = new_bucket(moto)
    obstore.put(bucket.store(), "reports/x", b"x")
    open_to_all(bucket, "reports/x")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")

    reached = root(bucket.url, Access(bucket.endpoint, anonymous=True))
    found = reached.read(reached.path("x"))

    assert found
    assert found[0] == b"x"
