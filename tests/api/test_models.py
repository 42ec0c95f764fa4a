"""Stripe's JSON as values, and the canonical form of a request."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.api import json_fields as fields
from connector.api.json_fields import within_reason
from connector.api.models import (
    ConnectedAccount,
    ReportFile,
    ReportRequest,
    ReportRun,
    ReportType,
    RunStatus,
    epoch,
)
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


Read = Callable[[Mapping[str, Any], str], object]


@pytest.mark.parametrize(
    ("read", "value", "said"),
    [
        (fields.identifier, "../x", "it is not an id"),
        (fields.identifier, 5, "it is not an id"),
        (fields.text, 5, "it is not text"),
        (fields.optional_text, 5, "it is not text"),
        (fields.number, 1.5, "it is not a whole number"),
        (fields.number, math.inf, "it is not a whole number"),
        (fields.number, 1e300, "it is larger than any number of Stripe's"),
        (fields.number, True, "it is not a whole number"),
        (fields.number, -(2**63), "it is larger than any number of Stripe's"),
        (fields.size, -1, "it is negative"),
        (fields.moment, 10**15, "it is not in the calendar"),
        (fields.moment, 2**63 - 1, "it is not in the calendar"),
        (fields.flag, "true", "it is neither true nor false"),
        (fields.optional_object, [], "it is not an object"),
        (fields.optional_texts, ["a", 1], "it is not a list of texts"),
        (fields.optional_texts, "ab", "it is not a list of texts"),
        (lambda payload, name: within_reason(payload[name]), nested(40), "it is nested without end"),
    ],
)
def test_a_field_of_another_kind_is_named(read: Read, value: object, said: str) -> None:
    with pytest.raises(ValueError, match="it") as caught:
        read({"it": value}, "it")

    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("read", "value", "found"),
    [
        (fields.identifier, "a" * 255, "a" * 255),
        (fields.shown_text, 5, "5"),
        (fields.shown_text, "x" * 3000, "x" * 2000),
        (fields.number, 2**63 - 1, 2**63 - 1),
        (fields.number, "-7", -7),
        (fields.number, 1780272000.0, 1780272000),
        (fields.optional_texts, [], ()),
        (fields.optional_moment, 1, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
        *(
            (read, None, None)
            for read in (
                fields.optional_text,
                fields.shown_text,
                fields.optional_moment,
                fields.optional_object,
                fields.optional_texts,
            )
        ),
    ],
)
def test_a_field_is_read_as_what_it_is(read: Read, value: object, found: object) -> None:
    assert read({"it": value}, "it") == found


def test_thirty_three_levels_are_within_reason() -> None:
    assert within_reason(nested(33)) == nested(33)
    with pytest.raises(ValueError, match="without end"):
        within_reason(nested(34))


def test_a_digest_stays_the_same_from_version_to_version() -> None:
    """By it, processes of two versions find each other's work."""
    request = ReportRequest.of("t", {"columns": ["b", "a"], "interval_start": "5", "currency": "usd"})

    assert request.digest() == "4b4e5c998c57ccf93f7f2d394d1b6dd48b512803450d92e735afd5b1cf897036"


@pytest.mark.parametrize(
    ("value", "canonical"),
    [(True, "true"), (False, "false"), (7, 7), (0, 0), ("", None), ([], None), (["a", 1], ("a", "1"))],
)
def test_a_parameter_has_one_form(value: object, canonical: object) -> None:
    assert ReportRequest.of("t", {"it": value}).get("it") == canonical


def test_what_stripe_chose_is_known_where_it_is_stated() -> None:
    left, asked = ReportRequest.of("t", {"currency": "usd"}), ReportRequest.of("t", {"columns": ["a"]})

    assert left.as_echoed(["a", "b"]) == ReportRequest.of("t", {"currency": "usd", "columns": ["a", "b"]})
    assert left.as_echoed(None) == left.as_echoed([]) == left
    assert asked.as_echoed(["b"]) == asked


def test_every_field_of_an_account_is_read() -> None:
    account = {
        "id": "acct_1",
        "created": 5,
        "country": "DE",
        "controller": {"stripe_dashboard": {"type": "express"}},
    }
    born = datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)

    assert ConnectedAccount.from_api(account) == ConnectedAccount("acct_1", born, "DE", "express")
    assert ConnectedAccount.from_api({"id": "acct_1"}) == ConnectedAccount("acct_1")


RUN: dict[str, Any] = {
    "id": "frr_1",
    "report_type": "t.1",
    "parameters": None,
    "status": "odd",
    "created": 1,
    "livemode": False,
}
TYPE: dict[str, Any] = {
    "id": "x.1",
    "data_available_start": 1,
    "data_available_end": 2,
    "updated": 3,
    "default_columns": ["a"],
    "livemode": True,
}


@pytest.mark.parametrize(
    ("read", "whole", "name", "bad"),
    [
        *((ReportRun.from_api, RUN, name, []) for name in RUN),
        (ReportRun.from_api, RUN, "result", "file_1"),
        (ReportRun.from_api, RUN, "succeeded_at", "soon"),
        *((ReportType.from_api, TYPE, name, "") for name in TYPE),
    ],
)
def test_what_decides_anything_is_of_the_kind_that_stripe_promises(
    read: Callable[[Any], object], whole: dict[str, Any], name: str, bad: object
) -> None:
    assert read(whole)
    with pytest.raises(ValueError, match=rf"{name} is not|{name} is neither|invalid literal"):
        read({**whole, name: bad})


def test_a_type_and_a_pending_run_are_read_as_they_stand() -> None:
    one, two, three = (datetime(1970, 1, 1, 0, 0, second, tzinfo=UTC) for second in (1, 2, 3))

    assert ReportType.from_api(TYPE) == ReportType("x.1", "x.1", one, two, three, ("a",), livemode=True)
    run = ReportRun.from_api({**RUN, "error": "it broke"})
    assert (run.status, run.error, run.parameters, run.result) == (RunStatus.PENDING, "it broke", {}, None)
    assert (run.succeeded_at, run.created, run.request) == (None, one, ReportRequest.of("t.1", {}))
