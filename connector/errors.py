"""Everything that can go wrong between a report at Stripe and a Parquet file, as one tree.

Branches follow what to do next: fix the configuration, fix the key, wait, look at the data, or look at the
disk.

    ReportingError
        ConfigurationError          refused before any network call
        NotReadyError               Stripe has no data for the interval yet
        BeforeDataError             Stripe's data begin later, so the interval never becomes ready
        OutsideLifeError            the window lies outside of its account's life, so it is not asked for
        APIError                    Stripe answered with an error
            InvalidRequestError     400, 404 and other 4xx: sending it again does not help
            AuthenticationError     401: no key, or a key that Stripe does not know
            PermissionDeniedError   403: the key lacks a permission
            UnknownAccountError     400, 403: the key may not, or no longer, act for the account: it is gone
            ConflictError           409: a request with the same idempotency key is in progress
            RateLimitError          429: too many requests
            ServerError             5xx: Stripe's side; the outcome is unknown
            UnexpectedAnswerError   a success that is not what the API promises (HTML, broken JSON)
        ConnectionFailedError       no response: DNS, reset, timeout, TLS
        UntrustedHostError          a URL or redirect leads where the key must not go
        RunMismatchError            a report run answers another request
        RunFailedError              every report run that was tried failed at Stripe
        RunPendingError             the report run is still pending after the wait timeout
        DownloadError               the file did not arrive as Stripe described it
        DataError                   the CSV does not match the request
            SchemaMismatchError     a column is missing
            CellError               a value does not fit its column
        InternalError               not foreseen: a defect of this package, or of what it stands on
        StoreError                  the dataset could not be read or written
            NoDataError             a partition that is to be read has no file
            OvertakenError          an answer to another request was published meanwhile
            DatasetMismatchError    the table holds data for a different report configuration
"""

from datetime import datetime
from typing import Self

from connector.text import visible


class ReportingError(Exception):
    """Base of every error this package raises on purpose. `str()` is for the user, fit to be shown."""

    #: Whether trying again, unchanged, may go well.
    passing: bool = False

    def __init__(self, message: str = "") -> None:
        super().__init__(visible(message, lines=True))


class ConfigurationError(ReportingError):
    """The request is invalid: unknown report, column, parameter, time zone, key of the wrong kind."""


class NotReadyError(ReportingError):
    """Stripe's data do not cover the interval.

    Attributes:
        available_start, available_end: the availability window, aware UTC; None where Stripe refused the
            interval without naming it.
        expected: when the data should be available, aware UTC; None where that is not known.
        bound: Stripe itself refused the interval, which ends exactly where its data do.
    """

    passing = True

    def __init__(
        self,
        message: str,
        *,
        available_start: datetime | None = None,
        available_end: datetime | None = None,
        expected: datetime | None = None,
        bound: bool = False,
    ) -> None:
        super().__init__(message)
        self.available_start = available_start
        self.available_end = available_end
        self.expected = expected
        self.bound = bound


class BeforeDataError(ReportingError):
    """The interval begins before Stripe's data do. It never can be had as a whole.

    Attributes:
        available_start: when the data begin, aware UTC.
        bound: Stripe itself refused the interval, which begins exactly where its data do.
    """

    def __init__(self, message: str, *, available_start: datetime, bound: bool = False) -> None:
        super().__init__(message)
        self.available_start = available_start
        self.bound = bound


class OutsideLifeError(ReportingError):
    """The window lies outside of the life of its account, so it is not asked for."""


class APIError(ReportingError):
    """Stripe answered with an error.

    Attributes:
        status: the HTTP status.
        code, param, type: from Stripe's error body, each None when absent.
        request_id: Stripe's `Request-Id`, the first thing its support asks for.
        replayed: a stored response (`Idempotent-Replayed`): repeating the request with the same key
            returns the same for a day.
        should_retry: the header `Stripe-Should-Retry`; None when absent.
        retry_after: the header `Retry-After`, in seconds; None when absent.
        limit: the header `Stripe-Rate-Limited-Reason`, which limit a 429 is about; None when absent.
        said: Stripe's own words, without the request they are about; None when there are none.

    Source: https://docs.stripe.com/api/errors, https://docs.stripe.com/error-low-level
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        param: str | None = None,
        type: str | None = None,
        request_id: str | None = None,
        replayed: bool = False,
        should_retry: bool | None = None,
        retry_after: float | None = None,
        limit: str | None = None,
        said: str | None = None,
    ) -> None:
        named = {"parameter": param, "request": request_id}
        trace = ", ".join(f"{what} {name}" for what, name in named.items() if name)
        super().__init__(f"{message} ({trace})" if trace else message)
        self.status = status
        self.code = code
        self.param = param
        self.type = type
        self.request_id = request_id
        self.replayed = replayed
        self.should_retry = should_retry
        self.retry_after = retry_after
        self.limit = limit
        self.said = said


class InvalidRequestError(APIError):
    """400, 404 and other 4xx: the request itself is wrong."""


class AuthenticationError(APIError):
    """401: no key, or a key that Stripe does not know."""


class PermissionDeniedError(APIError):
    """403: the key is known and lacks a permission."""


class UnknownAccountError(APIError):
    """400, 403: the key may not, or no longer, act for the account: it is gone. No permission is missing."""


class ConflictError(APIError):
    """409: another request with the same idempotency key is in progress."""

    passing = True


class RateLimitError(APIError):
    """429: too many requests; this one was not processed."""

    passing = True


class ServerError(APIError):
    """5xx: whether the request was carried out is unknown."""

    passing = True


class UnexpectedAnswerError(APIError):
    """A success status whose body is not what the API promises, such as a proxy's HTML page."""

    passing = True


class ConnectionFailedError(ReportingError):
    """No response arrived: name resolution, refused, reset, timeout, TLS."""

    passing = True


class UntrustedHostError(ReportingError):
    """A URL or a redirect leads to a host the API key must not be sent to."""


class RunMismatchError(ReportingError):
    """A report run answers another request than the partition's, such as one about other days."""


class InternalError(ReportingError):
    """An error that is not foreseen. It concerns the one partition it happened to; its cause is logged."""

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Another error as one of ours; it stays the cause."""
        made = cls(f"{type(error).__name__}: {error}")
        made.__cause__ = error
        return made


class RunFailedError(ReportingError):
    """Stripe reports the run as failed. The text is Stripe's.

    Attributes:
        run_id: the last report run that failed.
        attempts: how many report runs were created.
    """

    passing = True

    def __init__(self, message: str, *, run_id: str, attempts: int) -> None:
        super().__init__(message)
        self.run_id = run_id
        self.attempts = attempts


class RunPendingError(ReportingError):
    """The report run was still pending when the wait ended. It continues at Stripe.

    Attributes:
        run_id: the report run; None when Stripe had not accepted one yet.
    """

    passing = True

    def __init__(self, message: str, *, run_id: str | None) -> None:
        super().__init__(message)
        self.run_id = run_id


class DownloadError(ReportingError):
    """The result file did not arrive as Stripe described it: short, long, cut, changed, or not a CSV."""

    passing = True


class DataError(ReportingError):
    """The CSV arrived whole and does not match the request."""


class SchemaMismatchError(DataError):
    """A requested column is missing from the file, or the file has a column twice.

    Attributes:
        missing: names that were requested and not found.
    """

    def __init__(self, message: str, *, missing: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing


class CellError(DataError):
    """A value does not fit its column. Nothing is rounded or guessed.

    Attributes:
        column: Stripe's name of the column; None when the row itself is broken.
        row: 1 for the first row after the header; None when unknown.
    """

    def __init__(self, message: str, *, column: str | None, row: int | None) -> None:
        super().__init__(message)
        self.column = column
        self.row = row


class StoreError(ReportingError):
    """The dataset could not be read or written: disk full, permission, bucket gone."""


class OvertakenError(StoreError):
    """Another process has meanwhile published an answer to another request."""

    passing = True


class NoDataError(StoreError):
    """A partition that is to be read has no file."""


class DatasetMismatchError(StoreError):
    """The table holds data for a different report configuration; publishing would mix the two."""


_DEFAULT = "{again}: a report run that is in progress is reused."

#: By the kind of error; the first that fits holds.
_BY_KIND: tuple[tuple[type[ReportingError], str], ...] = (
    (RunPendingError, "{again} later: the report run is reused, or replaced once it has hung for too long."),
    (NotReadyError, "{again} when Stripe has the data."),
    (BeforeDataError, "Use smaller windows, or begin later."),
    (OutsideLifeError, "If the account did live then, correct its `start` or `until`, then {again_}."),
    (
        RunMismatchError,
        "Where a report run was named, {again_} without naming it; else give its id to Stripe's support.",
    ),
    (InternalError, "Report it with the report run's id; {again_} to try once more."),
    (RunFailedError, "{again}; if it keeps failing, send the report run's id to Stripe's support."),
    (
        DownloadError,
        "{again} to download the file again; if it keeps failing, send the report run's id to Stripe's "
        "support.",
    ),
    (DataError, "Compare the report run's file with the column named, and report the difference as a bug."),
    (AuthenticationError, "Set STRIPE_API_KEY to a valid restricted key."),
    (
        UnknownAccountError,
        "If that account left, end it where it is configured, with `until:` and its last day: files stored "
        "before remain, and are read. If it was connected again, {again_}.",
    ),
    (PermissionDeniedError, "Give the restricted key the permission that is named."),
    (
        ConnectionFailedError,
        "Check the network and, where it is set, STRIPE_API_BASE, then {again_}: a report run that is in "
        "progress is reused.",
    ),
    (
        UntrustedHostError,
        "Nothing was sent there. Check for a proxy that rewrites responses; if there is none, report it to "
        "Stripe's support.",
    ),
    (ConfigurationError, "Fix the configuration, then {again_}."),
    (InvalidRequestError, "Fix what Stripe refuses, then {again_}."),
    (OvertakenError, "{again}: what is published now is compared with what is configured."),
    (DatasetMismatchError, "Give the table another `name`, or change the configuration back, then {again_}."),
    (StoreError, "Fix the storage, then {again_}: the finished report run is reused."),
)


def advice(error: ReportingError, *, again: str) -> str:
    """What to do, in a sentence.

    Args:
        again: how the reader tries again, as in `Materialize it again`.
    """
    fitting = (text for kind, text in _BY_KIND if isinstance(error, kind))
    lower = f"{again[0].lower()}{again[1:]}"
    return next(fitting, _DEFAULT).format(again=again, again_=lower)
