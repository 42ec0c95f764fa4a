"""The HTTP connections: timeouts, proxies and certificates, and why one gave no answer.

Proxies and certificates come from the environment, as other programs read them. What is wrong there is
refused with the name of the variable before anything is sent.

Source: https://www.python-httpx.org/environment_variables/
"""

import math
import ssl
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol
from urllib.request import getproxies

import httpx

from connector.api.body import reason_of, without_query
from connector.api.credentials import Hosts, KeyMask
from connector.api.deadline import heed_deadlines
from connector.errors import (
    ConfigurationError,
    ConnectionFailedError,
    ReportingError,
    UntrustedHostError,
)
from connector.text import visible

_HEARD = "heard"
_CERTIFICATES = "SSL_CERT_FILE, SSL_CERT_DIR or SSLKEYLOGFILE"


def build_http_client(hosts: Hosts) -> httpx.Client:
    """New connections to these hosts. Sends nothing.

    Raises ConfigurationError naming the environment variable that cannot be used.
    """
    try:
        client = httpx.Client(
            timeout=httpx.Timeout(80.0, connect=10.0),
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=32),
            # A proxy from the environment is for the world outside, not for a server on this machine.
            trust_env=not hosts.local,
            headers={"User-Agent": "dagster-stripe-reports"},
        )
        return heed_deadlines(client)
    except (ssl.SSLError, OSError) as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(
            f"{_CERTIFICATES} cannot be used ({reason}): set it to files that exist, or unset it"
        ) from None
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise ConfigurationError(_wrong_proxy(getproxies(), error)) from None


def _wrong_proxy(proxies: Mapping[str, str], error: Exception) -> str:
    """Which of the environment's proxies cannot be used, and why.

    Args:
        proxies: as Python reads them from the environment: `https` for `HTTPS_PROXY`, `no` for `NO_PROXY`.
        error: what came of them all.
    """
    for scheme, url in proxies.items():
        variable = f"{scheme.upper()}_PROXY"
        if scheme == "no":
            continue
        try:
            httpx.HTTPTransport(proxy=url if "://" in url else f"http://{url}").close()
        except ImportError:
            return (
                f"{variable} names a SOCKS proxy, which needs a further package: pip install 'httpx[socks]', "
                "or set it to an http:// proxy"
            )
        except (ValueError, httpx.InvalidURL) as reason:
            return f"{variable} is not the URL of a proxy ({reason}): expected http://host:port"
    return f"NO_PROXY cannot be read ({error}): expected names of hosts, with commas between them"


def timeout_within(client: httpx.Client, left: float) -> httpx.Timeout:
    """The client's timeouts, none of them longer than the seconds that are left."""
    if left == math.inf:
        return client.timeout
    limits = client.timeout.as_dict().items()
    return httpx.Timeout(**{name: left if limit is None else min(limit, left) for name, limit in limits})


def unanswered(request: httpx.Request, error: Exception, *, without_key: KeyMask) -> ReportingError:
    """What it means that sending a request ended with this error, without the key where it is quoted."""
    if reason := _unproven(error):
        return UntrustedHostError(
            f"{request.url.host} could not prove who it is ({reason}); nothing was sent there. "
            "Look at this machine's clock and certificates, and at what stands in between"
        )
    asked = f"{request.method} {without_query(request.url)}"
    waited = request.extensions["timeout"]["read"]
    if isinstance(error, httpx.ReadTimeout) and waited is not None:
        return ConnectionFailedError(f"{asked}: no answer within {waited:.0f} s")
    text = visible(without_key(reason_of(error).encode()).decode())
    return ConnectionFailedError(f"{asked}: {text}")


def _unproven(error: BaseException | None) -> str | None:
    """Why a certificate was not accepted; None where the trouble is another."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"TLS: {error.verify_message or error}"
        error = error.__cause__ or error.__context__
    return None


class Answer(Protocol):
    """Hears the answer to one request; see `Listener`."""

    def heads(self, status: int, headers: Sequence[tuple[str, str]]) -> None: ...

    def receives(self, chunk: bytes) -> None: ...

    def ends(self) -> None: ...


class Listener(Protocol):
    """Hears every request as it goes out, without its headers, which hold the key."""

    def asks(self, method: str, url: str, *, part: bool) -> Answer: ...


def let_hear(client: httpx.Client, listener: Listener) -> None:
    """From now on `listener` hears what the client sends, and all that comes back, packed as it comes."""

    def asks(request: httpx.Request) -> None:
        answer = listener.asks(request.method, str(request.url), part="range" in request.headers)
        request.extensions = {**request.extensions, _HEARD: answer}

    def answers(response: httpx.Response) -> None:
        answer: Answer = response.request.extensions[_HEARD]
        answer.heads(response.status_code, response.headers.multi_items())
        if isinstance(response.stream, httpx.SyncByteStream):
            response.stream = _Heard(response.stream, answer)

    client.event_hooks = {"request": [asks], "response": [answers]}


class _Heard(httpx.SyncByteStream):
    """A body that somebody else hears too."""

    def __init__(self, inner: httpx.SyncByteStream, answer: Answer) -> None:
        self._inner, self._answer = inner, answer

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._inner:
            self._answer.receives(chunk)
            yield chunk
        self._answer.ends()

    def close(self) -> None:
        self._inner.close()
