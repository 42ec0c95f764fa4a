"""What Stripe says to the key: whether it answers, in which version, at what time, and what it allows.

Permissions are found out by asking for each thing once. Writing is tried with a report run of no type, which
Stripe refuses for its emptiness when the key may write, and for the key when it may not; so nothing is made.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime

from connector.api.client import StripeClient
from connector.api.models import API_VERSION, ReportFile, ReportRequest, ReportType, RunStatus
from connector.api.responses import ResponseHead
from connector.api.retry import RetryPolicy
from connector.doctor.diagnosis import Diagnosis, failure, fine, warning
from connector.errors import (
    APIError,
    AuthenticationError,
    ConnectionFailedError,
    InvalidRequestError,
    PermissionDeniedError,
    ReportingError,
)

#: Whoever asks how things stand does not want to wait.
IMPATIENT = RetryPolicy(first=0.3, longest=1.0, give_up_after=2.5)

#: `Date` counts whole seconds, and an answer takes a while.
_SKEW = 5.0
#: From here on object stores refuse signed requests, and TLS may refuse certificates.
_BAD_SKEW = 900.0

_RIGHTS = "In the dashboard, under Developers, API keys, give the key: {0}."
_NO_FILE = ReportFile("file_0", datetime(2020, 1, 1, tzinfo=UTC), 0, "finance_report_run")


#: Refusals that only a key meets that may do the thing: of an empty request, and of a file that is not there.
_NOTHING: Set[int] = frozenset()
_EMPTY: Set[int] = frozenset({400})
_ABSENT: Set[int] = frozenset({404})


@dataclass(slots=True)
class ResponseLog:
    """The heads of all answers, in order; what a client's `observe` is given."""

    exchanges: list[ResponseHead] = field(default_factory=list)

    def __call__(self, exchange: ResponseHead) -> None:
        self.exchanges.append(exchange)


def examine_stripe(
    client: StripeClient, heard: ResponseLog, take: Callable[[Mapping[str, ReportType]], None]
) -> Iterator[Diagnosis]:
    """Ask Stripe for each thing a pull needs. `take` is given the report types by id."""
    refused = False
    try:
        take(client.report_types())
    except PermissionDeniedError as error:
        refused = True
        yield _forbidden("read report types", error)
    except ReportingError as error:
        yield _unanswered(client, error)
        return
    yield fine("api", f"{client.hosts.api} answers")
    yield _clock(client, heard.exchanges[-1])
    yield _version(heard.exchanges[-1])
    if not refused:
        yield fine("permission", "read report types: yes")
    yield from permissions(client)


def _unanswered(client: StripeClient, error: ReportingError) -> Diagnosis:
    if isinstance(error, AuthenticationError):
        return failure(
            "key",
            f"Stripe refuses it: {error}",
            "Set STRIPE_API_KEY to a key that is not expired, rolled or deleted.",
        )
    if isinstance(error, ConnectionFailedError):
        advice = f"Let https to {client.hosts.api} and {client.hosts.files} through: DNS, firewall, proxy."
        if client.hosts.local:
            advice = "Start what STRIPE_API_BASE names (`stripe-reports simulate`), or unset it for Stripe."
        return failure("api", f"no answer: {error}", advice)
    return failure(
        "api", f"{client.hosts.api}: {error}", "Look at status.stripe.com, and at proxies in between."
    )


def _clock(client: StripeClient, exchange: ResponseHead) -> Diagnosis:
    if "date" not in exchange.headers:
        return warning(
            "clock",
            "the answer has no Date, so the clocks cannot be compared",
            "Look for a proxy that removes it; ages of report runs are measured by this machine's clock now.",
        )
    skew = (client.clock.now() - client.now()).total_seconds()
    if abs(skew) < _SKEW:
        return fine("clock", "agrees with Stripe's")
    found = f"this machine's is {abs(skew):,.0f} s {'ahead of' if skew > 0 else 'behind'} Stripe's"
    if abs(skew) >= _BAD_SKEW:
        return failure(
            "clock", found, "Set it by NTP: object stores and TLS refuse, and schedules act at wrong times."
        )
    return warning(
        "clock", found, "Set it by NTP. Pulls go by Stripe's clock, schedules and windows by this one."
    )


def _version(exchange: ResponseHead) -> Diagnosis:
    answered = exchange.headers.get("stripe-version")
    if answered == API_VERSION:
        return fine("version", f"Stripe answers in {API_VERSION}, as asked")
    if answered is None:
        return warning(
            "version",
            f"{API_VERSION} was asked for; the answer does not name its version",
            "Nothing, unless pulls complain of fields: then upgrade this package.",
        )
    return warning(
        "version",
        f"{API_VERSION} was asked for, and Stripe answers in {answered}",
        "Upgrade this package: it was written for the version it asks for.",
    )


# Permissions


def permissions(client: StripeClient) -> Iterator[Diagnosis]:
    """Whether the key may do each thing that a pull does."""
    yield _asked("read report runs", lambda: client.report_runs(limit=1))
    nothing, once = ReportRequest("", ()), f"doctor-{client.clock.now().timestamp()}"
    yield _asked("write report runs", lambda: client.create_report_run(nothing, idempotency_key=once), _EMPTY)
    yield _files(client)


def _files(client: StripeClient) -> Diagnosis:
    """By the contents of the newest file there is; else of one that is not, which only 404 can answer."""
    file, known = _NO_FILE, False
    try:
        for run in client.report_runs().data:
            if run.status is RunStatus.SUCCEEDED and run.result:
                file, known = run.result, True
                break
    except ReportingError:
        pass  # It is said above that report runs cannot be read.

    def read() -> None:
        with client.contents(file) as contents:
            next(contents.chunks, b"")

    said = _asked("read files", read, _NOTHING if known else _ABSENT)
    if said.advice is None and not known:
        return fine("permission", f"{said.found}, as far as can be told before there is a report's file")
    return said


def _asked(what: str, ask: Callable[[], object], expected: Set[int] = _NOTHING) -> Diagnosis:
    """Whether the key may do it; a refusal with one of the `expected` statuses says that it may."""
    try:
        ask()
    except PermissionDeniedError as error:
        return _forbidden(what, error)
    except InvalidRequestError as error:
        if error.status not in expected:
            return _untold(what, error)
    except ReportingError as error:
        return _untold(what, error)
    return fine("permission", f"{what}: yes")


def _forbidden(what: str, error: APIError) -> Diagnosis:
    if error.code == "account_invalid":
        return failure(
            "account", f"{what}: {error}", "Set STRIPE_ACCOUNT to an account connected to the key's own."
        )
    return failure("permission", f"{what}: no. {error}", _RIGHTS.format(what))


def _untold(what: str, error: ReportingError) -> Diagnosis:
    return warning(
        "permission", f"{what}: could not be told. {error}", "Run this again; if it stays, pull one day."
    )
