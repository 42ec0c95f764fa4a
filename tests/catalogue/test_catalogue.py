"""The catalogue as data: what every entry owes the rest of the program."""

from typing import Any

import pytest

from connector.catalogue import (
    COLUMNS,
    METADATA,
    REPORTS,
    Column,
    ColumnType,
    Granularity,
    ReportSpec,
    RowKinds,
    column,
    columns_of,
    report,
)
from connector.errors import ConfigurationError

SUMMARY = report("balance.summary.1")
ACTIVITY = report("balance_change_from_activity.itemized.3")


@pytest.fixture(params=list(REPORTS))
def spec(request: pytest.FixtureRequest) -> ReportSpec:
    return REPORTS[request.param]


def test_a_report_is_found_by_its_id_and_by_its_name(spec: ReportSpec) -> None:
    assert report(spec.id) is spec
    assert report(spec.name).version >= spec.version


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        pytest.param("balance_sumary", "balance_summary", id="misspelt-name"),
        pytest.param("balance.summary.2", "balance.summary.1", id="version-we-do-not-know"),
        pytest.param("Balance_Summary", "balance_summary", id="capitals"),
    ],
)
def test_an_unknown_report_is_refused_with_what_was_probably_meant(asked: str, meant: str) -> None:
    with pytest.raises(ConfigurationError, match=meant):
        report(asked)


def test_every_column_of_every_report_is_in_the_dictionary(spec: ReportSpec) -> None:
    assert {name for name in spec.columns if name not in COLUMNS} == set()


def test_no_report_lists_a_column_twice(spec: ReportSpec) -> None:
    assert len(set(spec.columns)) == len(spec.columns)


def test_default_columns_are_columns_of_the_report_without_personal_data(spec: ReportSpec) -> None:
    chosen = columns_of(spec)

    assert chosen
    assert not [entry.name for entry in chosen if entry.personal]


def test_a_local_time_is_followed_by_its_utc_twin_by_default(spec: ReportSpec) -> None:
    """A local wall clock is ambiguous for an hour a year; the twin says which instant it was."""
    names = spec.default_columns
    local = [name for name in names if column(name).local and f"{name}_utc" in spec.columns]

    assert all(names[names.index(name) + 1] == f"{name}_utc" for name in local)


def test_key_day_and_amount_columns_are_asked_for_by_default(spec: ReportSpec) -> None:
    needed = {*spec.row_key, spec.day_column, spec.amount_column} - {None}

    assert needed <= set(spec.default_columns)


def test_the_amount_is_money_and_the_day_a_time_in_utc(spec: ReportSpec) -> None:
    if spec.amount_column:
        assert column(spec.amount_column).type is ColumnType.MONEY
    if spec.day_column:
        assert column(spec.day_column).type is ColumnType.TIMESTAMP
        assert not column(spec.day_column).local


def test_summaries_say_what_their_rows_are_and_itemized_reports_need_not(spec: ReportSpec) -> None:
    assert (spec.row_kinds is not None) == (spec.granularity is Granularity.SUMMARY)


@pytest.mark.parametrize(
    "kinds", [s.row_kinds for s in REPORTS.values() if s.row_kinds], ids=lambda k: k.column
)
def test_parts_of_a_subtotal_have_kinds_of_their_own(kinds: RowKinds) -> None:
    named = set(kinds.kinds)

    assert set(kinds.parts) <= named
    assert {part for parts in kinds.parts.values() for part in parts} <= named


@pytest.mark.parametrize("entry", COLUMNS.values(), ids=COLUMNS)
def test_a_column_describes_itself_and_money_names_its_currency(entry: Column) -> None:
    assert entry.about.endswith((".", "…"))
    if entry.type is ColumnType.MONEY:
        assert entry.unit is not None
        assert "currency" in entry.unit


@pytest.mark.parametrize("entry", COLUMNS.values(), ids=COLUMNS)
def test_only_times_with_a_utc_twin_are_local(entry: Column) -> None:
    assert entry.local == (entry.type is ColumnType.TIMESTAMP and not entry.name.endswith("_utc"))


@pytest.mark.parametrize("prefix", METADATA)
def test_a_metadata_column_is_personal_text_and_stored_under_a_name_engines_can_read(prefix: str) -> None:
    made = column(f"{prefix}[order_id]")

    assert (made.type, made.personal) == (ColumnType.TEXT, True)
    assert made.stored_name == f"{prefix}__order_id"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("payment_metadata[]", "1 to 40", id="empty-key"),
        pytest.param(f"payment_metadata[{'k' * 41}]", "1 to 40", id="long-key"),
        pytest.param("payment_metadata[a[b]]", "no column", id="brackets-in-key"),
        pytest.param("payment_metadata", r"nearest: payment_metadata\[key\]", id="no-key"),
        pytest.param("paymnt_metadata[a]", "payment_metadata", id="misspelt-prefix"),
        pytest.param("grss", "nearest: gross", id="misspelt-name"),
    ],
)
def test_a_column_no_report_can_have_is_refused(name: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        column(name)


def test_columns_come_in_the_order_asked_for() -> None:
    assert [entry.name for entry in columns_of(ACTIVITY, ["net", "payment_metadata[a b]", "created"])] == [
        "net",
        "payment_metadata[a b]",
        "created",
    ]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        pytest.param(["net", "gross", "net"], "'net' .* twice", id="duplicate"),
        pytest.param(["category"], r"no column 'category'", id="column-of-another-report"),
        pytest.param(["created_utcc"], "nearest: created_utc", id="misspelt"),
        pytest.param(["invoice_metadata[a]"], r"no column 'invoice_metadata\[a\]'", id="foreign-metadata"),
        pytest.param("net", "list of names", id="text-instead-of-a-list"),
        pytest.param(["payment_metadata[Id]", "payment_metadata[id]"], "differ only in case", id="case"),
    ],
)
def test_columns_the_report_cannot_give_are_refused(names: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        columns_of(ACTIVITY, names)


def test_the_default_columns_of_the_itemized_report_are_the_documented_ones_with_their_twins() -> None:
    assert SUMMARY.default_columns == ("category", "description", "net_amount", "currency")
    assert ACTIVITY.default_columns == (
        "balance_transaction_id",
        "created",
        "created_utc",
        "available_on",
        "available_on_utc",
        "currency",
        "gross",
        "fee",
        "net",
        "reporting_category",
        "description",
    )
