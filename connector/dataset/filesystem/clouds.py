"""A root from what names it: a directory, or the URL of a bucket, as object stores of three kinds write it.

    s3://[KEY:SECRET@]bucket/prefix[?region=…&endpoint_override=…&scheme=…]
    gs://bucket/prefix
    abfs://container@account.dfs.core.windows.net/prefix · abfs://[account[:KEY]@]container/prefix · az://…

What a URL does not say, `Place.access` says, or the environment and the cloud's own chain of credentials do.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from connector.dataset.filesystem.access import CLOUDS, ENDPOINT, connect
from connector.dataset.filesystem.directory import Directory
from connector.dataset.filesystem.place import Place
from connector.dataset.filesystem.refusals import explain
from connector.dataset.filesystem.root import Root
from connector.errors import ConfigurationError

_NO_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")

_AZURE_PARAMETERS = {
    "client_id": "client_id",
    "client_secret": "client_secret",
    "tenant_id": "tenant_id",
    "sas_token": "sas_key",
}


def open_root(place: str | Path | Place | Root) -> Root:
    """The root at a place.

    Raises ConfigurationError where nothing can be at such a place.
    """
    if isinstance(place, Root):
        return place
    found = Place.of(place)
    if "://" not in found.real:
        return Directory(found, found.real)
    if not found.is_remote:
        return Directory(found, unquote(urlsplit(found.real).path) or "/")
    return _bucket(found)


def _bucket(place: Place) -> Root:
    url = urlsplit(place.real)
    user, _, netloc = url.netloc.rpartition("@")
    name, _, password = user.partition(":")
    parameters = dict(parse_qsl(url.query, keep_blank_values=True))
    make = _MAKERS.get(url.scheme.lower())
    refusal: str | None = f"{url.scheme}:// is not known; there are {', '.join(f'{s}://' for s in _MAKERS)}"
    if make is not None:
        # Loaded where there is a bucket.
        from obstore.exceptions import BaseError  # noqa: PLC0415

        from connector.dataset.filesystem.bucket import Bucket  # noqa: PLC0415

        try:
            if _NO_ESCAPE.search(place.real):
                raise ValueError("a % in it is not followed by two digits; % itself is written as %25")
            given, base = make(
                unquote(name), unquote(password), netloc, _parts(unquote(url.path)), parameters
            )
            store = connect(CLOUDS[url.scheme.lower()], base.partition("/")[0], place.access, given)
            return Bucket(place, store, base)
        except (BaseError, ValueError, OSError, TypeError) as error:
            refusal = place.hide(explain(error))
    # Raised here, it does not carry the library's own error, which may quote the URL.
    raise ConfigurationError(f"reports root {place}: {refusal}")


def _parts(path: str) -> list[str]:
    parts = path.strip("/").split("/") if path.strip("/") else []
    if {"", ".", ".."} & set(parts):
        raise ValueError("a path in a bucket has no empty part, and neither . nor ..")
    return parts


def _only(parameters: Mapping[str, str], *known: str) -> None:
    """A name that is not known is not shown: it may be the rest of a secret with `&` in it."""
    if set(parameters) - set(known):
        raise ValueError(f"a parameter of the URL is not known; there are {', '.join(known)}")


def _endpoint(parameters: Mapping[str, str]) -> str | None:
    given = parameters.get("endpoint_override")
    return given if not given or "://" in given else f"{parameters.get('scheme', 'https')}://{given}"


def _said(options: Mapping[str, str | None]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value}


def _s3(
    name: str, password: str, host: str, parts: list[str], parameters: Mapping[str, str]
) -> tuple[dict[str, Any], str]:
    _only(parameters, "region", "endpoint_override", "scheme")
    if not host or ":" in host:
        raise ValueError("a bucket is missing, or has a port; an example is s3://bucket/prefix")
    options = {
        "access_key_id": name,
        "secret_access_key": password,
        "region": parameters.get("region"),
        ENDPOINT["s3"]: _endpoint(parameters),
    }
    return _said(options), "/".join([host, *parts])


def _gs(
    name: str, password: str, host: str, parts: list[str], parameters: Mapping[str, str]
) -> tuple[dict[str, Any], str]:
    _only(parameters, "endpoint_override", "scheme")
    options: dict[str, Any] = _said({ENDPOINT["gs"]: _endpoint(parameters)})
    if name == "anonymous":
        options["skip_signature"] = True
    elif name or password:
        raise ValueError("Google Cloud Storage has no user and password; use its own credentials")
    return options, "/".join([host, *parts])


def _azure(
    name: str, password: str, host: str, parts: list[str], parameters: Mapping[str, str]
) -> tuple[dict[str, Any], str]:
    _only(parameters, *_AZURE_PARAMETERS)
    account, container = name, host
    if "." in host and name:
        account, container = host.partition(".")[0], name
    elif "." in host:
        account, container, parts = host.partition(".")[0], parts[0] if parts else "", parts[1:]
    if not container:
        raise ValueError(
            "a container is missing; an example is abfs://container@account.dfs.core.windows.net"
        )
    identity = {"client_id", "client_secret", "tenant_id"}
    if identity & set(parameters) and not identity <= set(parameters):
        raise ValueError(f"{', '.join(sorted(identity))} go together")
    options = {theirs: parameters.get(ours) for ours, theirs in _AZURE_PARAMETERS.items()}
    options |= {"account_name": account, "account_key": password}
    return _said(options), "/".join([container, *parts])


_MAKERS: dict[str, Callable[..., tuple[dict[str, Any], str]]] = {
    **dict.fromkeys(("s3", "s3a"), _s3),
    **dict.fromkeys(("gs", "gcs"), _gs),
    **dict.fromkeys(("abfs", "abfss", "az"), _azure),
}
