"""Where the API key may go: one API host, one host for files, and nowhere else.

Stripe serves the contents of files from a host of its own. A server that stands in for Stripe (the
simulator, a test double) usually serves both, so there the files come from the API's own origin.

Source: https://docs.stripe.com/file-upload
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from connector.api.models import Mode
from connector.errors import ConfigurationError, UntrustedHostError

STRIPE_API = "https://api.stripe.com"
STRIPE_FILES = "https://files.stripe.com"

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_PORTS = {"http": 80, "https": 443}
_ACCOUNT = re.compile(r"acct_[A-Za-z0-9]+")
_NOT_IN_KEYS = re.compile(r"\W", re.ASCII)
_MISTAKES = {"=": "an equals sign", '"': "a quote", "'": "a quote", " ": "a blank", "\n": "a line end"}
#: A shorter stretch of base64 may be anything.
_SHORT = 8
_KIND = re.compile(r"(?:sk|rk|pk)(?:_org)?_(?:live|test)_|sk_org_")


class ApiKey(str):
    """A key that is shown as its kind wherever values are shown rather than used.

    Debuggers, error reporters and tracebacks with local variables print the `repr` of what they meet.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return key_kind(self)


@dataclass(frozen=True, slots=True)
class Hosts:
    """The two origins the key is sent to, e.g. `https://api.stripe.com` and `https://files.stripe.com`."""

    api: str
    files: str

    @classmethod
    def of(cls, api: str = STRIPE_API, files: str | None = None) -> "Hosts":
        """Raises ConfigurationError for anything but https, or http on this machine."""
        api = _checked(api, "the API base (STRIPE_API_BASE)")
        if files is None:
            files = STRIPE_FILES if api == STRIPE_API else api
        return cls(api, _checked(files, "the base for files"))

    @property
    def local(self) -> bool:
        """Whether the API is served from this machine, and so is not Stripe's."""
        return urlsplit(self.api).hostname in _LOOPBACK

    def trusted(self, url: str) -> str:
        """`url` itself, when the key may be sent there.

        A path alone is one on the file host. A server that stands in for Stripe may name Stripe's own file
        host; there the path is taken and the host is ours.

        Raises UntrustedHostError for another host, another port, plain http to a remote host, or
        credentials in the URL.
        """
        if url.startswith("/") and not url.startswith("//"):
            return self.files + url
        parts = _split(url, "a URL in Stripe's answer")
        if parts.username or parts.password:
            raise UntrustedHostError(
                "Stripe's answer holds a URL with credentials in it; nothing was sent there"
            )
        origin = _origin(parts)
        if origin in (_origin(urlsplit(self.api)), _origin(urlsplit(self.files))):
            return url
        if origin == _origin(urlsplit(STRIPE_FILES)):
            return self.files + parts.path
        raise UntrustedHostError(
            f"asked to fetch from {parts.scheme}://{parts.hostname}, which is neither {self.api} nor "
            f"{self.files}; the API key was not sent there"
        )


def mode_of(api_key: str, hosts: Hosts) -> Mode:
    """Whose data a key reads: decided by its kind, or simulated where the API is on this machine.

    Raises ConfigurationError for a key that cannot read reports, without showing it.
    Source: https://docs.stripe.com/keys
    """
    if not api_key:
        raise ConfigurationError(
            "no Stripe API key: set STRIPE_API_KEY to a restricted key (rk_live_… or rk_test_…), or run "
            "`stripe-reports simulate` and point STRIPE_API_BASE at it"
        )
    if strange := _NOT_IN_KEYS.search(api_key):
        what = next((name for sign, name in _MISTAKES.items() if sign == strange[0]), "another character")
        raise ConfigurationError(
            f"the Stripe API key holds {what}, which no key has; give it as Stripe shows it"
        )
    if api_key.startswith("pk_"):
        raise ConfigurationError(
            "the Stripe API key is a publishable key (pk_…), which cannot read reports; "
            "set STRIPE_API_KEY to a restricted key (rk_live_… or rk_test_…)"
        )
    if "_org_" in key_kind(api_key):
        raise ConfigurationError(
            "the Stripe API key is an organisation key (sk_org_…), which the Reporting API v1 does not take; "
            "set STRIPE_API_KEY to a restricted key (rk_live_… or rk_test_…) of the account itself"
        )
    if hosts.local:
        return Mode.SIMULATED
    for mode in (Mode.LIVE, Mode.TEST):
        if f"_{mode}_" in api_key:
            return mode
    raise ConfigurationError(
        "the Stripe API key is of no known kind: expected sk_live_…, sk_test_…, rk_live_… or rk_test_…"
    )


def key_kind(api_key: str) -> str:
    """What may be shown of a key: its kind, never more (`rk_live_…`)."""
    kind = _KIND.match(api_key)
    return f"{kind[0]}…" if kind else "…"


def is_live(api_key: str) -> bool:
    """Whether it is written as live keys are, whichever host it is for."""
    return "_live_" in key_kind(api_key)


class KeyMask:
    """Takes a key out of what a server sends back, in every form in which servers echo what they were sent.

    These are the key itself, the key with any of its characters escaped as in URLs, JSON or HTML, and base64,
    alone or as part of something longer.
    """

    def __init__(self, api_key: str) -> None:
        self._shown = key_kind(api_key).encode()
        sent = api_key.encode()
        self._literal = [sent, *filter(lambda each: len(each) > _SHORT, map(_base64(sent), range(3)))]
        self._escaped = re.compile("".join(f"(?:{_escapes(sign)})" for sign in api_key).encode())

    def __repr__(self) -> str:
        return f"KeyMask({self._shown.decode()})"

    def __call__(self, received: bytes) -> bytes:
        """What was received, with the kind of the key in the place of the key."""
        for each in self._literal:
            received = received.replace(each, self._shown)
        if any(sign in received for sign in (b"\\", b"%", b"&#")):
            received = self._escaped.sub(self._shown, received)
        return received


def _base64(sent: bytes) -> Callable[[int], bytes]:
    """What base64 makes of it behind so many other bytes, without the signs that its neighbours decide."""

    def stretch(before: int) -> bytes:
        packed = base64.b64encode(bytes(before) + sent).rstrip(b"=")
        return packed[before and before + 1 : -1]

    return stretch


def _escapes(sign: str) -> str:
    code = f"(?i:{ord(sign):02x})"
    number = ord(sign)
    return f"{re.escape(sign)}|%{code}|\\\\+(?:u00|x){code}|&#0*{number};|&#[xX]0*{code};"


def is_account(text: str) -> bool:
    """Whether it is written as the ids of accounts are, e.g. `acct_1A2b3C`."""
    return _ACCOUNT.fullmatch(text) is not None


def shown_setting(value: str) -> str:
    """A setting that cannot be, as a message may quote it: not where it looks like a key."""
    return key_kind(value) if _KIND.match(value) else repr(value[:80])


def _checked(url: str, what: str) -> str:
    try:
        parts = _split(url if "://" in url else f"https://{url}", what)
        if "://" not in url and parts.hostname in _LOOPBACK:
            parts = parts._replace(scheme="http")  # as the simulator and other stand-ins serve it
    except UntrustedHostError as error:
        raise ConfigurationError(str(error)) from None
    if _KIND.match(parts.netloc):
        raise ConfigurationError(f"{what} is a key, not an address; it was not sent anywhere")
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not parts.hostname or not secure or "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigurationError(
            f"{what} {parts.scheme}://{parts.hostname or '?'}: expected https://host, or http:// on this "
            "machine, without a user, a query or a fragment"
        )
    return parts.geturl().rstrip("/")


def _split(url: str, what: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # a bad port is only noticed when it is asked for
    except ValueError as error:
        raise UntrustedHostError(f"{what} is not a URL: {error}") from None
    return parts


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    host = "localhost" if parts.hostname in _LOOPBACK else (parts.hostname or "")
    return parts.scheme, host, parts.port or _PORTS.get(parts.scheme, 0)
