"""The catalogue against the fact sheet it was written from, where that lies beside the repository.

The catalogue builds its lists from shared groups; a slip there would be repeated in a dozen reports. The
sheet has every list spelt out.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from connector.catalogue import COLUMNS, METADATA, REPORTS, ColumnType, Granularity, ReportSpec

SHEET = Path(__file__).parents[2].parent / "shared" / "stripe" / "report_types.json"

FACTS: Mapping[str, Mapping[str, Any]] = (
    {each["id"]: each for each in json.loads(SHEET.read_text(encoding="utf-8"))["report_types"]}
    if SHEET.is_file()
    else {}
)

pytestmark = pytest.mark.skipif(not FACTS, reason="the sheet of facts does not lie beside the repository")

TYPES = {
    "string": {ColumnType.TEXT},
    "decimal": {ColumnType.MONEY, ColumnType.NUMBER},
    "timestamp": {ColumnType.TIMESTAMP},
    "integer": {ColumnType.INTEGER},
    "boolean": {ColumnType.BOOLEAN},
    "date": {ColumnType.DATE},
}


@pytest.fixture(params=list(REPORTS))
def spec(request: pytest.FixtureRequest) -> ReportSpec:
    return REPORTS[request.param]


@pytest.fixture
def fact(spec: ReportSpec) -> Mapping[str, Any]:
    return FACTS[spec.id]


def columns_on_the_sheet() -> Iterator[Mapping[str, Any]]:
    for fact in FACTS.values():
        yield from fact["columns"]


def test_both_have_the_same_report_types() -> None:
    assert set(REPORTS) == set(FACTS)


def test_both_have_the_same_columns() -> None:
    names = {each["name"] for each in columns_on_the_sheet()}

    assert names == {*COLUMNS, *(f"{prefix}[key]" for prefix in METADATA)}


def test_every_column_has_the_type_it_has_on_the_sheet() -> None:
    wrong = {
        each["name"]
        for each in columns_on_the_sheet()
        if each["name"] in COLUMNS and COLUMNS[each["name"]].type not in TYPES[each["type"]]
    }

    assert wrong == set()


def test_a_column_that_is_always_utc_is_not_local() -> None:
    zones: dict[str, set[str]] = {}
    for each in columns_on_the_sheet():
        if "tz" in each:
            zones.setdefault(each["name"], set()).add(each["tz"])
    always_utc = {name for name, seen in zones.items() if seen == {"utc"}}

    assert {name for name in zones if not COLUMNS[name].local} == always_utc


def test_a_local_column_is_printed_in_utc_only_where_no_zone_can_be_asked_for(
    spec: ReportSpec, fact: Mapping[str, Any]
) -> None:
    """Then the run's zone is UTC, and reading the column as local reads it right."""
    utc = {c["name"] for c in fact["columns"] if c.get("tz") == "utc" and COLUMNS[c["name"]].local}

    assert not (utc and "timezone" in spec.parameters)


def test_columns_agree(spec: ReportSpec, fact: Mapping[str, Any]) -> None:
    names = [each["name"] for each in fact["columns"]]
    fixed = [name for name in names if not name.endswith("[key]")]

    assert sorted(spec.columns) == sorted(fixed)
    assert {f"{prefix}[key]" for prefix in spec.metadata_prefixes} == set(names) - set(fixed)
    assert spec.columns_complete == fact["columns_complete"]


def test_columns_of_documented_types_stand_in_the_order_of_the_documentation(
    spec: ReportSpec, fact: Mapping[str, Any]
) -> None:
    if fact["status"] == "documented":
        assert spec.columns == tuple(c["name"] for c in fact["columns"] if not c["name"].endswith("[key]"))


def test_parameters_agree(spec: ReportSpec, fact: Mapping[str, Any]) -> None:
    assert sorted(spec.required) == sorted(fact["required_params"])
    assert sorted(spec.optional) == sorted(fact["optional_params"])


def test_default_columns_agree(spec: ReportSpec, fact: Mapping[str, Any]) -> None:
    known = fact["default_columns"]

    assert spec.stripe_defaults == (None if known is None else tuple(known))


def test_row_keys_agree_where_the_columns_are_known(spec: ReportSpec, fact: Mapping[str, Any]) -> None:
    expected = fact["suggested_row_key"] if fact["columns"] else None

    assert spec.row_key == tuple(expected or ())


def test_the_day_is_decided_by_the_same_time(spec: ReportSpec, fact: Mapping[str, Any]) -> None:
    """Summaries have no such column, whatever decides which transactions they add up."""
    applies = spec.granularity is Granularity.ITEMIZED and fact["columns"] and fact["period"]
    expected = fact["period"]["column"] if applies else None

    assert (spec.day_column and spec.day_column.removesuffix("_utc")) == expected


def test_standing_agrees(spec: ReportSpec, fact: Mapping[str, Any]) -> None:
    assert (spec.status.value, spec.granularity.value, spec.scope.value, spec.version or None) == (
        fact["status"].removesuffix("_id"),
        fact["granularity"],
        fact["scope"].replace("_", " "),
        fact["version"],
    )
