"""A report type Stripe made after our release, described in the configuration."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.catalogue import (
    COLUMNS,
    REPORTS,
    Column,
    ColumnType,
    Status,
    columns_of,
    custom_report,
    report,
    validate,
)
from connector.errors import ConfigurationError

JANUARY = {"interval_start": 1767225600, "interval_end": 1769904000}


def test_a_type_nobody_knows_is_asked_for_with_the_columns_given() -> None:
    spec = custom_report("moon_rent.itemized.1", {"id": "text", "rent": "money", "due_utc": "timestamp"})

    assert validate(spec, JANUARY).columns == ("id", "rent", "due_utc")
    assert [entry.type for entry in columns_of(spec)] == [
        ColumnType.TEXT,
        ColumnType.MONEY,
        ColumnType.TIMESTAMP,
    ]
    assert (spec.status, spec.name) == (Status.CUSTOM, "moon_rent_itemized")


@given(st.lists(st.sampled_from(sorted(COLUMNS)), unique=True))
def test_columns_of_the_dictionary_need_no_type(names: list[str]) -> None:
    spec = custom_report("moon_rent.itemized.1", dict.fromkeys(names))

    assert columns_of(spec) == tuple(COLUMNS[name] for name in names)


def test_a_type_given_for_a_known_column_counts_for_this_report_alone() -> None:
    """The way out when a column is printed otherwise than the dictionary believes."""
    (fee,) = columns_of(custom_report("moon_rent.itemized.1", {"fee": "text"}))

    assert fee.type is ColumnType.TEXT
    assert COLUMNS["fee"].type is ColumnType.MONEY


@pytest.mark.parametrize(
    ("name", "local"), [("landed_at", True), ("landed_at_utc", False)], ids=["local", "utc"]
)
def test_a_new_time_is_local_unless_its_name_says_utc(name: str, local: bool) -> None:
    (landed,) = columns_of(custom_report("moon_rent.itemized.1", {name: "timestamp"}))

    assert landed.local is local


@pytest.mark.parametrize(
    ("name", "personal"),
    [
        pytest.param("tenant_name", True, id="name"),
        pytest.param("tenant_email", True, id="e-mail"),
        pytest.param("tenant_phone", True, id="phone"),
        pytest.param("tenant_address_line1", True, id="address"),
        pytest.param("tenant_address_country", False, id="country"),
        pytest.param("crater", False, id="nobody"),
        pytest.param("crater_metadata[a]", True, id="metadata-of-a-new-kind"),
    ],
)
def test_a_new_column_that_may_say_who_somebody_is_is_marked(name: str, personal: bool) -> None:
    (entry,) = columns_of(custom_report("moon_rent.itemized.1", {name: "text"}))

    assert entry.personal is personal


def test_a_new_version_takes_over_what_the_documented_one_means() -> None:
    known = report("balance_change_from_activity_itemized")
    names = dict.fromkeys(known.default_columns) | {"lunar_phase": "text"}
    spec = custom_report("balance_change_from_activity.itemized.9", names)

    assert (spec.required, spec.optional) == (known.required, known.optional)
    assert (spec.row_key, spec.day_column, spec.amount_column, spec.net_columns) == (
        known.row_key,
        known.day_column,
        known.amount_column,
        known.net_columns,
    )
    assert spec.version == 9
    assert spec.caution is not None
    assert known.id in spec.caution


def test_what_the_columns_given_cannot_show_is_not_taken_over() -> None:
    spec = custom_report("balance_change_from_activity.summary.9", {"count": None})

    assert (spec.row_key, spec.amount_column, spec.net_columns, spec.row_kinds) == ((), None, None, None)


def test_an_id_without_a_version_is_a_name_as_it_stands() -> None:
    spec = custom_report("moon_rent.late_fee", {"fee": None})

    assert (spec.name, spec.version) == ("moon_rent_late_fee", 0)


def test_a_new_report_beside_known_ones_of_its_family_takes_nothing_over() -> None:
    spec = custom_report("all_fees.new_fee", {"fee": None})

    assert spec.required == ("interval_start", "interval_end")
    assert spec.amount_column is None


def test_without_columns_the_choice_is_left_to_stripe() -> None:
    assert validate(custom_report("moon_rent.itemized.1", {}), JANUARY).columns is None


def test_other_columns_of_the_dictionary_may_be_asked_for_later() -> None:
    spec = custom_report("moon_rent.itemized.1", {"rent": "money"})

    assert columns_of(spec, ["rent", "net"])[1] is COLUMNS["net"]


def test_parameters_are_those_named_and_what_a_run_cannot_do_without_is_required() -> None:
    spec = custom_report(
        "moon_rent.1", {"rent": "money"}, ["payout", "connected_account", "crater", "columns"]
    )

    assert spec.required == ("payout", "connected_account")
    assert spec.optional == ("crater", "columns")
    asked = validate(spec, {"payout": "po_1", "connected_account": "acct_1", "crater": "tycho"})
    assert asked.get("crater") == "tycho"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param(("Moon Rent", {}), "not a report type", id="id"),
        pytest.param(("moon_rent", {}), "not a report type", id="id-of-one-word"),
        pytest.param(("moon_rent.1\n", {}), "not a report type", id="id-with-newline"),
        pytest.param(("../moon.1", {}), "not a report type", id="id-with-a-path"),
        pytest.param(("moon.1", ["rent"]), "names with their types", id="columns-as-a-list"),
        pytest.param(("moon.1", {"rent": None}), "'rent' is not in the catalogue, so it needs", id="no-type"),
        pytest.param(("moon.1", {"grss": None}), "nearest: gross", id="misspelt-column"),
        pytest.param(("moon.1", {"rent": "mony"}), "nearest: money", id="misspelt-type"),
        pytest.param(
            ("moon.1", {"rent": "decimal(38,2)"}), "not a type for column 'rent'; there are", id="type"
        ),
        pytest.param(("moon.1", {"rent": ["text"]}), "not a type for column", id="type-as-a-list"),
        pytest.param(("moon.1", {"_row_kind": "text"}), "not a valid column name", id="column-of-ours"),
        pytest.param(("moon.1", {"a,b": "text"}), "not a valid column name", id="column-with-comma"),
        pytest.param(("moon.1", {17: "text"}), "not a valid column name", id="column-as-number"),
        pytest.param(("moon.1", {}, "timezone"), "list of names", id="parameters-as-text"),
        pytest.param(("moon.1", {}, ["time_zone"]), "nearest: timezone", id="misspelt-parameter"),
        pytest.param(("moon.1", {}, ["interval start"]), "not a parameter", id="parameter-with-blank"),
    ],
)
def test_what_cannot_be_is_refused(arguments: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        custom_report(*arguments)


def test_columns_that_engines_could_not_tell_apart_are_refused() -> None:
    spec = custom_report("moon.1", {"Rent": "money", "rent": "money"})

    with pytest.raises(ConfigurationError, match="differ only in case"):
        columns_of(spec)


@pytest.mark.parametrize("known", [each for each in REPORTS.values() if each.columns], ids=lambda s: s.id)
def test_every_known_type_can_be_configured_by_hand_to_the_same_effect(known: Any) -> None:
    spec = custom_report(known.id, dict.fromkeys(known.default_columns))
    same = ("required", "optional", "row_key", "day_column", "amount_column", "net_columns", "row_kinds")

    assert columns_of(spec) == columns_of(known)
    assert all(getattr(spec, name) == getattr(known, name) for name in same)


def test_an_unknown_column_says_it_is_as_configured() -> None:
    (rent,) = columns_of(custom_report("moon.1", {"rent": "number"}))

    assert rent == Column("rent", ColumnType.NUMBER, "As configured.")
