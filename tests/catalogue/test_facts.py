"""The catalogue against the facts about Stripe's report types.

The catalogue builds its lists from shared groups; a slip there would be repeated in a dozen reports. The
facts have every list spelt out, and report types that the catalogue may do without.
"""

from collections.abc import Iterable

import pytest

from connector.catalogue import (
    COLUMNS,
    METADATA,
    REPORTING_CATEGORIES,
    REPORTS,
    ColumnType,
    Granularity,
    ReportSpec,
)
from tests.facts import reporting_api
from tests.facts.report_types import COLUMN_TYPES, DOCUMENTED, FACTS, LISTED, ReportTypeFacts

TYPES = {
    "string": {ColumnType.TEXT},
    "decimal": {ColumnType.MONEY, ColumnType.NUMBER},
    "timestamp": {ColumnType.TIMESTAMP},
    "timestamp in UTC": {ColumnType.TIMESTAMP},
    "integer": {ColumnType.INTEGER},
    "boolean": {ColumnType.BOOLEAN},
    "date": {ColumnType.DATE},
}


def each_of(ids: Iterable[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("spec", "facts"), [pytest.param(REPORTS[id], FACTS[id], id=id) for id in ids if id in FACTS]
    )


every_type = each_of(REPORTS)


def test_every_documented_report_type_is_in_the_catalogue() -> None:
    assert DOCUMENTED - REPORTS.keys() == set()


def test_there_are_facts_about_every_report_type_of_the_catalogue() -> None:
    assert REPORTS.keys() - FACTS.keys() == set()


def test_every_column_of_the_catalogue_is_a_column_of_stripe() -> None:
    metadata = {f"{prefix}[key]" for prefix in METADATA}

    assert {*COLUMNS, *metadata} - COLUMN_TYPES.keys() == set()


def test_every_column_has_the_type_it_has_at_stripe() -> None:
    assert [name for name, column in COLUMNS.items() if column.type not in TYPES[COLUMN_TYPES[name]]] == []


def test_times_are_local_unless_they_are_always_utc() -> None:
    local = {name for name, column in COLUMNS.items() if column.local}

    assert local == {name for name in COLUMNS if COLUMN_TYPES[name] == "timestamp"}


@each_of(id for id, spec in REPORTS.items() if "timezone" in spec.parameters)
def test_no_local_column_is_printed_in_utc_where_a_zone_can_be_asked_for(
    spec: ReportSpec, facts: ReportTypeFacts
) -> None:
    """Elsewhere the run's zone is UTC, and reading the column as local reads it right."""
    assert [name for name in facts.in_utc if COLUMNS[name].local] == []


@every_type
def test_columns_agree(spec: ReportSpec, facts: ReportTypeFacts) -> None:
    metadata = {f"{prefix}[key]" for prefix in spec.metadata_prefixes}

    assert sorted(spec.columns) == sorted(facts.fixed_columns)
    assert metadata == set(facts.columns) - set(facts.fixed_columns)
    assert spec.columns_complete == facts.complete


@each_of(id for id in REPORTS if id in DOCUMENTED)
def test_columns_of_documented_types_stand_in_the_order_of_the_documentation(
    spec: ReportSpec, facts: ReportTypeFacts
) -> None:
    assert spec.columns == facts.fixed_columns


@every_type
def test_parameters_agree(spec: ReportSpec, facts: ReportTypeFacts) -> None:
    assert sorted(spec.required) == sorted(facts.required)
    assert sorted(spec.optional) == sorted(facts.optional)


@every_type
def test_default_columns_agree(spec: ReportSpec, facts: ReportTypeFacts) -> None:
    assert spec.stripe_defaults == facts.defaults


def test_of_the_types_that_stripe_listed_all_but_seven_are_in_the_catalogue() -> None:
    assert len(LISTED) == 48
    assert {id for id in LISTED if id not in REPORTS} == {
        "exports.balance_history", "exports.coupons", "exports.unified_payments",
        "payments_dashboard.customer_payments.v1", "tax_product.filing.itemized.1",
        "tax_product.transactions.itemized.1", "tax_product.transactions.summarized.1",
    }  # fmt: skip


@pytest.mark.parametrize("id", [id for id in LISTED if id in REPORTS])
def test_default_columns_and_their_order_are_those_that_stripe_listed(id: str) -> None:
    assert REPORTS[id].stripe_defaults == LISTED[id]


@every_type
def test_row_keys_agree_where_the_columns_are_known(spec: ReportSpec, facts: ReportTypeFacts) -> None:
    expected = facts.row_key if facts.columns else None

    assert spec.row_key == (expected or ())


@every_type
def test_the_day_is_decided_by_the_same_time(spec: ReportSpec, facts: ReportTypeFacts) -> None:
    """Summaries have no such column, whatever decides which transactions they add up."""
    applies = spec.granularity is Granularity.ITEMIZED and facts.columns

    assert (spec.day_column and spec.day_column.removesuffix("_utc")) == (facts.day if applies else None)


@every_type
def test_standing_agrees(spec: ReportSpec, facts: ReportTypeFacts) -> None:
    assert (spec.status.value, spec.granularity.value, spec.scope.value, spec.version or None) == (
        facts.known,
        facts.granularity,
        facts.scope,
        facts.version,
    )


def test_reporting_categories_agree() -> None:
    assert REPORTING_CATEGORIES == reporting_api.REPORTING_CATEGORIES


def test_every_parameter_of_a_run_is_one_that_some_report_type_takes() -> None:
    taken = {name for spec in REPORTS.values() for name in spec.parameters}

    assert reporting_api.RUN_PARAMETERS - taken == set()
