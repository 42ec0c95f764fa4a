"""Fetching a file whole: what counts is the length Stripe announced."""

import gzip
import hashlib
import itertools
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from connector.api.client import StripeClient
from connector.api.download import fetch
from connector.api.models import ReportFile, moment
from connector.api.retry import RetryPolicy
from connector.errors import (
    APIError,
    ConnectionFailedError,
    DownloadError,
    InvalidRequestError,
    StoreError,
    UntrustedHostError,
)
from tests.conftest import ClientFor
from tests.support.clock import ManualClock
from tests.support.files import CSV, FILE, FileHost, in_turn


@pytest.fixture
def host() -> FileHost:
    return FileHost()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "report.csv"


def got(client: StripeClient, target: Path) -> bytes:
    fetched = fetch(client, FILE, target, draw=lambda: 0.5)
    content = target.read_bytes()
    assert (fetched.size, fetched.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    return content


def test_a_file_arrives_as_it_is(host: FileHost, client_for: ClientFor, target: Path) -> None:
    assert got(client_for(host.handle), target) == CSV
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_broken_transfer_goes_on_where_it_broke_off(
    host: FileHost, client_for: ClientFor, target: Path
) -> None:
    host.cuts = [1000, 5000, 0]

    assert got(client_for(host.handle), target) == CSV
    assert host.seen == ["whole", "bytes=1000-", "bytes=6000-", "bytes=6000-"]


def test_without_a_version_tag_a_broken_transfer_begins_again(
    host: FileHost, client_for: ClientFor, target: Path
) -> None:
    """Nothing else could tell that both halves belong to the same file."""
    host.etag, host.cuts = None, [1000]

    assert got(client_for(host.handle), target) == CSV
    assert host.seen == ["whole", "whole"]


def test_a_weak_tag_is_no_version_tag(host: FileHost, client_for: ClientFor, target: Path) -> None:
    host.etag, host.cuts = 'W/"v1"', [1000]

    assert got(client_for(host.handle), target) == CSV
    assert host.seen == ["whole", "whole"]


def test_a_server_that_ignores_ranges_is_read_from_the_beginning(
    host: FileHost, client_for: ClientFor, target: Path
) -> None:
    host.ranges, host.cuts = False, [1000]

    assert got(client_for(host.handle), target) == CSV
    assert host.seen == ["whole", "bytes=1000-"]


def test_a_file_that_changed_in_between_is_taken_anew(
    host: FileHost, client_for: ClientFor, target: Path
) -> None:
    old, host.body = CSV, CSV.replace(b"1.00", b"2.00")
    before = FileHost(old)
    before.cuts = [1000]
    host.etag = '"v2"'

    client = client_for(in_turn(before, host))

    assert got(client, target) == host.body
    assert len(host.seen) == 1, "it was asked to go on with the old version alone, and sent the new one whole"


def test_a_short_body_whose_length_agrees_is_not_taken(client_for: ClientFor, target: Path) -> None:
    """A whole last row, an honest Content-Length: only Stripe's own number tells."""
    short = FileHost(CSV[: CSV.rindex(b'"row 50000"')])
    client = client_for(short.handle)

    with pytest.raises(DownloadError, match=f"Stripe announced {len(CSV):,}"):
        fetch(client, FILE, target, draw=lambda: 0.5)


def test_a_short_body_is_asked_for_again_and_taken_once_it_is_whole(
    host: FileHost, client_for: ClientFor, target: Path
) -> None:
    client = client_for(in_turn(FileHost(CSV[:500]), FileHost(CSV[:-1]), FileHost(CSV + b"x"), host))

    assert got(client, target) == CSV


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!DOCTYPE html><html>maintenance</html>", "text/html"),
        (b"\n <html>" + b"x" * (len(CSV) - 8), "text/csv"),
        (b'{"error":{}}', "application/json"),
    ],
)
def test_a_page_with_a_good_status_is_no_csv(
    client_for: ClientFor, target: Path, host: FileHost, body: bytes, kind: str
) -> None:
    page = httpx.Response(200, content=body, headers={"Content-Type": kind})
    answers = iter([page])

    def handle(request: httpx.Request) -> httpx.Response:
        return next(answers, None) or host.handle(request)

    assert got(client_for(handle), target) == CSV


def test_a_compressed_transfer_is_unpacked_and_measured_unpacked(client_for: ClientFor, target: Path) -> None:
    packed = gzip.compress(CSV)

    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=packed, headers={"Content-Encoding": "gzip"})

    assert got(client_for(handle), target) == CSV


def test_a_bomb_is_put_out_at_the_announced_length(client_for: ClientFor, target: Path) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    client = client_for(lambda _: httpx.Response(200, content=bomb, headers={"Content-Encoding": "gzip"}))

    with pytest.raises(DownloadError, match="goes on after"):
        fetch(client, FILE, target, retry=RetryPolicy(give_up_after=0), draw=lambda: 0.5)

    assert target.stat().st_size <= len(CSV)


def test_patience_counts_from_the_last_progress_not_from_the_beginning(
    host: FileHost, client_for: ClientFor, target: Path, clock: ManualClock
) -> None:
    """A large file over a bad line may break off a thousand times."""
    host.cuts = [2000] * 1000

    assert got(client_for(host.handle), target) == CSV
    assert clock.monotonic() > 100


def test_a_file_that_never_gets_further_is_given_up(client_for: ClientFor, target: Path) -> None:
    host = FileHost()
    host.cuts = [0] * 10_000

    with pytest.raises(Exception, match="broke off"):
        fetch(client_for(host.handle), FILE, target, draw=lambda: 0.5)

    assert len(host.seen) < 200


def test_a_file_that_is_gone_is_not_asked_for_again(client_for: ClientFor, target: Path) -> None:
    seen = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(404, json={"error": {"message": "No such file"}})

    with pytest.raises(InvalidRequestError, match="No such file"):
        fetch(client_for(handle), FILE, target)

    assert len(seen) == 1


class Links:
    """Serves a file at the newest of its links; what it answers at the others is `status`."""

    def __init__(self, host: FileHost, status: int, *, renewed: int, cut: int | None = None) -> None:
        self.host, self.status, self.renewed, self.asked = host, status, renewed, 0
        self.host.cuts = [] if cut is None else [cut]
        self.left = 0 if cut is None else 1

    @property
    def file(self) -> ReportFile:
        return replace(FILE, url=f"/v1/files/{FILE.id}/contents?link={self.asked}")

    def handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/contents"):
            if request.url.query.decode() == f"link={self.renewed}" or self.left:
                self.left = 0
                return self.host.handle(request)
            return httpx.Response(self.status, json={"error": {"message": "This link has expired"}})
        self.asked += 1
        file = {"id": FILE.id, "created": 1, "size": FILE.size, "purpose": FILE.purpose, "url": self.file.url}
        return httpx.Response(200, json=file)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
@pytest.mark.parametrize("cut", [None, 0, 9])
def test_a_link_that_has_expired_is_asked_for_once_more(
    host: FileHost, client_for: ClientFor, target: Path, status: int, cut: int | None
) -> None:
    links = Links(host, status, renewed=1, cut=cut)

    fetched = fetch(client_for(links.handle), links.file, target, draw=lambda: 0.5)

    assert target.read_bytes() == CSV
    assert fetched.sha256 == hashlib.sha256(CSV).hexdigest()
    assert links.asked == 1
    assert host.seen == {None: ["whole"], 0: ["whole", "whole"], 9: ["whole", "bytes=9-"]}[cut]


@pytest.mark.parametrize("renewed", [0, 2], ids=["that-is-the-same", "that-has-expired-too"])
@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_link_is_renewed_once(
    host: FileHost, client_for: ClientFor, target: Path, status: int, renewed: int
) -> None:
    links = Links(host, status, renewed=2)
    old = replace(links.file, url=f"/v1/files/{FILE.id}/contents?link={1 - bool(renewed)}")

    with pytest.raises(APIError, match="This link has expired") as raised:
        fetch(client_for(links.handle), old, target, draw=lambda: 0.5)

    assert raised.value.status == status
    assert links.asked == 1


def test_a_file_on_a_strange_host_is_not_fetched(client_for: ClientFor, target: Path) -> None:
    seen = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    strange = ReportFile("file_1", moment(1), 1, "finance_report_run", url="https://evil.example/x")

    with pytest.raises(UntrustedHostError, match=r"evil\.example"):
        fetch(client_for(handle), strange, target)

    assert not seen


def test_a_disk_that_refuses_is_named(host: FileHost, client_for: ClientFor, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        fetch(client_for(host.handle), FILE, tmp_path / "nowhere" / "report.csv")


def test_bytes_are_asked_for_as_they_are_stored(host: FileHost, client_for: ClientFor, target: Path) -> None:
    """Offsets and the announced size are those of the file, not of a compressed transfer."""
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["accept-encoding"])
        return host.handle(request)

    got(client_for(handle), target)

    assert seen == ["identity"]


class Dripping(httpx.SyncByteStream):
    """A line that never falls silent and never gets anywhere: a byte every ten seconds."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock

    def __iter__(self) -> Iterator[bytes]:
        for number in range(len(CSV)):
            self.clock.sleep(10)
            yield CSV[number : number + 1]


def test_a_file_that_comes_drop_by_drop_is_given_up(
    client_for: ClientFor, target: Path, clock: ManualClock
) -> None:
    transfers = []

    def handle(request: httpx.Request) -> httpx.Response:
        transfers.append(request)
        return httpx.Response(200, headers={"Content-Type": "text/csv"}, stream=Dripping(clock))

    with pytest.raises(ConnectionFailedError, match=r"too slowly: \d+ of [\d,]+ bytes"):
        fetch(client_for(handle), FILE, target, draw=lambda: 0.5)

    assert clock.monotonic() < 1200
    assert len(transfers) == 1


def test_a_file_that_has_become_shorter_is_fetched_from_its_beginning(
    host: FileHost, client_for: ClientFor, target: Path
) -> None:
    host.cuts = [1000]

    def handle(request: httpx.Request) -> httpx.Response:
        if request.headers.get("range"):
            host.seen.append("refused")
            return httpx.Response(416)
        return host.handle(request)

    assert got(client_for(handle), target) == CSV
    assert host.seen == ["whole", "refused", "whole"]


HASTY = RetryPolicy(give_up_after=0)


def sending(body: bytes, status: int = 200, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx.Response(status, headers=sent, stream=httpx.ByteStream(body))


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (sending(CSV[:1000]), "ended after 1,000 of the {size} bytes Stripe announced"),
        (sending(CSV + b"x"), "goes on after the {size} bytes Stripe announced"),
        (sending(CSV, content_length="7"), "comes with 7 bytes where Stripe announced {size}"),
        (sending(b"", 206, content_range="bytes 5-9/10"), "changed, or its server ignored where to go on"),
        (sending(b"", 416), "has no byte 0 any more"),
        (sending(b"x", content_type="text/html; charset=utf-8"), "is not a CSV but text/html"),
        (sending(b"x", content_type="application/json"), "is not a CSV but application/json"),
        (sending(b" {"), "is not a CSV but something else"),
        (sending(b"\n<", content_type="text/csv"), "is not a CSV but text/csv"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    client_for: ClientFor, target: Path, host: Callable[[httpx.Request], httpx.Response], said: str
) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch(client_for(host), FILE, target, retry=HASTY)

    assert str(caught.value) == f"file file_1 {said.format(size=f'{len(CSV):,}')}"


def test_what_a_transfer_took_is_counted(host: FileHost, client_for: ClientFor, target: Path) -> None:
    host.cuts = [1000, 5000]

    fetched = fetch(client_for(host.handle), FILE, target, draw=lambda: 0.5)

    assert (fetched.transfers, fetched.request_ids) == (3, ("req_1", "req_2", "req_3"))
    assert fetched.path == target


def test_pauses_double_where_a_file_gets_no_further_and_begin_again_where_it_does(
    host: FileHost, client_for: ClientFor, target: Path, clock: ManualClock
) -> None:
    host.cuts = [0, 0, 1000, 0]
    at: list[float] = []

    def handle(request: httpx.Request) -> httpx.Response:
        at.append(clock.monotonic())
        return host.handle(request)

    fetch(client_for(handle), FILE, target, draw=lambda: 0.5)

    pauses = [after - before for before, after in itertools.pairwise(at)]
    assert pauses == pytest.approx([0.25, 0.5, 0.25, 0.5], abs=0.001)


def test_a_transfer_that_breaks_after_the_last_byte_is_whole(
    host: FileHost, client_for: ClientFor, target: Path
) -> None:
    host.cuts = [len(CSV)]

    assert got(client_for(host.handle), target) == CSV
    assert host.seen == ["whole"]


@pytest.mark.parametrize(("size", "seconds"), [(1 << 20, 916.0), (64 << 10, 901.0)])
def test_a_file_may_take_a_quarter_of_an_hour_and_a_second_for_each_64_kib(
    client_for: ClientFor, target: Path, clock: ManualClock, size: int, seconds: float
) -> None:
    file = replace(FILE, size=size)

    class Drops(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(size):
                clock.sleep(1)
                yield b"x"

    with pytest.raises(ConnectionFailedError) as caught:
        fetch(client_for(lambda _: httpx.Response(200, stream=Drops())), file, target, retry=HASTY)

    assert clock.monotonic() == seconds + 1
    came = f"{int(seconds) + 1:,} of {size:,} bytes"
    assert str(caught.value) == f"file file_1 came too slowly: {came}, then we gave up"


def test_a_disk_that_refuses_says_how_much_is_needed(client_for: ClientFor, tmp_path: Path) -> None:
    target = tmp_path / "nowhere" / "report.csv"

    with pytest.raises(StoreError) as caught:
        fetch(client_for(FileHost().handle), FILE, target)

    assert str(caught.value) == (
        f"could not write {target}: No such file or directory; the report has {len(CSV):,} bytes"
    )
