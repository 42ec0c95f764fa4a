"""Stripe's JSON as values, and the canonical form of a request."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.api.json_fields import within_reason
from connector.api.models import ReportFile, ReportRequest, ReportRun, ReportType, RunStatus, epoch
from connector.errors import ConfigurationError
from connector.partitions import Interval

PARAMETERS = st.fixed_dictionaries(
    {"interval_start": st.integers(0, 2**40), "interval_end": st.integers(0, 2**40)},
    optional={
        "columns": st.lists(st.text("abc_[]", min_size=1), min_size=1),
        "timezone": st.sampled_from(["Asia/Tokyo", "America/New_York"]),
        "currency": st.sampled_from(["usd", "jpy"]),
    },
)


@given(PARAMETERS)
def test_a_request_reads_back_from_its_json(parameters: dict[str, Any]) -> None:
    request = ReportRequest.of("balance.summary.1", parameters)

    assert ReportRequest.of(**request.as_json()) == request


@given(PARAMETERS, st.randoms())
def test_order_defaults_and_empty_values_do_not_make_another_request(
    parameters: dict[str, Any], shuffle: Any
) -> None:
    names = list(parameters)
    shuffle.shuffle(names)
    echoed = {name: parameters[name] for name in names}
    echoed |= {"interval_start": str(echoed["interval_start"]), "connected_account": None, "payout": ""}
    echoed.setdefault("timezone", "Etc/UTC")

    assert ReportRequest.of("t", echoed) == ReportRequest.of("t", parameters)
    assert ReportRequest.of("t", echoed).digest() == ReportRequest.of("t", parameters).digest()


def test_the_order_of_columns_makes_another_request() -> None:
    one = ReportRequest.of("t", {"columns": ["a", "b"]})

    assert one != ReportRequest.of("t", {"columns": ["b", "a"]})


def test_an_unknown_parameter_in_an_echo_makes_another_request() -> None:
    """It may be a filter: adopting such a run would lose rows."""
    assert ReportRequest.of("t", {"flavour": "dark"}) != ReportRequest.of("t", {})


def test_the_form_nests_parameters_and_repeats_arrays_as_stripe_wants_them() -> None:
    request = ReportRequest.of("t", {"interval_start": 5, "columns": ["created", "payment_metadata[a]"]})

    assert request.form() == [
        ("report_type", "t"),
        ("parameters[columns][]", "created"),
        ("parameters[columns][]", "payment_metadata[a]"),
        ("parameters[interval_start]", "5"),
    ]


def test_every_field_of_a_report_run_is_kept() -> None:
    file = {
        "id": "file_1",
        "object": "file",
        "created": 100,
        "size": 464,
        "purpose": "finance_report_run",
        "filename": "frr_0.csv",
        "title": "FinanceReportRun frr_0",
        "type": "csv",
        "url": "https://files.stripe.com/v1/files/file_1/contents",
        "expires_at": 31536100,
        "links": None,
    }
    payload = {
        "id": "frr_1",
        "object": "reporting.report_run",
        "created": 876,
        "error": None,
        "livemode": True,
        "parameters": {"interval_start": 1, "interval_end": 2},
        "report_type": "balance.summary.1",
        "result": file,
        "status": "succeeded",
        "succeeded_at": 876,
        "something_new": 1,
    }

    run = ReportRun.from_api(payload)

    assert (run.id, run.report_type, run.livemode, run.error) == ("frr_1", "balance.summary.1", True, None)
    assert run.parameters == {"interval_start": 1, "interval_end": 2}
    assert run.status is RunStatus.SUCCEEDED
    assert run.succeeded_at == datetime(1970, 1, 1, 0, 14, 36, tzinfo=UTC)
    assert run.result is not None
    assert run.result == ReportFile(
        id="file_1",
        created=datetime(1970, 1, 1, 0, 1, 40, tzinfo=UTC),
        size=464,
        purpose="finance_report_run",
        filename="frr_0.csv",
        title="FinanceReportRun frr_0",
        type="csv",
        url="https://files.stripe.com/v1/files/file_1/contents",
        expires_at=datetime(1971, 1, 1, 0, 1, 40, tzinfo=UTC),
    )
    assert run.raw == payload


@pytest.mark.parametrize("bad", ["naive", "fraction", "backwards", "empty"])
def test_an_interval_is_aware_whole_seconds_and_not_empty(bad: str) -> None:
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    bounds = {
        "naive": (start.replace(tzinfo=None), end),
        "fraction": (start + timedelta(milliseconds=1), end),
        "backwards": (end, start),
        "empty": (start, start),
    }[bad]

    with pytest.raises(ConfigurationError):
        Interval(*bounds)


def test_an_interval_is_held_in_utc_whatever_zone_it_came_in() -> None:
    zone = ZoneInfo("America/New_York")

    day = Interval(datetime(2025, 11, 2, tzinfo=zone), datetime(2025, 11, 3, tzinfo=zone))

    assert day.start == datetime(2025, 11, 2, 4, tzinfo=UTC)
    assert epoch(day.end) - epoch(day.start) == 25 * 3600
    assert day.start.tzinfo is UTC


@pytest.mark.parametrize("size", [10**400, 2**63, -1, "1" * 5000, 1.5, True, None])
def test_a_size_that_no_file_has_is_refused_where_it_is_read(size: object) -> None:
    file = {"id": "file_1", "created": 100, "size": size, "purpose": "finance_report_run"}

    with pytest.raises(ValueError, match=r"size|digits"):
        ReportFile.from_api(file)


def test_a_type_without_a_name_is_called_by_its_id() -> None:
    answer = {
        "id": "x.1",
        "version": 1,
        "data_available_start": 1,
        "data_available_end": 2,
        "updated": 3,
        "default_columns": None,
        "livemode": False,
    }

    assert ReportType.from_api(answer).name == "x.1"
    assert ReportType.from_api({**answer, "name": "Balance"}).name == "Balance"


def test_a_file_may_be_empty() -> None:
    file = {"id": "file_1", "created": 100, "size": 0, "purpose": "finance_report_run"}

    assert ReportFile.from_api(file).size == 0


def nested(levels: int) -> object:
    value: object = 1
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    return value


def test_json_nested_deeper_than_anything_of_stripes_is_refused() -> None:
    assert within_reason(nested(20)) == nested(20)
    with pytest.raises(ValueError, match="nested without end"):
        within_reason(nested(300))
