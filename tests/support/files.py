"""A host of one report's file, which breaks off where a test needs it."""

from collections.abc import Callable, Iterator

import httpx

from connector.api.models import ReportFile, moment

CSV = b'"category","net_amount"\n' + b"".join(b'"row %d","1.00"\n' % n for n in range(100_000))
FILE = ReportFile(
    id="file_1",
    created=moment(1),
    size=len(CSV),
    purpose="finance_report_run",
    url="https://files.stripe.com/v1/files/file_1/contents",
)


class FileHost:
    """Serves one file; each number in `cuts` breaks one response off after so many bytes."""

    def __init__(self, body: bytes = CSV, *, etag: str | None = '"v1"', ranges: bool = True) -> None:
        self.body, self.etag, self.ranges = body, etag, ranges
        self.cuts: list[int] = []
        self.seen: list[str] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request.headers.get("range", "whole"))
        start = 0
        headers = {"Content-Type": "text/csv", "Request-Id": f"req_{len(self.seen)}"}
        if self.etag:
            headers["ETag"] = self.etag
        same = request.headers.get("if-range", self.etag) == self.etag
        if self.ranges and same and "range" in request.headers:
            start = int(request.headers["range"].removeprefix("bytes=").rstrip("-"))
            headers["Content-Range"] = f"bytes {start}-{len(self.body) - 1}/{len(self.body)}"
        body = self.body[start:]
        headers["Content-Length"] = str(len(body))
        stream = _Stream(body, self.cuts.pop(0) if self.cuts else None)
        return httpx.Response(206 if start else 200, headers=headers, stream=stream)


class _Stream(httpx.SyncByteStream):
    def __init__(self, body: bytes, cut: int | None) -> None:
        self.body, self.cut = body, cut

    def __iter__(self) -> Iterator[bytes]:
        yield self.body[: self.cut]
        if self.cut is not None:
            raise httpx.ReadError("connection reset by peer")


def in_turn(*hosts: FileHost) -> Callable[[httpx.Request], httpx.Response]:
    """Each host answers once; the last one from then on."""
    left = list(hosts)

    def handle(request: httpx.Request) -> httpx.Response:
        return (left.pop(0) if len(left) > 1 else left[0]).handle(request)

    return handle
