"""When a request is sent again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.api.retry import SHORT_RETRY, WATCHED_RETRY, RetryPolicy
from connector.errors import (
    APIError,
    AuthenticationError,
    ConflictError,
    ConnectionFailedError,
    DownloadError,
    InvalidRequestError,
    RateLimitError,
    ReportingError,
    ServerError,
    UnexpectedAnswerError,
    UntrustedHostError,
)

POLICY = RetryPolicy(first=0.5, longest=8, give_up_after=90)


def wait(error: ReportingError, *, safe: bool = True, attempt: int = 1, elapsed: float = 0.0) -> float | None:
    return POLICY.wait_before(error, safe=safe, attempt=attempt, elapsed=elapsed, draw=0.5)


@pytest.mark.parametrize(
    ("error", "safe", "again"),
    [
        pytest.param(ConnectionFailedError("reset"), False, True, id="a-lost-answer"),
        pytest.param(ServerError("", status=503), False, True, id="503"),
        pytest.param(ServerError("", status=500), False, True, id="500-without-a-word"),
        pytest.param(
            ServerError("", status=500, should_retry=False), False, False, id="500-post-told-not-to"
        ),
        pytest.param(ServerError("", status=500, should_retry=False), True, True, id="500-read-told-not-to"),
        pytest.param(ServerError("", status=500, replayed=True), False, False, id="stored-500-never-changes"),
        pytest.param(ConflictError("", status=409), False, True, id="409-key-in-use"),
        pytest.param(RateLimitError("", status=429), True, True, id="429-without-a-word"),
        pytest.param(RateLimitError("", status=429, should_retry=False), True, False, id="429-told-not-to"),
        pytest.param(InvalidRequestError("", status=400), True, False, id="400"),
        pytest.param(InvalidRequestError("", status=400, should_retry=True), True, True, id="400-told-to"),
        pytest.param(AuthenticationError("", status=401), True, False, id="401"),
        pytest.param(UntrustedHostError("elsewhere"), True, False, id="a-foreign-host"),
        pytest.param(RateLimitError("", status=429, replayed=True), True, False, id="stored-429"),
        pytest.param(ServerError("", status=500, should_retry=True), False, True, id="500-post-told-to"),
        pytest.param(UnexpectedAnswerError("", status=200), True, True, id="an-odd-answer"),
        pytest.param(DownloadError("short"), True, True, id="a-short-file"),
    ],
)
def test_stripes_own_word_comes_first_then_the_kind_of_the_error(
    error: ReportingError, safe: bool, again: bool
) -> None:
    assert (wait(error, safe=safe) is not None) is again


def test_a_longer_wait_that_stripe_asks_for_is_honoured() -> None:
    assert wait(RateLimitError("", status=429, retry_after=30)) == 30


def test_a_policy_is_patient_for_a_minute_and_a_half_and_a_client_without_limit() -> None:
    assert RetryPolicy() == RetryPolicy(first=0.5, longest=8.0, give_up_after=90.0, client_lasts=None)
    assert RetryPolicy(first=0.5, longest=4.0, give_up_after=10.0, client_lasts=None) == SHORT_RETRY


def test_patience_is_bounded_in_time() -> None:
    assert wait(ServerError("", status=503), elapsed=89.75) == 0.25, "to the very end"
    assert wait(ServerError("", status=503), elapsed=89.9) is None
    assert wait(RateLimitError("", status=429, retry_after=3600)) is None


@pytest.mark.parametrize(("reached", "lasts"), [(False, 10.0), (True, 90.0)])
def test_who_watches_sees_soon_that_nobody_listens_and_is_patient_with_who_answered(
    reached: bool, lasts: float
) -> None:
    elapsed, attempt = 0.0, 0
    while wait := WATCHED_RETRY.wait_before(
        ConnectionFailedError("refused"),
        safe=True,
        attempt=(attempt := attempt + 1),
        elapsed=elapsed,
        draw=0.99,
        reached=reached,
    ):
        elapsed += wait

    assert lasts / 2 < elapsed <= lasts


def test_the_longest_wait_doubles_with_each_attempt() -> None:
    waits = [wait(ServerError("", status=503), attempt=attempt) for attempt in range(1, 7)]

    assert waits == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0]


@given(attempt=st.integers(1, 10_000), draw=st.floats(0, 1, exclude_max=True))
def test_waits_are_jittered_over_the_whole_range_and_never_exceed_the_longest(
    attempt: int, draw: float
) -> None:
    error: APIError = ServerError("", status=503)

    chosen = POLICY.wait_before(error, safe=True, attempt=attempt, elapsed=0, draw=draw)

    assert chosen == draw * min(8, 0.5 * 2 ** min(attempt - 1, 30))
