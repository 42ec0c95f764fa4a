"""Where a root is: a directory, or a URL such as `s3://bucket/prefix`, as it is used and as it is shown.

A URL may hold credentials: `s3://KEY:SECRET@bucket/prefix`, or `?client_secret=…`. What is shown has `…` in
their place, and so has what another program says of the URL.
"""

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from connector.dataset.filesystem.access import Access
from connector.errors import ConfigurationError

#: A path may hold `@` where nothing before it may be part of a password, and a query may not: where a
#: password is not escaped, no reader of URLs knows where it ends.
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<user>[^/?#@\s]*)@)?(?P<host>[^/?#@:\s]*)(?P<port>:\d+)?"
    r"(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?"
)

#: With one slash it would be a directory of that name, credentials and all.
_SLIP = re.compile(r"(s3|gs|gcs|abfss?|hdfs|viewfs|file|https?):", re.IGNORECASE)

#: Parameters of Arrow's URLs that are no secrets; an address may still hold some.
_HARMLESS = {
    *("region", "scheme", "endpoint_override", "allow_bucket_creation", "allow_bucket_deletion"),
    *("tls_ca_file_path", "tls_verify_certificates", "project_id", "retry_limit_seconds"),
    *("blob_storage_authority", "dfs_storage_authority", "enable_tls", "credential_kind", "tenant_id"),
}

#: Azure's own URLs have a container where others have a user.
_CONTAINER = re.compile(r"(abfss?|az)://[a-z0-9-]{3,63}@[a-z0-9]+\.(dfs|blob)\.core\.[a-z.]+")

#: Those that are. Any other name may be the rest of a secret with `&` in it.
_SECRET = {"client_id", "client_secret", "sas_token"}


@dataclass(frozen=True, slots=True)
class Place:
    """A directory or a URL. As text, it is what may be shown.

    Attributes:
        real: what is used: a path with `~` expanded, or the URL as it was given. Never shown.
        base: what may be shown of a directory, or of a URL up to its query.
        query: what may be shown of a URL's query, with its `?`.
        secrets: what must not be shown.
        access: how a bucket is reached, as far as its URL does not say it.
    """

    real: str = field(repr=False)
    base: str
    query: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    access: Access = field(default_factory=Access, compare=False)

    @classmethod
    def of(cls, place: "str | Path | Place", access: Access | None = None) -> "Place":
        """The place that a setting names.

        Args:
            access: how it is reached where it is a bucket.

        Raises ConfigurationError where nothing can be at such a place. The message shows nothing of a URL
        whose credentials cannot be found.
        """
        if isinstance(place, Place):
            return place if access is None else replace(place, access=access)
        given = str(place)
        if "\0" in given or any("\ud800" <= each <= "\udfff" for each in given):
            raise ConfigurationError(
                "the reports root is not UTF-8 text; rename the directory, or use another one"
            )
        if "://" in given:
            found = cls._of_url(given)
            return found if access is None else replace(found, access=access)
        if slip := _SLIP.match(given):
            raise ConfigurationError(
                f"the reports root begins with {slip[0]} and is not a URL; one has two slashes, as in "
                "s3://bucket/prefix"
            )
        # Where there is no such user, pathlib's raises.
        expanded = os.path.expanduser(given)  # noqa: PTH111
        return cls(expanded, expanded)

    @classmethod
    def _of_url(cls, url: str) -> Self:
        found = _URL.fullmatch(url)
        user, port, path, query = found.group("user", "port", "path", "query") if found else [None] * 4
        if not found or "@" in (query or "") or ((port or user is not None) and "@" in (path or "")):
            raise ConfigurationError(
                "the reports root is not a valid URL, and is not shown, as it may hold credentials; an "
                "example is s3://bucket/prefix. In a user or password / ? # @ : % and spaces are written as "
                "%2F %3F %23 %40 %3A %25 %20"
            )
        scheme, host = found["scheme"], found["host"]
        parameters = [each.partition("=") for each in (query or "?")[1:].split("&")]
        shown = [(name, value, _is_harmless(name, value)) for name, _, value in parameters]
        is_container = bool(_CONTAINER.fullmatch(f"{scheme.lower()}://{user}@{host}"))
        secrets = set() if is_container else {*(user or "").split(":", 1)}
        secrets |= {
            part for name, value, harmless in shown if not harmless for part in (name, value)
        } - _SECRET
        if secrets := {form for each in secrets - {""} for form in _forms(each)}:
            secrets.add(url)
        shown_user = "" if user is None else f"{user if is_container else '…'}@"
        base = f"{scheme}://{shown_user}{host}{port or ''}{path or ''}"
        said = "&".join(
            f"{name}={value}" if harmless else f"{name}=…" if name in _SECRET else "…"
            for name, value, harmless in shown
        )
        return cls(url, base, f"?{said}" if query else "", tuple(sorted(secrets, key=len, reverse=True)))

    def __str__(self) -> str:
        return f"{self.base}{self.query}"

    @property
    def is_remote(self) -> bool:
        """Whether it is not on this machine's disk."""
        return "://" in self.base and not self.base.lower().startswith("file://")

    def uri(self, relative: str) -> str:
        """Where something is below a URL, as it may be shown."""
        return f"{self.base.rstrip('/')}/{relative}{self.query}"

    def hide(self, text: str) -> str:
        """What another program says, without the secrets."""
        for secret in self.secrets:
            text = text.replace(secret, "…")
        return text


def _is_harmless(name: str, value: str) -> bool:
    return not (name or value) or (name in _HARMLESS and not set("@?=") & set(unquote(value)))


def _forms(secret: str) -> set[str]:
    """A secret as it stands in the URL, as the file system gets it, and as that may escape it again."""
    plain = {secret, unquote(secret), unquote_plus(secret)}
    return {*plain, *(form(each, safe="") for each in plain for form in (quote, quote_plus))}
