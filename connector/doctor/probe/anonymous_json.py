"""Stripe's JSON and headers as a recording holds them.

Kept are the names of fields, truth values, times, and words of the API: types, states, codes, report types,
columns, zones. All else is replaced as `pseudonyms` says.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from connector.doctor.probe.pseudonyms import (
    Pseudonyms,
    column_name,
    is_moment,
    is_name,
    is_report_type,
    is_zone,
    number,
    text,
)

_WORD_KEYS = frozenset({"object", "status", "type", "purpose", "code", "currency", "reporting_category"})
_SEGMENTS = frozenset(
    {"", "v1", "reporting", "report_types", "report_runs", "files", "contents", "file_links"}
)
_HOSTS = ("api.stripe.com", "files.stripe.com", "localhost", "127.0.0.1", "::1")
_ELSEWHERE = "https://elsewhere.invalid"
_TIMES = re.compile(r"created(?:\[[gl]te?\])?|updated|\w+_(?:at|start|end)", re.ASCII)
_PARAM = re.compile(r"[a-z_]+(?:\[[a-z_]+\])*", re.ASCII)

_HTTP_DATE = r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"
#: The headers that matter, and what they may say; something else in one of them becomes `other`.
_HEADERS = {
    "date": _HTTP_DATE,
    "stripe-version": r"\d{4}-\d\d-\d\d(?:\.[a-z]{1,20})?",
    "idempotent-replayed": r"true|false",
    "stripe-should-retry": r"true|false",
    "stripe-rate-limited-reason": r"(?:global|endpoint)-(?:rate|concurrency)|resource-specific",
    "retry-after": rf"\d{{1,6}}|{_HTTP_DATE}",
    "content-type": r"(?:text|application)/(?:csv|html|json|plain|octet-stream)(?:; ?charset=(?i:utf)-8)?",
    "content-encoding": r"gzip|x-gzip|identity|br|zstd|deflate",
    "transfer-encoding": r"chunked",
    "accept-ranges": r"bytes|none",
}


def anonymous_headers(
    headers: Mapping[str, str], pseudonyms: Pseudonyms, json: "AnonymousJson"
) -> dict[str, str]:
    """The headers that matter. Names are in lower case. Lengths are given by what a recording holds."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        if allowed := _HEADERS.get(name):
            found[name] = value if re.fullmatch(allowed, value) else "other"
        elif name in {"request-id", "stripe-account"}:
            found[name] = pseudonyms.of(value)
        elif name == "etag":
            weak, tag = ("W/", value[2:]) if value.startswith("W/") else ("", value)
            found[name] = f'{weak}"{pseudonyms.of(tag)}"'
        elif name == "content-length":
            found[name] = "LENGTH"
        elif name == "content-range":
            found[name] = f"bytes FIRST-LAST/{'*' if value.endswith('*') else 'SIZE'}"
        elif name == "location":
            found[name] = json.url(value)
    return found


class AnonymousJson:
    """Values of JSON, by the names of their fields.

    Args:
        size: a file's size in the recording, by its id and the size stated; None for one that was not read.
    """

    def __init__(self, pseudonyms: Pseudonyms, size: Callable[[str, int], int | None]) -> None:
        self._pseudonyms = pseudonyms
        self._size = size

    def key(self, name: str) -> str:
        """The name of a field, or of a parameter of a query."""
        return name if _PARAM.fullmatch(name) else "key"

    def value(self, name: str, value: Any) -> Any:
        """What stands for the value of a field."""
        if isinstance(value, dict):
            # What stands in there was named by people.
            return {} if "metadata" in name else self._object(value)
        if isinstance(value, list):
            return [self.value(name, each) for each in value]
        if isinstance(value, str):
            return self._text(name, value)
        if value is None or isinstance(value, bool) or (name == "version" and abs(value) < 100):
            return value
        if isinstance(value, int) and _TIMES.fullmatch(name) and is_moment(value):
            return value
        return type(value)(number(f"{value:f}" if isinstance(value, float) else str(value)) or 0)

    def query(self, name: str, value: str) -> str:
        """A parameter of a request, which is ours."""
        if value.isdecimal() and (name == "limit" or (_TIMES.fullmatch(name) and is_moment(int(value)))):
            return value
        return self._text(name, value)

    def path(self, path: str) -> str:
        """A path without ids."""
        return "/".join(self._segment(each) for each in path.split("/"))

    def url(self, url: str) -> str:
        """An address without ids and without its query; a host that is not Stripe's is not named."""
        try:
            parts = urlsplit(url)
            host = parts.hostname
        except ValueError:
            return _ELSEWHERE
        if not parts.scheme and not host:
            return self.path(parts.path)
        if host not in _HOSTS:
            return _ELSEWHERE + self.path(parts.path)
        return (f"https://{host}" if host.endswith(".stripe.com") else "http://localhost") + self.path(
            parts.path
        )

    def _object(self, value: Mapping[str, Any]) -> dict[str, Any]:
        found = {self.key(name): self.value(name, each) for name, each in value.items()}
        id, size = value.get("id"), value.get("size")
        if isinstance(id, str) and isinstance(size, int) and value.get("object") == "file":
            known = self._size(id, size)
            found["size"] = found["size"] if known is None else known
        return found

    def _text(self, name: str, value: str) -> str:
        if name in {"columns", "default_columns"}:
            return column_name(value)
        if name in {"message", "error"}:
            return self._pseudonyms.message(value)
        if name == "url":
            return self.url(value)
        kept = (
            (name in _WORD_KEYS and is_name(value.replace(".", "_")))
            or (name == "param" and _PARAM.fullmatch(value))
            or (name in {"id", "report_type"} and is_report_type(value))
            or (name == "timezone" and is_zone(value))
        )
        if kept or not value:
            return value
        return self._pseudonyms.of(value) if name == "id" or self._pseudonyms.is_id(value) else text(value)

    def _segment(self, segment: str) -> str:
        if segment in _SEGMENTS or is_report_type(segment):
            return segment
        return self._pseudonyms.of(segment)
