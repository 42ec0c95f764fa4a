"""Everything that can go wrong between a report at Stripe and a Parquet file, as one tree.

Branches follow what the reader does next: mend the configuration, mend the key, wait, look at the data,
or look at the disk.

    ReportingError
        ConfigurationError          refused before any network call; mend what was asked
        NotReadyError               Stripe has no data for the interval yet; it says from when
        APIError                    Stripe answered, and the answer was no
            InvalidRequestError     400, 404 and their kin: sending it again does not help
            AuthenticationError     401: no key, or a key Stripe does not know
            PermissionDeniedError   403: the key lacks a permission
            ConflictError           409: the same idempotency key is in use this moment
            RateLimitError          429: slow down
            ServerError             5xx: Stripe's side; the outcome is unknown
            UnexpectedAnswerError   a success that is not what the API promises (HTML, broken JSON)
        ConnectionFailedError       no answer at all: DNS, reset, timeout, TLS
        UntrustedHostError          a URL or redirect leads where the key must not go
        RunFailedError              Stripe gave up on the report run, as often as we asked
        RunPendingError             the report run outlived our patience; it may still succeed
        DownloadError               the file did not arrive as Stripe described it
        DataError                   the CSV is not what was asked for
            SchemaMismatchError     a column is missing
            CellError               a value does not fit its column
        StoreError                  the dataset could not be read or written
            NoDataError             a partition that is to be read has no file
            DatasetMismatchError    the dataset holds something else; publishing would mix two things
"""

from datetime import datetime


class ReportingError(Exception):
    """Base of every error this package raises on purpose. `str()` is written for the user."""

    #: Whether trying again, unchanged, may go well.
    passing: bool = False


class ConfigurationError(ReportingError):
    """What was asked for cannot be: unknown report, column, parameter, zone, key of the wrong kind."""


class NotReadyError(ReportingError):
    """Stripe's data do not cover the interval.

    Attributes:
        available_start, available_end: the availability window, aware UTC; None when Stripe refused the
            interval without saying.
        expected: when the data should be there, aware UTC; None when they never will be (before the start).
    """

    passing = True

    def __init__(
        self,
        message: str,
        *,
        available_start: datetime | None = None,
        available_end: datetime | None = None,
        expected: datetime | None = None,
    ) -> None:
        super().__init__(message)
        self.available_start = available_start
        self.available_end = available_end
        self.expected = expected


class APIError(ReportingError):
    """Stripe answered with an error.

    Attributes:
        status: the HTTP status.
        code, param, type: Stripe's error body, each None when absent.
        request_id: Stripe's `Request-Id`, the first thing its support asks for.
        replayed: the answer came from Stripe's store of idempotent answers, so repeating it with the
            same key brings the same answer for a day.
        should_retry: Stripe's own word on it (`Stripe-Should-Retry`); None when it said nothing.
        retry_after: seconds Stripe asked us to wait; None when it did not.

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


class InvalidRequestError(APIError):
    """400, 404 and other 4xx: the request itself is at fault."""


class AuthenticationError(APIError):
    """401: Stripe does not know the key."""


class PermissionDeniedError(APIError):
    """403: the key is known and lacks a permission."""


class ConflictError(APIError):
    """409: another request with the same idempotency key is being processed."""

    passing = True


class RateLimitError(APIError):
    """429: Stripe did not process the request, and asks for fewer."""

    passing = True


class ServerError(APIError):
    """5xx: whether the request was carried out is unknown."""

    passing = True


class UnexpectedAnswerError(APIError):
    """A success status whose body is not what the API promises, such as a proxy's HTML page."""

    passing = True


class ConnectionFailedError(ReportingError):
    """No answer arrived: name resolution, refused, reset, timeout, TLS."""

    passing = True


class UntrustedHostError(ReportingError):
    """A URL or a redirect leads to a host the API key must not be sent to."""


class RunFailedError(ReportingError):
    """Stripe reported the run as failed. The text is Stripe's.

    Attributes:
        run_id: the last report run that failed.
        attempts: how many report runs were tried.
    """

    passing = True

    def __init__(self, message: str, *, run_id: str, attempts: int) -> None:
        super().__init__(message)
        self.run_id = run_id
        self.attempts = attempts


class RunPendingError(ReportingError):
    """The report run was still pending when the wait ended. It goes on at Stripe.

    Attributes:
        run_id: the report run to look for; None when Stripe had not accepted one yet.
    """

    passing = True

    def __init__(self, message: str, *, run_id: str | None) -> None:
        super().__init__(message)
        self.run_id = run_id


class DownloadError(ReportingError):
    """The result file did not arrive as Stripe described it: short, long, cut, changed, or not a CSV."""

    passing = True


class DataError(ReportingError):
    """The CSV arrived whole and is not what was asked for."""


class SchemaMismatchError(DataError):
    """A column that was asked for is missing from the file, or a column stands in it twice.

    Attributes:
        missing: names asked for and not found.
    """

    def __init__(self, message: str, *, missing: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing


class CellError(DataError):
    """A value does not fit its column. Nothing is ever rounded or guessed.

    Attributes:
        column: Stripe's name of the column; None when the row itself is broken.
        row: 1 for the first row after the header; None when it could not be told.
    """

    def __init__(self, message: str, *, column: str | None, row: int | None) -> None:
        super().__init__(message)
        self.column = column
        self.row = row


class StoreError(ReportingError):
    """The dataset could not be read or written: disk full, permission, bucket gone."""


class NoDataError(StoreError):
    """A partition that is to be read has no file."""


class DatasetMismatchError(StoreError):
    """The table holds data for a different report configuration; publishing would mix the two."""


_OTHERWISE = "{again}: a report run that is under way is adopted."


#: By the kind of error; the first that fits holds.
_BY_KIND: tuple[tuple[type[ReportingError], str], ...] = (
    (RunPendingError, "{again} once Stripe is done: the report run is adopted."),
    (NotReadyError, "{again} when Stripe has the data."),
    (RunFailedError, "{again}; if it keeps failing, give Stripe's support the report run's id."),
    (
        DownloadError,
        "{again}: the file is fetched anew. If it stays so, give Stripe's support the report run's id.",
    ),
    (DataError, "Look at the file of the report run, then report the column."),
    (AuthenticationError, "Set STRIPE_API_KEY to a valid restricted key."),
    (PermissionDeniedError, "Give the restricted key the permission that is named."),
    (
        UntrustedHostError,
        "Nothing was fetched from there. Unless a proxy of yours rewrites answers, tell Stripe's support.",
    ),
    (ConfigurationError, "Mend the configuration, then {again_}."),
    (InvalidRequestError, "Mend what Stripe refuses, then {again_}."),
    (DatasetMismatchError, "Change one of the two, then {again_}."),
    (StoreError, "Mend the storage, then {again_}: the report run is adopted, not made anew."),
)


def advice(error: ReportingError, *, again: str) -> str:
    """What to do.

    Args:
        again: how another attempt is made by whoever reads this, as `Materialize it again`.
    """
    fitting = (text for kind, text in _BY_KIND if isinstance(error, kind))
    lower = f"{again[0].lower()}{again[1:]}"
    return next(fitting, _OTHERWISE).format(again=again, again_=lower)
