"""Google Cloud Storage on this machine, as far as a root in a bucket speaks with it: the XML API of objects.

Source: https://cloud.google.com/storage/docs/xml-api/reference-headers and …/xml-api/get-bucket-list. Of
what real ones do it lacks all that nobody here asks for: users, versions that are listed, uploads in parts.
"""

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

#: So many names are in one answer, for tests that list more; Google's have 1,000.
_PAGE = 7


@dataclass(frozen=True, slots=True)
class _Object:
    content: bytes
    generation: int
    attributes: dict[str, str]
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def tag(self) -> str:
        return f'"{hashlib.md5(b"%d" % self.generation, usedforsecurity=False).hexdigest()}"'


@dataclass(slots=True)
class GoogleStorage:
    """Buckets and their objects."""

    buckets: dict[str, dict[str, _Object]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    generation: int = 1_700_000_000_000_000


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    storage: GoogleStorage

    def log_message(self, *_given: Any) -> None:
        """Nothing is to be said."""

    def _serve(self) -> None:
        address = urlsplit(self.path)
        bucket, _, key = unquote(address.path).lstrip("/").partition("/")
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.storage.lock:
            objects = self.storage.buckets.get(bucket)
            if objects is None:
                self._refuse(404, "NoSuchBucket")
            elif not key:
                self._list(objects, {name: each[0] for name, each in parse_qs(address.query).items()})
            else:
                {"PUT": self._put, "DELETE": self._delete}.get(self.command, self._get)(objects, key, content)

    do_GET = do_HEAD = do_PUT = do_DELETE = _serve  # noqa: N815 - as the library has it

    def _put(self, objects: dict[str, _Object], key: str, content: bytes) -> None:
        wanted = self.headers.get("x-goog-if-generation-match")
        there = objects[key].generation if key in objects else 0
        if wanted is not None and int(wanted) != there:
            self._refuse(412, "PreconditionFailed")
            return
        self.storage.generation += 1
        attributes = {name: value for name, value in self.headers.items() if name.startswith("x-goog-meta-")}
        objects[key] = _Object(content, self.storage.generation, attributes)
        self._answer(200, b"", self._headers(objects[key]))

    def _delete(self, objects: dict[str, _Object], key: str, _content: bytes) -> None:
        if objects.pop(key, None) is None:
            self._refuse(404, "NoSuchKey")
        else:
            self._answer(204, b"", {})

    def _get(self, objects: dict[str, _Object], key: str, _content: bytes) -> None:
        found, wanted = objects.get(key), self.headers.get("If-Match")
        if found is None:
            self._refuse(404, "NoSuchKey")
        elif wanted is not None and wanted != found.tag:
            self._refuse(412, "PreconditionFailed")
        elif span := re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range") or ""):
            first, last = (int(each) if each else None for each in span.groups())
            size = len(found.content)
            start = max(size - (last or 0), 0) if first is None else first
            stop = size if first is None or last is None else min(last + 1, size)
            if start >= size:
                self._refuse(416, "InvalidRange")
                return
            part = {"Content-Range": f"bytes {start}-{stop - 1}/{size}"}
            self._answer(206, found.content[start:stop], self._headers(found) | part)
        else:
            self._answer(200, found.content, self._headers(found))

    def _list(self, objects: dict[str, _Object], asked: dict[str, str]) -> None:
        prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter")
        rows: dict[str, str] = {}
        for key in sorted(each for each in objects if each.startswith(prefix)):
            first, found, _ = key[len(prefix) :].partition(delimiter or "\0")
            each = objects[key]
            if found:
                common = f"{prefix}{first}{found}"
                rows[common] = f"<CommonPrefixes><Prefix>{escape(common)}</Prefix></CommonPrefixes>"
            else:
                rows[key] = (
                    f"<Contents><Key>{escape(key)}</Key><Generation>{each.generation}</Generation>"
                    f"<LastModified>{each.modified:%Y-%m-%dT%H:%M:%S.%fZ}</LastModified>"
                    f"<ETag>{escape(each.tag)}</ETag><Size>{len(each.content)}</Size></Contents>"
                )
        later = [name for name in rows if name > asked.get("continuation-token", "")]
        page = later[:_PAGE]
        more = [f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>"] if later != page else []
        said = "".join([*(rows[name] for name in page), *more])
        self._answer(200, f"<ListBucketResult>{said}</ListBucketResult>".encode(), {})

    def _headers(self, found: _Object) -> dict[str, str]:
        modified = f"{found.modified:%a, %d %b %Y %H:%M:%S GMT}"
        own = {"ETag": found.tag, "Last-Modified": modified, "x-goog-generation": str(found.generation)}
        return own | found.attributes

    def _refuse(self, status: int, code: str) -> None:
        said = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code></Error>"
        self._answer(status, said.encode(), {})

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextlib.contextmanager
def google_storage(*buckets: str) -> Iterator[str]:
    """A server with these buckets until the block ends; yields its endpoint."""
    storage = GoogleStorage({each: {} for each in buckets})
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"storage": storage}))
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def write_credentials(path: Path) -> Path:
    """The file of a service account that the library does not ask for a token with."""
    account = {"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
    path.write_text(json.dumps(account))
    return path
