"""Windows that touch the beginning or the end of Stripe's data, and data that begin in mid-day."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.api.models import ReportRequest, ReportType
from connector.errors import BeforeDataError, InvalidRequestError, NotReadyError
from connector.partitions import Interval, Partition, Windows, other_zone
from connector.runs.readiness import (
    Bound,
    explain_refusal,
    not_ready,
    ready_by,
    refused_bound,
    refused_for_now,
    touches,
)

#: Midnight in the account's zone, as Stripe's list gave it for every type.
FIRST = datetime(2026, 4, 30, 22, tzinfo=UTC)
LAST = datetime(2026, 6, 7, 12, tzinfo=UTC)
NOW = LAST + timedelta(hours=13)
AVAILABLE = ReportType(
    id="balance.summary.1",
    name="Balance summary",
    data_available_start=FIRST,
    data_available_end=LAST,
    updated=LAST,
)


def refused(interval: Interval, message: str, param: str | None = None) -> NotReadyError | BeforeDataError:
    """What a 400 with this message means, for this interval."""
    moments = {
        "interval_start": int(interval.start.timestamp()),
        "interval_end": int(interval.end.timestamp()),
    }
    request = ReportRequest.of("balance.summary.1", moments)
    error = InvalidRequestError(message, status=400, param=param)
    return explain_refusal(error, Partition("k", interval), request, AVAILABLE, NOW)


@pytest.mark.parametrize(("unit", "key"), [("daily", "2026-04-30"), ("monthly", "2026-04-01")])
def test_the_day_and_the_month_around_the_beginning_name_the_zone_that_makes_days_whole(
    unit: str, key: str
) -> None:
    early = not_ready(Windows(unit).partition(key).interval, AVAILABLE, NOW)

    assert isinstance(early, BeforeDataError)
    assert (
        "22:00 UTC is midnight at UTC+02:00, probably that of the account: with a zone of that offset, such "
        "as `zone: Europe/Berlin`, days are whole from the first on." in str(early)
    )


def test_in_that_zone_the_first_day_is_inside_and_the_month_before_gets_no_advice_about_zones() -> None:
    day = Windows("daily", "Europe/Berlin").partition("2026-05-01").interval
    assert not_ready(day, AVAILABLE, NOW) is None
    assert touches(day, AVAILABLE, [Bound.START])

    month = Windows("monthly", "Europe/Berlin").partition("2026-04-01").interval
    inside = Interval(FIRST - timedelta(days=10), FIRST + timedelta(days=20))

    assert "zone" not in str(not_ready(month, AVAILABLE, NOW))
    assert "zone" not in str(not_ready(inside, AVAILABLE, NOW))


@given(hour=st.integers(0, 23), minute=st.sampled_from([0, 30, 45]), ahead=st.integers(1, 40 * 24))
def test_a_zone_that_is_named_makes_the_first_day_whole(hour: int, minute: int, ahead: int) -> None:
    """Whenever the data begin, and whichever window they begin within."""
    begins = datetime(2026, 4, 30, hour, minute, tzinfo=UTC)
    around = Interval(begins - timedelta(hours=ahead), begins + timedelta(hours=1))

    zone = other_zone(around, begins)

    days = Windows("daily", zone or "UTC")
    assert (zone is None) or days.first_from(begins) == begins


@pytest.mark.parametrize(
    ("message", "param"),
    [
        pytest.param(
            "The interval is outside of the available data.", "parameters[interval_start]", id="named"
        ),
        pytest.param("The interval is not ready yet.", "parameters[interval_]", id="which-end-is-not-said"),
    ],
)
def test_what_begins_exactly_with_the_data_and_is_refused_never_can_be_had(message: str, param: str) -> None:
    error = refused(Interval(FIRST, FIRST + timedelta(days=1)), message, param)

    assert isinstance(error, BeforeDataError)
    assert not error.passing
    assert refused_bound(error) is Bound.START
    assert "It begins exactly where Stripe's data do, at 2026-04-30 22:00 UTC" in str(error)


@pytest.mark.parametrize(
    ("message", "param"),
    [
        pytest.param(
            "The interval is outside of the available data.", "parameters[interval_end]", id="named"
        ),
        pytest.param("balance.summary.1 is only available through 2026-06-07 11:59:59 UTC", None, id="text"),
    ],
)
@pytest.mark.parametrize("start", [FIRST, FIRST + timedelta(days=1)], ids=["from-the-first", "later"])
def test_what_ends_exactly_with_the_data_and_is_refused_comes_later(
    message: str, param: str | None, start: datetime
) -> None:
    error = refused(Interval(start, LAST), message, param)

    assert isinstance(error, NotReadyError)
    assert refused_bound(error) is Bound.END
    assert error.expected == datetime(2026, 6, 8, 12, tzinfo=UTC)


def test_all_there_is_refused_without_a_reason_is_asked_for_again_when_the_data_have_advanced() -> None:
    error = refused(Interval(FIRST, LAST), "The interval is not ready yet.", "parameters[interval_]")

    assert refused_bound(error) is Bound.END


def test_a_window_within_the_bounds_that_is_refused_says_nothing_of_them() -> None:
    inside = Interval(FIRST + timedelta(days=1), FIRST + timedelta(days=2))

    for param in ("parameters[interval_start]", "parameters[interval_end]"):
        error = refused(inside, "Not yet.", param)
        assert isinstance(error, NotReadyError)
        assert refused_bound(error) is None


DAY = timedelta(days=1)
THERE = "Stripe has data for balance.summary.1 from 2026-04-30 22:00 to 2026-06-07 12:00 UTC"
SMALLER = "Use smaller windows from 2026-04-30 22:00 UTC on for what lies behind that"
BEFORE = f"begins before Stripe's data do, so it never can be had: {THERE}."


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        (Interval(FIRST - 2 * DAY, FIRST), f"{BEFORE} Begin at 2026-04-30 22:00 UTC"),
        (Interval(FIRST - 10 * DAY, FIRST + 20 * DAY), f"{BEFORE} {SMALLER}"),
        (
            Windows("daily").partition("2026-04-30").interval,
            f"{BEFORE} {SMALLER}. 22:00 UTC is midnight at UTC+02:00, probably that of the account: with a "
            "zone of that offset, such as `zone: Europe/Berlin`, days are whole from the first on. A table "
            "that has files keeps its zone; another one needs a `name`",
        ),
    ],
)
def test_what_can_be_had_of_a_window_that_begins_before_the_data_is_said(
    interval: Interval, said: str
) -> None:
    early = not_ready(interval, AVAILABLE, NOW)

    assert isinstance(early, BeforeDataError)
    assert str(early) == f"{interval} {said}"
    assert (early.available_start, early.bound) == (FIRST, False)


def test_a_window_that_ends_after_the_data_has_a_time_by_which_it_is_expected() -> None:
    late = Interval(LAST - DAY, LAST + timedelta(seconds=1))

    early = not_ready(late, AVAILABLE, NOW)

    assert isinstance(early, NotReadyError)
    assert str(early) == f"{late} is not ready: {THERE}; expected by 2026-06-08 12:00 UTC"
    assert (early.available_start, early.available_end, early.bound) == (FIRST, LAST, False)
    assert early.expected == datetime(2026, 6, 8, 12, tzinfo=UTC)


def test_the_bounds_themselves_are_within_and_what_has_no_interval_is_always_ready() -> None:
    assert not_ready(Interval(FIRST, LAST), AVAILABLE, NOW) is None
    assert not_ready(None, AVAILABLE, NOW) is None
    assert not touches(None, AVAILABLE, list(Bound))
    assert not touches(Interval(FIRST, LAST), AVAILABLE, [])
    assert not touches(Interval(FIRST + DAY, LAST - DAY), AVAILABLE, list(Bound))
    assert touches(Interval(FIRST + DAY, LAST), AVAILABLE, [Bound.END])
    assert not touches(Interval(FIRST + DAY, LAST), AVAILABLE, [Bound.START])


NEVER = (
    "It begins exactly where Stripe's data do, at 2026-04-30 22:00 UTC, which Stripe does not take. Begin "
    "with the next window; smaller ones leave out less"
)
LATER = (
    "It ends exactly where Stripe's data do, which Stripe does not take yet; expected by 2026-06-08 12:00 UTC"
)


@pytest.mark.parametrize(
    ("interval", "param", "said"),
    [
        (Interval(FIRST, FIRST + DAY), "interval_start", f"no (parameter interval_start). {NEVER}"),
        (Interval(FIRST, FIRST + DAY), None, f"no. {NEVER}"),
        (Interval(FIRST, LAST), "interval_start", f"no (parameter interval_start). {NEVER}"),
        (Interval(FIRST, LAST), None, f"no. {LATER}"),
        (Interval(FIRST, LAST), "interval_end", f"no (parameter interval_end). {LATER}"),
        (Interval(FIRST, FIRST + DAY), "interval_end", "no (parameter interval_end)"),
        (Interval(FIRST + DAY, FIRST + 2 * DAY), "interval_start", "no (parameter interval_start)"),
    ],
)
def test_what_it_means_that_stripe_refuses_a_window_is_said(
    interval: Interval, param: str | None, said: str
) -> None:
    error = refused(interval, "no", param)

    assert str(error) == f"Stripe has no data for {interval}: {said}"
    assert isinstance(error, BeforeDataError) is (NEVER in said)
    assert error.bound is (NEVER in said or LATER in said)
    assert error.available_start == (FIRST if error.bound else None)
    assert getattr(error, "available_end", None) == (LAST if LATER in said else None)


@pytest.mark.parametrize("available", [AVAILABLE, None])
def test_of_what_has_no_interval_or_no_known_bounds_stripes_refusal_alone_is_said(
    available: ReportType | None,
) -> None:
    error = InvalidRequestError("no", status=400)
    request = ReportRequest.of("balance.summary.1", {})
    interval = None if available else Interval(FIRST, FIRST + DAY)

    found = explain_refusal(error, Partition("po_1", interval), request, available, NOW)

    assert isinstance(found, NotReadyError)
    assert str(found) == f"Stripe has no data for {interval or 'po_1'}: no"


def test_an_ending_balance_has_no_beginning_that_could_be_refused() -> None:
    error = InvalidRequestError("no", status=400, param="interval_start")
    request = ReportRequest.of("balance.summary.1", {"interval_end": 1})
    day = Partition("k", Interval(FIRST, FIRST + DAY))

    assert isinstance(explain_refusal(error, day, request, AVAILABLE, NOW), NotReadyError)


@pytest.mark.parametrize(
    ("status", "param", "message", "passing"),
    [
        (400, "parameters[interval_end]", "no", True),
        (404, "parameters[interval_end]", "no", False),
        (400, None, "x is only available through 2026", True),
        (400, None, "not ready yet", False),
        (400, "parameters[payout]", "the payout is not ready YET", True),
        (400, "parameters[payout]", "no such payout", False),
        (400, "parameters[currency]", "not yet", False),
    ],
)
def test_a_refusal_passes_where_it_is_about_the_interval_or_a_payout_still_to_come(
    status: int, param: str | None, message: str, passing: bool
) -> None:
    assert refused_for_now(InvalidRequestError(message, status=status, param=param)) is passing


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 2, 12, tzinfo=UTC)),
        (datetime(2026, 6, 3, 0, tzinfo=UTC), datetime(2026, 6, 3, 0, tzinfo=UTC)),
        (datetime(2026, 6, 3, 0, 0, 1, tzinfo=UTC), datetime(2026, 6, 3, 12, tzinfo=UTC)),
        (datetime(2026, 6, 3, 12, 0, 1, tzinfo=UTC), datetime(2026, 6, 4, 0, tzinfo=UTC)),
    ],
)
def test_data_are_expected_by_the_next_noon_or_midnight_after_preparation(
    now: datetime, expected: datetime
) -> None:
    assert ready_by("balance.summary.1", datetime(2026, 6, 2, tzinfo=UTC), now) == expected
