"""Whether Stripe answers the key, in which API version, at what time, and what the key may do.

Permissions are tested by one request each. To read report runs and report types is documented to be enough
for creating them too; whether Stripe wants more is found by asking for a report run without a type, which it
refuses as invalid when the key may create one, and as forbidden when it may not; so nothing is created.

Source: https://docs.stripe.com/reports/v1-api
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
    UnknownAccountError,
)

#: A person waits for the result.
IMPATIENT = RetryPolicy(first=0.3, longest=1.0, give_up_after=2.5)

#: `Date` counts whole seconds, and a response takes a while.
_SKEW = 5.0
#: From here on object stores refuse signed requests, and TLS may refuse certificates.
_BAD_SKEW = 900.0

_GRANT = "In the Stripe dashboard, under Developers, API keys, give the key this permission: {0}."
_CREATE = "create report runs"
#: What each thing is called where keys are made.
_CALLED = {_CREATE: "write report runs and report types"}
_NO_FILE = ReportFile("file_0", datetime(2020, 1, 1, tzinfo=UTC), 0, "finance_report_run")

#: Statuses that only a key with the permission gets: for an empty request, and for an absent file.
_NOTHING: Set[int] = frozenset()
_EMPTY: Set[int] = frozenset({400})
_ABSENT: Set[int] = frozenset({404})


@dataclass(slots=True)
class ResponseLog:
    """The heads of all responses, in order, as a client's `observe`."""

    exchanges: list[ResponseHead] = field(default_factory=list)

    def __call__(self, exchange: ResponseHead) -> None:
        self.exchanges.append(exchange)


def examine_stripe(
    client: StripeClient, responses: ResponseLog, take: Callable[[Mapping[str, ReportType]], None]
) -> Iterator[Diagnosis]:
    """Test each thing that a pull needs. `take` gets the report types by id, if Stripe returns them."""
    refused: ReportingError | None = None
    try:
        take(client.report_types())
    except (PermissionDeniedError, UnknownAccountError) as error:
        refused = error
        yield _forbidden("read report types", error)
    except ReportingError as error:
        yield _unanswered(client, error)
        return
    yield fine("api", f"{client.hosts.api} answers")
    yield _clock(client, responses.exchanges[-1])
    yield _version(responses.exchanges[-1])
    if not refused:
        yield fine("permission", "read report types: yes")
    if not isinstance(refused, UnknownAccountError):  # else each would be refused for that
        yield from permissions(client)


def _unanswered(client: StripeClient, error: ReportingError) -> Diagnosis:
    if isinstance(error, AuthenticationError):
        return failure(
            "key",
            f"Stripe refuses it: {error}",
            "Set STRIPE_API_KEY to a key that is neither expired, rolled nor deleted.",
        )
    if isinstance(error, ConnectionFailedError):
        advice = f"Allow https to {client.hosts.api} and {client.hosts.files}: DNS, firewall, proxy."
        if client.hosts.local:
            advice = (
                "Start the server STRIPE_API_BASE names (`stripe-reports simulate`), or unset it for Stripe."
            )
        return failure("api", f"no response: {error}", advice)
    return failure(
        "api", f"{client.hosts.api}: {error}", "See status.stripe.com, and check proxies in between."
    )


def _clock(client: StripeClient, exchange: ResponseHead) -> Diagnosis:
    if "date" not in exchange.headers:
        return warning(
            "clock",
            "the response has no Date, so the clocks cannot be compared",
            "Check for a proxy that removes it; until then this machine's clock dates report runs.",
        )
    skew = (client.clock.now() - client.now()).total_seconds()
    if abs(skew) < _SKEW:
        return fine("clock", "agrees with Stripe's")
    found = f"this machine's is {abs(skew):,.0f} s {'ahead of' if skew > 0 else 'behind'} Stripe's"
    if abs(skew) >= _BAD_SKEW:
        return failure(
            "clock",
            found,
            "Set it by NTP: object stores and TLS refuse requests, and schedules run at wrong times.",
        )
    return warning("clock", found, "Set it by NTP: schedules and partitions depend on it.")


def _version(exchange: ResponseHead) -> Diagnosis:
    answered = exchange.headers.get("stripe-version")
    if answered == API_VERSION:
        return fine("version", f"Stripe answers in API version {API_VERSION}, as requested")
    if answered is None:
        return warning(
            "version",
            f"{API_VERSION} was requested; the response does not name its version",
            "If pulls fail because of unknown fields, upgrade this package.",
        )
    return warning(
        "version", f"{API_VERSION} was requested, and Stripe answers in {answered}", "Upgrade this package."
    )


# Permissions


def permissions(client: StripeClient) -> Iterator[Diagnosis]:
    """Whether the key has each permission that a pull needs; where it may not act for the account, that
    alone, once."""
    first = _tested("read report runs", lambda: client.report_runs(limit=1))
    yield first
    if first.subject == "account":
        return
    nothing, once = ReportRequest("", ()), f"doctor-{client.clock.now().timestamp()}"
    yield _tested(_CREATE, lambda: client.create_report_run(nothing, idempotency_key=once), _EMPTY)
    yield _files(client)


def _files(client: StripeClient) -> Diagnosis:
    """Tested with the newest report file; without one, with an absent file, where 404 means yes."""
    file, known = _NO_FILE, False
    try:
        for run in client.report_runs().data:
            if run.status is RunStatus.SUCCEEDED and run.result:
                file, known = run.result, True
                break
    except ReportingError:
        pass  # That report runs cannot be read is reported before.

    def read() -> None:
        with client.contents(file) as contents:
            next(contents.chunks, b"")

    found = _tested("read files", read, _NOTHING if known else _ABSENT)
    if found.advice is None and not known:
        return fine("permission", f"{found.found}, as far as it can be tested before the first report")
    return found


def _tested(what: str, ask: Callable[[], object], expected: Set[int] = _NOTHING) -> Diagnosis:
    """Whether the key may do it; a refusal with one of the `expected` statuses means that it may."""
    try:
        ask()
    except (PermissionDeniedError, UnknownAccountError) as error:
        return _forbidden(what, error)
    except InvalidRequestError as error:
        if error.status not in expected:
            return _inconclusive(what, error)
    except ReportingError as error:
        return _inconclusive(what, error)
    return fine("permission", f"{what}: yes")


def _forbidden(what: str, error: APIError) -> Diagnosis:
    if isinstance(error, UnknownAccountError):
        return failure(
            "account",
            f"{what}: {error}",
            "Set STRIPE_ACCOUNT to an account that is connected to the key's own.",
        )
    found = f"{what}: no. HTTP {error.status}: {error.said or error}"
    return failure("permission", found, _GRANT.format(_CALLED.get(what, what)))


def _inconclusive(what: str, error: ReportingError) -> Diagnosis:
    return warning(
        "permission", f"{what}: inconclusive. {error}", "Run this again; if it stays so, pull one day."
    )
