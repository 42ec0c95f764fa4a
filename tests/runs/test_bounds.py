"""Windows that touch the beginning or the end of Stripe's data, and data that begin in mid-day."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.api.models import ReportRequest, ReportType
from connector.errors import BeforeDataError, InvalidRequestError, NotReadyError
from connector.partitions import Interval, Partition, Windows, other_zone
from connector.runs.readiness import Bound, explain_refusal, not_ready, refused_bound, touches

#: Midnight in the account's zone, as Stripe's list gave it for every type.
FIRST = datetime(2026, 4, 30, 22, tzinfo=UTC)
LAST = datetime(2026, 6, 7, 12, tzinfo=UTC)
NOW = LAST + timedelta(hours=13)
AVAILABLE = ReportType(
    id="balance.summary.1",
    name="Balance summary",
    version=1,
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
