"""A Stripe that answers from a recording of `doctor --probe --record`.

A request gets the next answer recorded for its like; one that nobody sent then gets none.
"""

import gzip
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from connector.api.credentials import Hosts
from tests.support.clock import ManualClock


class Replay:
    """One probe's exchanges. `handle` is for httpx.MockTransport; `clock` goes as time went then."""

    def __init__(self, recording: Path) -> None:
        lines = [json.loads(line) for line in recording.read_text("utf-8").splitlines()]
        self.about: dict[str, Any] = lines[0]
        self.exchanges = [each for each in lines if each["type"] == "exchange"]
        self.results = {each["name"]: each["result"] for each in lines if each["type"] == "result"}
        self.clock = ManualClock(datetime.fromisoformat(self.about["at"]))
        self._files = {_file(each): _csv(each) for each in self.exchanges if "csv" in each}
        self._left = list(self.exchanges)

    @property
    def key(self) -> str:
        """A key of the kind that was probed with."""
        kind = "rk" if self.about["restricted"] else "sk"
        return f"{kind}_{'live' if self.about['mode'] == 'live' else 'test'}_51Recognisable"

    @property
    def hosts(self) -> Hosts:
        """Where the recording says that answers come from."""
        return Hosts.of("http://localhost") if self.about["mode"] == "simulated" else Hosts.of()

    def handle(self, request: httpx.Request) -> httpx.Response:
        like = (request.method, request.url.path, "range" in request.headers)
        alike = [each for each in self._left if (each["method"], each["path"], each["part"]) == like]
        said = alike[0] if alike else {}
        self._left = [each for each in self._left if each is not said]
        if "status" not in said:
            raise httpx.ConnectError("there was no answer", request=request)
        self.clock.seconds = max(self.clock.seconds, said["answered"])
        headers, body = dict(said["headers"]), self._body(said, request)
        if headers.get("content-encoding") == "gzip":
            body = gzip.compress(body)
        if "content-range" in headers:
            size, first = len(self._files[_file(said)]), _first(request)
            span = headers["content-range"].replace("FIRST-LAST", f"{first}-{size - 1}")
            headers["content-range"] = span.replace("SIZE", str(size))
        if "content-length" in headers:
            headers["content-length"] = str(len(body))
        stream = _Body(body, broken=said["broken"])
        return httpx.Response(said["status"], headers=headers, stream=stream, request=request)

    def _body(self, said: dict[str, Any], request: httpx.Request) -> bytes:
        if "csv" in said:
            return _csv(said)
        if "part_of" not in said:
            return b"" if said["json"] is None else json.dumps(said["json"]).encode()
        whole = self._files[said["part_of"]]
        if said["status"] != 206:
            return whole
        part = whole[_first(request) :]
        return part if said["same"] else part.swapcase()


def _file(said: dict[str, Any]) -> str:
    return str(said["path"]).split("/")[-2]


def _csv(said: dict[str, Any]) -> bytes:
    return "".join(said["csv"]).encode("utf-8", "surrogateescape")


def _first(request: httpx.Request) -> int:
    return int(re.findall(r"\d+", request.headers["range"])[0])


class _Body(httpx.SyncByteStream):
    def __init__(self, content: bytes, *, broken: bool) -> None:
        self.content, self.broken = content, broken

    def __iter__(self) -> Iterator[bytes]:
        yield self.content
        if self.broken:
            raise httpx.ReadError("the answer broke off then")
