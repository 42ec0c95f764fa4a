"""Servers that speak S3 on this machine, and buckets on them."""

import contextlib
import json
import logging
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

_WRITER = ("writer", "secret-of-the-writer")
_READER = ("reader", "secret-of-the-reader")
_REGION = "us-east-1"

#: Longer than the server takes on a machine that does much else.
_UP_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, and whose keys it is reached with.

    Attributes:
        endpoint: where its server listens: an http URL of this machine.
        keys: the access key and its secret.
    """

    endpoint: str
    name: str
    keys: tuple[str, str] = field(default=_WRITER, repr=False)

    @property
    def url(self) -> str:
        """A root in the bucket, which says nothing of the endpoint or the keys."""
        return f"s3://{self.name}/reports"

    def environment(self) -> dict[str, str]:
        """The variables that lead a client to it."""
        access, secret = self.keys
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": _REGION,
            "AWS_ACCESS_KEY_ID": access,
            "AWS_SECRET_ACCESS_KEY": secret,
        }

    def store(self) -> S3Store:
        """The bucket as the library has it, to look at what others have left there."""
        access, secret = self.keys
        return S3Store(
            self.name,
            # Before what the environment says.
            config={"aws_endpoint_url_s3": self.endpoint},
            region=_REGION,
            access_key_id=access,
            secret_access_key=secret,
            client_options={"allow_http": True},
            retry_config={"max_retries": 0},
        )

    def at(self, endpoint: str) -> "Bucket":
        """The same, by another way."""
        return replace(self, endpoint=endpoint)

    def read_only(self) -> "Bucket":
        """The same with keys that may list and read. Only a server that knows its users refuses the rest."""
        return replace(self, keys=_READER)

    def objects(self) -> list[str]:
        """The keys of all objects, sorted."""
        return sorted(each["path"] for batch in obstore.list(self.store()) for each in batch)


def new_bucket(endpoint: str) -> Bucket:
    """An empty bucket of its own."""
    bucket = Bucket(endpoint, f"bucket-{uuid.uuid4().hex}")
    with contextlib.closing(_administration(bucket)) as client:
        client.create_bucket(Bucket=bucket.name)
    return bucket


def open_to_all(bucket: Bucket, key: str) -> None:
    """Let everybody read an object, without credentials."""
    with contextlib.closing(_administration(bucket)) as client:
        client.put_object_acl(Bucket=bucket.name, Key=key, ACL="public-read")


def _administration(bucket: Bucket) -> Any:
    import boto3  # noqa: PLC0415 - half a second that few tests need
    from botocore.config import Config  # noqa: PLC0415

    access, secret = bucket.keys
    return boto3.client(
        "s3",
        endpoint_url=bucket.endpoint,
        region_name=_REGION,
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}),
    )


@contextlib.contextmanager
def moto_server() -> Iterator[str]:
    """A server in threads of this process, up at once; yields its endpoint.

    It knows conditions, and no users: every key may do everything.
    """
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - half a second that few tests need

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextlib.contextmanager
def seaweed_server(directory: Path) -> Iterator[str]:
    """SeaweedFS as a process, up after some seconds; yields its endpoint.

    It checks signatures, and has two users: one who may write, and one who may read only.
    """
    master, volume, filer, s3 = (_free_ports(2) for _ in range(4))
    users = directory / "users.json"
    users.write_text(
        json.dumps({"identities": [_identity(*_WRITER, "Admin"), _identity(*_READER, "Read", "List")]})
    )
    ports = {"master": master, "volume": volume, "filer": filer, "s3": s3}
    command = [
        *(str(Path(sys.executable).with_name("weed")), "-logtostderr", "server", "-s3", f"-dir={directory}"),
        *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-s3.iam=false"),
        *("-master.volumeSizeLimitMB=64", "-volume.max=1000", "-master.electionTimeout=1s"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false", f"-s3.config={users}"),
        *(f"-{name}.port={http}" for name, (http, _) in ports.items()),
        *(f"-{name}.port.grpc={grpc}" for name, (_, grpc) in ports.items()),
        *(f"-{name}.localSocket={directory / name}.sock" for name in ("filer", "s3")),
    ]
    endpoint = f"http://127.0.0.1:{s3[0]}"
    with (
        (directory / "server.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as server,
    ):
        try:
            _wait_until_it_stores(endpoint, server)
            yield endpoint
        finally:
            server.kill()


def _wait_until_it_stores(endpoint: str, server: "subprocess.Popen[bytes]") -> None:
    """It listens after three seconds, and makes buckets three seconds before it takes their first object."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as for boto3

    deadline = time.monotonic() + _UP_WITHIN
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(BaseError, BotoCoreError, ClientError):
            obstore.put(new_bucket(endpoint).store(), "ready", b"")
            return
        time.sleep(0.1)
    raise RuntimeError(f"weed did not start within {_UP_WITHIN:.0f} s; its exit code is {server.poll()}")


def _identity(access: str, secret: str, *actions: str) -> dict[str, object]:
    return {
        "name": access,
        "credentials": [{"accessKey": access, "secretKey": secret}],
        "actions": actions,
    }


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    return _free_ports(1)[0]


def _free_ports(count: int) -> Sequence[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]
