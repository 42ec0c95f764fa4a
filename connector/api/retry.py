"""When to send a request again, as arithmetic: no clock, no network, no randomness of its own.

Stripe's own advice (`Stripe-Should-Retry`) comes first; then the kind of the error. Waits grow
exponentially with full jitter, so that many processes that failed together do not come back together.

Source: https://docs.stripe.com/error-low-level
"""

from dataclasses import dataclass

from connector.errors import (
    APIError,
    ConflictError,
    ConnectionFailedError,
    DownloadError,
    RateLimitError,
    ReportingError,
    ServerError,
    UnexpectedAnswerError,
)

_PASSING = (
    ConflictError,
    ConnectionFailedError,
    DownloadError,
    RateLimitError,
    ServerError,
    UnexpectedAnswerError,
)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long one request is tried, and how long a client may take. All times are seconds.

    Attributes:
        first: upper bound of the wait before the first retry; it doubles with every further one.
        longest: upper bound of any single wait we choose ourselves.
        give_up_after: no retry begins later than this after the first attempt.
        first_contact: the same, as long as the server has never answered; None for no such limit.
        client_lasts: nothing is waited for any more when so much time has passed since the client was made,
            neither an answer nor a retry; None for no such limit.
    """

    first: float = 0.5
    longest: float = 8.0
    give_up_after: float = 90.0
    first_contact: float | None = None
    client_lasts: float | None = None

    def wait_before(
        self,
        error: ReportingError,
        *,
        safe: bool,
        attempt: int,
        elapsed: float,
        draw: float,
        reached: bool = True,
    ) -> float | None:
        """Seconds to wait before attempt `attempt + 1`, or None to give up with `error`.

        Args:
            error: why the last attempt failed.
            safe: the request only reads, so that repeating it can do no harm.
            attempt: how many attempts were made, from 1.
            elapsed: seconds since the first attempt began.
            draw: a uniform random number from [0, 1).
            reached: whether the server has ever answered this client.
        """
        if not _may_pass(error, safe=safe):
            return None
        asked = error.retry_after if isinstance(error, APIError) else None
        chosen = draw * min(self.longest, self.first * 2 ** min(attempt - 1, 30))
        wait = max(chosen, asked or 0.0)
        limit = self.give_up_after
        if not reached and self.first_contact is not None:
            limit = min(limit, self.first_contact)
        return None if elapsed + wait > limit else wait


#: For a request that a person at a terminal, or a sensor's tick, is waiting for.
SHORT_RETRY = RetryPolicy(give_up_after=10.0, longest=4.0)

#: For work of hours that a person watches: an address where nobody listens is seen at once.
WATCHED_RETRY = RetryPolicy(first_contact=10.0)


def _may_pass(error: ReportingError, *, safe: bool) -> bool:
    if isinstance(error, APIError):
        if error.replayed:
            # Stripe stored this answer under our key: it will not change before the key is forgotten.
            return False
        if error.should_retry is not None and not (safe and isinstance(error, ServerError)):
            # On most 500s Stripe says no, because repeating a write would only replay the stored
            # failure. A read has nothing stored, so for reads this does not hold.
            return error.should_retry
    return isinstance(error, _PASSING)
