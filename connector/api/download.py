"""Fetch a report's CSV whole: exactly the bytes Stripe announced, or an error.

Stripe states the length of every result file. That number, not the transfer's own end, decides whether a
file is whole: a body can be short and still agree with its `Content-Length`.

Source: https://docs.stripe.com/file-upload
"""

import contextlib
import hashlib
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from connector.api.client import StripeClient
from connector.api.models import ReportFile
from connector.api.responses import FileStream
from connector.api.retry import RetryPolicy
from connector.clock import Clock
from connector.errors import APIError, ConnectionFailedError, DownloadError, ReportingError, StoreError

_SNIFF = 512
#: How a server answers where a URL was good for a while only.
_EXPIRED = frozenset({401, 403, 404, 410})
#: A file may take this long, and a second more for each so many bytes: slower than that, it is a trap.
_LONGEST, _SLOWEST = 900.0, 64 << 10


@dataclass(frozen=True, slots=True)
class Download:
    """A CSV on disk, whole.

    Attributes:
        path: where it is; the caller's to remove.
        size: bytes, equal to what Stripe announced.
        sha256: of those bytes, hex.
        request_ids: Stripe's ids of the requests that brought them, oldest first.
        transfers: how many requests it took.
    """

    path: Path
    size: int
    sha256: str
    request_ids: tuple[str, ...]
    transfers: int


@dataclass(slots=True)
class _Transfer:
    """How far we are, after how many requests. `etag` is the version of the file that the bytes on disk are
    of."""

    sink: BinaryIO
    until: float
    clock: Clock
    offset: int = 0
    etag: str | None = None
    requests: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    request_ids: list[str] = field(default_factory=list)

    def restart(self) -> None:
        self.sink.seek(0)
        self.sink.truncate()
        self.offset, self.etag, self.digest = 0, None, hashlib.sha256()

    def write(self, chunk: bytes) -> None:
        self.sink.write(chunk)
        self.digest.update(chunk)
        self.offset += len(chunk)

    @property
    def overdue(self) -> bool:
        """Whether it takes longer than any honest line."""
        return self.clock.monotonic() > self.until


def fetch(
    client: StripeClient,
    file: ReportFile,
    path: Path,
    *,
    retry: RetryPolicy | None = None,
    draw: Callable[[], float] = random.random,
) -> Download:
    """Download `file` to `path`, going on where a transfer broke off if the server can tell versions apart.

    Raises:
        DownloadError: what arrives is never what Stripe announced: short, long, or not a CSV.
        StoreError: the disk refuses.
    """
    retry = retry or RetryPolicy()
    try:
        with open(path, "wb", opener=_private) as sink:
            until = client.clock.monotonic() + _LONGEST + file.size / _SLOWEST
            transfer = _Transfer(sink, until, client.clock)
            try:
                _until_whole(client, file, transfer, retry, draw)
            except APIError as error:
                again = _readdressed(client, file, error)
                _until_whole(client, again, transfer, retry, draw)
    except OSError as error:
        raise StoreError(
            f"could not write {path}: {error.strerror or error}; the report has {file.size:,} bytes"
        ) from None
    return Download(
        path, file.size, transfer.digest.hexdigest(), tuple(transfer.request_ids), transfer.requests
    )


def _readdressed(client: StripeClient, file: ReportFile, error: APIError) -> ReportFile:
    """The same file at the URL that it has by now, where the one it had is refused and may have expired.

    Raises `error` where it has no other one.
    """
    if error.status in _EXPIRED and client.may_expire(file):
        with contextlib.suppress(ReportingError):
            now = client.file(file.id)
            if now.url != file.url:
                return replace(file, url=now.url)
    raise error


def _private(path: str, flags: int) -> int:
    """Reports hold names and amounts: their owner alone reads the raw ones."""
    return os.open(path, flags, 0o600)


def _until_whole(
    client: StripeClient,
    file: ReportFile,
    transfer: _Transfer,
    retry: RetryPolicy,
    draw: Callable[[], float],
) -> None:
    """Receive the file. Time for retries counts from the last progress."""
    clock = client.clock
    furthest, since, failures = transfer.offset, clock.monotonic(), 0
    while True:
        transfer.requests += 1
        try:
            with client.contents(file, offset=transfer.offset, etag=transfer.etag) as contents:
                _receive(contents, file, transfer)
        except ReportingError as error:
            if transfer.offset == file.size and isinstance(error, ConnectionFailedError):
                # It broke after the last byte.
                return
            if transfer.offset > furthest:
                furthest, since, failures = transfer.offset, clock.monotonic(), 0
            failures += 1
            if isinstance(error, APIError) and error.status == 416:
                error = DownloadError(f"file {file.id} has no byte {transfer.offset:,} any more")
            if transfer.etag is None or isinstance(error, DownloadError):
                # Foreign, changed, or of unknown version: what is on disk cannot be continued.
                transfer.restart()
            elapsed = clock.monotonic() - since
            wait = retry.wait_before(error, safe=True, attempt=failures, elapsed=elapsed, draw=draw())
            if wait is None or transfer.overdue:
                raise error from None
            clock.sleep(wait)
        else:
            return


def _receive(contents: FileStream, file: ReportFile, transfer: _Transfer) -> None:
    if contents.request_id:
        transfer.request_ids.append(contents.request_id)
    if contents.first_byte != transfer.offset or (transfer.etag and contents.etag != transfer.etag):
        if contents.first_byte != 0:
            raise DownloadError(f"file {file.id} changed, or its server ignored where to go on")
        # The server sends it from the beginning: ranges ignored, or a new version.
        transfer.restart()
    _refuse_foreign(contents, b"", file)
    if contents.total is not None and contents.total != file.size:
        raise DownloadError(
            f"file {file.id} comes with {contents.total:,} bytes where Stripe announced {file.size:,}"
        )
    # A weak tag promises the same meaning, not the same bytes.
    strong = contents.etag if contents.etag and not contents.etag.startswith("W/") else None
    transfer.etag = strong if contents.resumable else None
    for chunk in contents.chunks:
        if transfer.offset == 0:
            _refuse_foreign(contents, chunk[:_SNIFF], file)
        if transfer.offset + len(chunk) > file.size:
            raise DownloadError(f"file {file.id} goes on after the {file.size:,} bytes Stripe announced")
        transfer.write(chunk)
        if transfer.overdue and transfer.offset < file.size:
            raise ConnectionFailedError(
                f"file {file.id} came too slowly: {transfer.offset:,} of {file.size:,} bytes, then we gave up"
            )
    if transfer.offset != file.size:
        raise DownloadError(
            f"file {file.id} ended after {transfer.offset:,} of the {file.size:,} bytes Stripe announced"
        )


def _refuse_foreign(contents: FileStream, start: bytes, file: ReportFile) -> None:
    """A page of a proxy, or an error in JSON, under a success status."""
    kind = contents.content_type.partition(";")[0].strip()
    if kind in {"text/html", "application/json"} or start.lstrip()[:1] in {b"<", b"{"}:
        raise DownloadError(f"file {file.id} is not a CSV but {kind or 'something else'}")
