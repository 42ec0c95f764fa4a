"""The code location as it ships: it loads without a key and without a network, and says what it holds."""

import socket
from datetime import date
from typing import Any, NoReturn

import dagster as dg
import pytest

from assets import ConfiguredReport, report_asset_spec
from assets.definitions import defs
from assets.resources import StripeReporting
from connector.catalogue import REPORTS, ReportSpec, Status, columns_of
from connector.money import NARROW
from connector.query import ReportQuery

DOCUMENTED = [spec for spec in REPORTS.values() if spec.status is Status.DOCUMENTED]


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("something reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refused)


def configured(report: str = "balance.summary.1", **query: Any) -> ConfiguredReport:
    return ConfiguredReport(ReportQuery.of(report, **query), start=date(2026, 1, 1))


@pytest.mark.parametrize("key", [None, "rk_test_51something"], ids=["without a key", "with a key"])
def test_the_definitions_load_without_a_network(
    offline: None, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    monkeypatch.delenv("STRIPE_API_KEY", raising=False)
    if key:
        monkeypatch.setenv("STRIPE_API_KEY", key)

    loaded = defs()

    dg.Definitions.validate_loadable(loaded)
    assert {spec.key.to_user_string() for spec in loaded.resolve_all_asset_specs()} == {
        "stripe/balance_summary",
        "stripe/balance_change_from_activity_itemized",
        "stripe/payouts_itemized",
        "stripe/payout_reconciliation_itemized",
        "stripe/daily_activity",
        "stripe/balance_over_time",
        "stripe/fees_by_category",
        "stripe/month_close",
    }
    assert "rk_test_51something" not in repr(loaded)


def test_a_report_says_what_it_is_before_it_is_materialized() -> None:
    spec = report_asset_spec(configured("balance_change_from_activity.itemized.3"))

    schema = spec.metadata["dagster/column_schema"]
    columns = {column.name: column for column in schema.columns}
    assert spec.kinds == {"stripe", "parquet"}
    assert spec.tags["stripe/report_type"] == "balance_change_from_activity.itemized.3"
    assert columns["net"].type == NARROW
    assert "major units" in (columns["net"].description or "")
    assert columns["created_utc"].type == "timestamp[us, tz=UTC]"
    assert schema.constraints.other == ["unique (balance_transaction_id)"]


def as_asset(id: str) -> dg.AssetSpec:
    query = ReportQuery.of(id) if id in REPORTS else ReportQuery.of(id, columns={})
    return report_asset_spec(ConfiguredReport(query, start=None if query.by_payout else date(2026, 1, 1)))


@pytest.mark.parametrize("id", [*REPORTS, f"moon_{'rent_' * 20}.itemized.1"])
def test_every_report_type_however_long_its_id_is_an_asset_that_names_it(id: str) -> None:
    spec = as_asset(id)
    kept = spec.tags["stripe/report_type"]

    assert spec.metadata["stripe/report_type"] == id
    assert kept == id or (id.startswith(kept[:50]) and id.endswith(kept[-10:]) and len(kept) == 63)


def test_no_two_report_types_have_the_same_tag() -> None:
    assert len({as_asset(id).tags["stripe/report_type"] for id in REPORTS}) == len(REPORTS)


@pytest.mark.parametrize("spec", DOCUMENTED, ids=lambda spec: spec.id)
def test_personal_data_named_mark_the_asset_and_their_columns_and_nothing_else_does(spec: ReportSpec) -> None:
    """Every personal column of every documented type, those made of metadata keys too."""
    names = (*spec.columns, *(f"{prefix}[order_id]" for prefix in spec.metadata_prefixes))
    personal = {each.name: each.stored_name for each in columns_of(spec, names) if each.personal}
    plain = report_asset_spec(configured(spec.id))

    assert "stripe/personal_data" not in plain.tags
    assert marked(plain) == set()
    for name, stored_name in personal.items():
        others = [each for each in names if each not in personal]
        asked = report_asset_spec(configured(spec.id, columns=[*others, name]))
        assert "stripe/personal_data" in asked.tags
        assert marked(asked) == {stored_name}
    assert {f"{prefix}[order_id]" for prefix in spec.metadata_prefixes} <= personal.keys()


def marked(spec: dg.AssetSpec) -> set[str]:
    """The columns that Dagster shows as personal."""
    columns = spec.metadata["dagster/column_schema"].columns
    return {column.name for column in columns if "personal" in column.tags}


def test_what_to_beware_of_stands_in_the_description() -> None:
    observed = report_asset_spec(configured("failed_payouts.itemized.2"))
    described = report_asset_spec(configured("moon_rent.1", columns={"rent": "money"}))

    assert "is known from programs that use it" in (observed.description or "")
    assert "its files are read by their header" in (observed.description or "")
    assert "is used as configured" in (described.description or "")
    assert marked(report_asset_spec(configured("moon_rent.1", columns={"tenant_name": "text"}))) == {
        "tenant_name"
    }


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"columns": ["category", "net_amount"]}, id="other-columns"),
        pytest.param({"columns": ["net_amount", "category", "description", "currency"]}, id="other-order"),
        pytest.param({"filters": {"currency": "eur"}}, id="other-filter"),
        pytest.param({"report": "balance.summary.2"}, id="other-version"),
        pytest.param(
            {"columns": {"category": None, "description": None, "net_amount": "text", "currency": None}},
            id="other-type",
        ),
        pytest.param({"columns": {}}, id="read-by-the-header"),
    ],
)
def test_the_code_version_changes_with_the_query(query: dict[str, Any]) -> None:
    assert configured(**query).code_version != configured().code_version


@pytest.mark.parametrize(
    ("report", "version"),
    [
        ("balance.summary.1", "3e3019fb937d99cb"),
        ("balance_change_from_activity.itemized.3", "cd64b42ac9ddfba5"),
        ("connected_account_tax.transactions.itemized.2", "26924c0c3d928a53"),
    ],
)
def test_the_code_version_is_what_it_was(report: str, version: str) -> None:
    """Another one makes everything downstream stale, so a change here must be meant."""
    assert configured(report).code_version == version


def test_the_resource_does_not_show_its_key() -> None:
    resource = StripeReporting(api_key="rk_test_51something")

    assert "something" not in repr(resource) + str(resource)
