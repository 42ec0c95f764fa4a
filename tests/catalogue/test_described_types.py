"""What is asked, checked before anybody is asked: types the catalogue knows, and those it does not."""

import pytest

from connector.api.models import moment
from connector.catalogue import ColumnType, Status
from connector.errors import ConfigurationError
from connector.partitions import Interval, Partition
from connector.query import ReportQuery

JUNE = Partition("2026-06-01", Interval(moment(1_780_272_000), moment(1_780_358_400)))
HEADER_READ = "failed_payouts.itemized.2"


def test_a_type_nobody_knows_is_described_by_its_columns() -> None:
    query = ReportQuery.of("moon_rent.itemized.1", columns={"id": "text", "rent": "money", "net": None})

    assert query.request(JUNE).columns == ("id", "rent", "net")
    assert [each.type for each in query.columns] == [ColumnType.TEXT, ColumnType.MONEY, ColumnType.MONEY]
    assert (query.name, query.spec.status) == ("moon_rent_itemized", Status.CUSTOM)
    assert query.spec.caution


def test_a_known_report_may_be_described_otherwise_also_by_its_name() -> None:
    """The way out where Stripe prints a column otherwise than the catalogue believes."""
    query = ReportQuery.of("balance_summary", columns={"category": None, "net_amount": "text"})

    assert query.spec.id == "balance.summary.1"
    assert [each.type for each in query.columns] == [ColumnType.TEXT, ColumnType.TEXT]
    assert query.spec.amount_column is None, "text cannot be added up"


def test_parameters_say_what_an_unknown_type_takes() -> None:
    query = ReportQuery.of(
        "moon_rent.1",
        columns={"rent": "money"},
        parameters=["interval_end", "crater"],
        filters={"crater": "a"},
    )

    assert dict(query.request(JUNE).parameters) == {"crater": "a", "interval_end": 1_780_358_400}


def test_parameters_alone_leave_the_columns_as_the_catalogue_has_them() -> None:
    query = ReportQuery.of(
        "balance.summary.1", parameters=["interval_start", "interval_end", "columns", "crater"]
    )

    assert query.request(JUNE).columns == ("category", "description", "net_amount", "currency")


@pytest.mark.parametrize(
    ("report", "options", "reason"),
    [
        pytest.param("moon.1", {}, "no report 'moon.1'.*give its columns with their types", id="bare"),
        pytest.param("moon.1", {"columns": ["a"]}, "give its columns with their types", id="names-alone"),
        pytest.param("balance_sumary", {"columns": {"a": "text"}}, "nearest: balance_summary", id="name"),
        pytest.param("moon.1", {"columns": {"a": "mony"}}, "'mony' is not a type.*nearest: money", id="type"),
        pytest.param("moon.1", {"columns": {}, "parameters": ["curency"]}, "nearest: currency", id="param"),
        pytest.param("moon.1", {"columns": {}, "filters": {"b": "c"}}, "no parameter 'b'", id="filter"),
    ],
)
def test_a_slip_is_refused_with_what_was_meant(report: str, options: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        ReportQuery.of(report, **options)  # type: ignore[arg-type]


def test_a_slip_in_the_id_of_a_type_that_is_described_is_at_least_told() -> None:
    query = ReportQuery.of("balance.sumary.1", columns={"net_amount": "money"})

    assert "The catalogue has balance.summary.1." in str(query.spec.caution)


@pytest.mark.parametrize("query", [ReportQuery.of(HEADER_READ), ReportQuery.of("moon_rent.1", columns={})])
def test_without_columns_the_header_says_which_there_are(query: ReportQuery) -> None:
    header = ["payout_id", "net", "crater", "customer_email", "tenant_name", "card_country"]

    assert query.request(JUNE).columns is None
    assert [(each.name, each.type) for each in query.columns_in(header)] == [
        ("payout_id", ColumnType.TEXT),
        ("net", ColumnType.MONEY),
        ("crater", ColumnType.TEXT),
        ("card_country", ColumnType.TEXT),
    ]
    assert query.left_out(header) == ("customer_email", "tenant_name")


def test_personal_data_nobody_named_are_left_out_also_where_stripe_adds_them() -> None:
    plain = ReportQuery.of("balance_change_from_activity_itemized", columns=["net"])
    asked = ReportQuery.of("balance_change_from_activity_itemized", columns=["net", "customer_email"])
    header = ["net", "customer_email", "crater", "new_phone", "payment_metadata[" + "k" * 99 + "]"]

    assert plain.left_out(header) == ("customer_email", "new_phone", header[-1])
    assert asked.left_out(header) == ("new_phone", header[-1])


def test_of_a_type_that_prints_all_it_has_what_is_not_chosen_is_left_out() -> None:
    overview = ReportQuery.of("connect_negative_balance_refunds_disputes_overview")
    named = ReportQuery.of(overview.spec.id, columns=["account_id", "business_name"])
    header = overview.spec.columns

    assert overview.left_out(header) == ("business_name",)
    assert set(named.left_out(header)) == set(header) - {"account_id", "business_name"}
