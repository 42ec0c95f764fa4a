"""Whether a published file is what is configured now: the request and the stored columns both count."""

from typing import Any

import pytest

from connector.api.models import ReportRequest
from connector.dataset.shape import FileState, compared, header_asked, refuse_loss
from connector.errors import DatasetMismatchError
from connector.money import WIDE
from tests.support.datasets import provenance

COLUMNS = {"net_amount": WIDE, "currency": "string"}


def published(**changes: Any) -> Any:
    parameters = {"interval_start": 1, "interval_end": 2, "columns": ["net_amount", "currency"]}
    fields: dict[str, Any] = {
        "parameters": parameters,
        "columns": COLUMNS,
        "header": ("net_amount", "currency"),
    }
    return provenance(**fields | changes)


def request(*columns: str, **parameters: Any) -> ReportRequest:
    asked = {"interval_start": 1, "interval_end": 2, "columns": columns or ("net_amount", "currency")}
    return ReportRequest.of("balance.summary.1", asked | parameters)


@pytest.mark.parametrize(
    ("asked", "now", "decoder", "state"),
    [
        pytest.param(request(), COLUMNS, 1, FileState.CURRENT, id="the-same"),
        pytest.param(request(), COLUMNS, 2, FileState.OLDER_SHAPE, id="decoder"),
        pytest.param(request(), COLUMNS | {"currency": "date32"}, 1, FileState.OLDER_SHAPE, id="type"),
        pytest.param(request(), COLUMNS | {"memo": "string"}, 1, FileState.OLDER_SHAPE, id="one-more-of-it"),
        pytest.param(
            request("currency", "net_amount"),
            dict(reversed(COLUMNS.items())),
            1,
            FileState.OLDER_SHAPE,
            id="another-order",
        ),
        pytest.param(
            request("net_amount", "currency", "memo"),
            COLUMNS | {"memo": "string"},
            1,
            FileState.OTHER_REQUEST,
            id="one-more-asked",
        ),
        pytest.param(request(currency="eur"), COLUMNS, 1, FileState.OTHER_REQUEST, id="filter"),
        pytest.param(
            request("net_amount"),
            {"net_amount": WIDE},
            1,
            FileState.LACKING_COLUMNS,
            id="one-less",
        ),
        pytest.param(
            request("net_amount", "memo"),
            {"net_amount": WIDE, "memo": "string"},
            1,
            FileState.LACKING_COLUMNS,
            id="one-for-another",
        ),
    ],
)
def test_a_published_file_is_compared_by_what_it_holds(
    asked: ReportRequest, now: dict[str, str], decoder: int, state: FileState
) -> None:
    assert compared(published(), asked, now, decoder).state is state


def test_a_column_that_stripe_added_unasked_is_not_lost_with_a_new_request() -> None:
    file = published(columns=COLUMNS | {"extra": "string"}, added_columns=("extra",))
    asked = request("net_amount", "currency", "memo")

    assert compared(file, asked, COLUMNS | {"memo": "string"}, 1).state is FileState.OTHER_REQUEST


def test_the_header_is_the_files_own_unless_other_columns_are_asked_for() -> None:
    file = published(header=("currency", "net_amount", "extra"))

    assert header_asked(file, request("currency", "net_amount")) == ("currency", "net_amount", "extra")
    assert header_asked(file, request("net_amount", "memo")) == ("net_amount", "memo")


def test_a_refusal_names_both_lists_and_the_ways_out() -> None:
    with pytest.raises(DatasetMismatchError) as caught:
        refuse_loss(published(), ("currency", "a"), {"net_amount": WIDE, "memo": "string"})

    assert str(caught.value) == (
        "balance_summary 2026-06-01: the published file has the columns net_amount, currency; with the "
        "columns "
        "configured now, net_amount, memo, it would lose currency, a. Nothing was requested. Configure these "
        "columns too, give the smaller choice a `name` of its own, or replace the file with --force (in "
        "Dagster: "
        "materialize it again)."
    )
