"""A probe as lines of JSON that a person can read, and hand to strangers: who is replaced, how is kept.

The first line says what was probed with, the next ones are the exchanges in order, the last the results. A
file's contents stand where they were read whole; of a part it is said only whether it was the same as there.

    {"type": "recording", "format": 1, "mode": "live", …}
    {"type": "exchange", "method": "GET", "path": "/v1/reporting/report_types", "status": 200, …}
    {"type": "result", "name": "date", "result": "held"}
"""

import contextlib
import json
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connector.api.client import StripeClient
from connector.api.models import API_VERSION
from connector.api.responses import json_object
from connector.doctor.probe.anonymous_csv import anonymous_csv
from connector.doctor.probe.anonymous_json import AnonymousJson, anonymous_headers
from connector.doctor.probe.assumptions import ProbeFinding
from connector.doctor.probe.pseudonyms import Pseudonyms, moment
from connector.doctor.probe.tape import Exchange, Tape
from connector.errors import ConfigurationError

FORMAT = 1

_CONTENTS = "/contents"


@dataclass(frozen=True, slots=True)
class _File:
    """A file that was read whole: its bytes, and what a recording has instead."""

    content: bytes
    size: int
    anonymous: bytes


@dataclass(slots=True)
class _Recording:
    """The lines of one recording; `files` are those read so far, by id."""

    client: StripeClient
    pseudonyms: Pseudonyms = field(default_factory=Pseudonyms)
    files: dict[str, _File] = field(default_factory=dict)

    def exchange(self, heard: Exchange) -> dict[str, Any]:
        """One exchange. Files are known by now."""
        json_ = AnonymousJson(self.pseudonyms, self._size)
        url = urlsplit(heard.url)
        line: dict[str, Any] = {
            "type": "exchange",
            "method": heard.method,
            "path": json_.path(url.path),
            "query": {json_.key(name): json_.query(name, value) for name, value in parse_qsl(url.query)},
            "part": heard.part,
            "asked": round(heard.asked, 3),
        }
        if heard.status is None:
            return line
        line |= {"answered": round(heard.answered or heard.asked, 3), "status": heard.status}
        line["headers"] = anonymous_headers(heard.headers, self.pseudonyms, json_)
        line["broken"] = not heard.ended and not heard.part
        return line | self._body(heard, url.path, json_)

    def _body(self, heard: Exchange, path: str, json_: AnonymousJson) -> dict[str, Any]:
        body = _unpacked(heard)
        if heard.status in {200, 206} and path.endswith(_CONTENTS):
            id = _file_of(path)
            file = self.files.get(id)
            if file and heard.part:
                first = _first(heard.headers) if heard.status == 206 else 0
                same = file.content.startswith(body, first)
                return {"part_of": self.pseudonyms.of(id), "same": same}
            if file:
                text = file.anonymous.decode("utf-8", "surrogateescape")
                return {"csv": text.splitlines(keepends=True)}
        payload = json_object(body)
        return {"json": None if payload is None else json_.value("", payload)}

    def _size(self, id: str, stated: int) -> int | None:
        """The size a file's object states, as wrong or right as it was; None for one that was not read."""
        file = self.files.get(id)
        return None if file is None else len(file.anonymous) + stated - file.size

    def read(self, heard: Exchange) -> None:
        """Know a file, if this is one read whole."""
        path = urlsplit(heard.url).path
        if heard.status != 200 or heard.part or not path.endswith(_CONTENTS):
            return
        content, id = _unpacked(heard), _file_of(path)
        whole = heard.ended and heard.size == len(heard.body)
        anonymous = anonymous_csv(content, self.pseudonyms, whole=whole)
        others = [each for each in self.files.values() if each.anonymous == anonymous]
        if any(each.content != content for each in others):
            # They differ in what is not recorded; that they differ is.
            anonymous = b"".join(anonymous.splitlines(keepends=True)[:-1])
        size = len(content) if "content-encoding" in heard.headers else heard.size
        self.files[id] = _File(content, size, anonymous)


def lines(
    tape: Tape, client: StripeClient, *, restricted: bool, connector: str, results: Iterable[ProbeFinding]
) -> Iterator[dict[str, Any]]:
    """The lines of a recording, as JSON objects.

    Args:
        tape: what was heard of `client`.
        restricted: its key is a restricted one.
        connector: the version of this package.
        results: the findings of the probe.
    """
    recording = _Recording(client)
    account = client.account and recording.pseudonyms.of(client.account)
    yield {
        "type": "recording",
        "format": FORMAT,
        "connector": connector,
        "api_version": API_VERSION,
        "mode": client.mode.value,
        "restricted": restricted,
        "account": account,
        "at": moment(tape.at),
    }
    for heard in tape.exchanges:
        recording.read(heard)
    for heard in tape.exchanges:
        yield recording.exchange(heard)
    for each in results:
        yield {"type": "result", "name": each.name, "result": each.result.value}


Write = Callable[[Iterable[Mapping[str, Any]]], None]


@contextlib.contextmanager
def recording_file(path: Path) -> Iterator[Write]:
    """What writes a recording: its owner alone reads it, and it is there whole or not at all.

    Whether the file can be written is found out before there is anything to write; until it is, what stood
    there stays.

    Raises ConfigurationError where it cannot be written, here or when it is.
    """
    if path.is_dir():
        raise ConfigurationError(f"cannot record into {path}: it is a directory; name a file in it")
    with _refusing(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        os.close(handle)
    unfinished = Path(name)

    def write(objects: Iterable[Mapping[str, Any]]) -> None:
        with _refusing(path):
            with unfinished.open("w", encoding="utf-8") as file:
                file.writelines(f"{json.dumps(each)}\n" for each in objects)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)

    try:
        yield write
    finally:
        unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"cannot record into {path}: {error.strerror or error}; name a file in a directory that is yours"
        ) from None


def _file_of(path: str) -> str:
    return path.removesuffix(_CONTENTS).rpartition("/")[2]


def _first(headers: Mapping[str, str]) -> int:
    """Where a part begins, as its `Content-Range` says; else at the beginning."""
    first = headers.get("content-range", "").removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdecimal() else 0


def _unpacked(heard: Exchange) -> bytes:
    if heard.headers.get("content-encoding", "identity") not in {"gzip", "x-gzip"}:
        return bytes(heard.body)
    with contextlib.suppress(zlib.error):
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(bytes(heard.body), 8 << 20)
    return b""
