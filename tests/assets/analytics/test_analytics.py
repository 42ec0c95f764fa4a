"""Assets of analytics on a real Dagster: their numbers, pictures and checks, and when they run."""

import base64
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.analytics.definitions import build_analytics
from connector.money import money_text
from connector.query import ReportQuery
from connector.sql.warehouse import open_warehouse
from tests.conftest import Pull
from tests.support.dagster import Orchestra, assets_of, configured
from tests.support.partitions import days

FIRST, LAST = "2026-05-01", "2026-05-05"

DAILY = {"stripe/daily_activity", "stripe/balance_over_time", "stripe/fees_by_category"}


@pytest.fixture
def reports() -> Sequence[ConfiguredReport]:
    return [configured("balance.summary.1"), configured("balance_change_from_activity.itemized.3")]


@pytest.fixture
def analytics(reports: Sequence[ConfiguredReport]) -> Mapping[str, dg.AssetsDefinition]:
    return assets_of(build_analytics(reports))


@pytest.fixture
def pulled(orchestra: Orchestra, reports: Sequence[ConfiguredReport], pull: Pull) -> Orchestra:
    """The files of five days of both reports, which are what they are made of."""
    for report in reports:
        pull(report.query, days(FIRST, 5), store=orchestra.stripe.store())
    return orchestra


def metadata_of(orchestra: Orchestra, asset: dg.AssetsDefinition, partition: str) -> Mapping[str, Any]:
    """What the newest event of a partition says."""
    return dict(orchestra.recorded(asset))[partition].metadata


def rows_of(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [dict(record.data) for record in metadata["table"].value.records]


def outcomes(result: dg.ExecuteInProcessResult) -> set[tuple[str, str | None, bool]]:
    return {(each.check_name, each.partition, each.passed) for each in result.get_asset_check_evaluations()}


def test_each_partition_of_a_range_has_an_event_with_numbers_and_a_table(
    pulled: Orchestra, analytics: Mapping[str, dg.AssetsDefinition]
) -> None:
    for asset in analytics.values():
        result = pulled.launch([asset], FIRST, LAST)

        assert result.success
        assert [key for key, _ in pulled.recorded(asset)] == [f"2026-05-0{day}" for day in range(1, 6)]
        assert {(partition, passed) for _, partition, passed in outcomes(result)} == {
            (f"2026-05-0{day}", True) for day in range(1, 6)
        }
        for _, event in pulled.recorded(asset):
            assert rows_of(event.metadata)
            assert len(rows_of(event.metadata)) == event.metadata["dagster/partition_row_count"].value


def test_the_newest_partition_of_a_run_has_the_picture(
    pulled: Orchestra, analytics: Mapping[str, dg.AssetsDefinition]
) -> None:
    for asset in analytics.values():
        pulled.launch([asset], FIRST, "2026-05-03")
        pulled.launch([asset], FIRST)

        pictures = {
            key: str(event.metadata["picture"].value)
            for key, event in pulled.recorded(asset)
            if "picture" in event.metadata
        }

        assert pictures.keys() == {"2026-05-03", FIRST}
        for each in pictures.values():
            assert base64.b64decode(each.partition("base64,")[2].rstrip(")")).startswith(b"\x89PNG")


def test_the_numbers_are_those_of_the_views(
    pulled: Orchestra, analytics: Mapping[str, dg.AssetsDefinition]
) -> None:
    for asset in analytics.values():
        pulled.launch([asset], LAST)
    with open_warehouse(pulled.root) as warehouse:
        nets = dict(
            warehouse.execute(
                "SELECT currency, sum(net) FROM daily_net WHERE _date = '2026-05-05' GROUP BY ALL"
            ).fetchall()
        )
        closings = dict(
            warehouse.execute("SELECT currency, closing FROM balances WHERE _date = '2026-05-05'").fetchall()
        )
        fees = dict(
            warehouse.execute(
                "SELECT currency, sum(fee) FROM fees_by_category WHERE _date = '2026-05-05' GROUP BY ALL"
            ).fetchall()
        )

    activity = metadata_of(pulled, analytics["stripe/daily_activity"], LAST)
    balance = metadata_of(pulled, analytics["stripe/balance_over_time"], LAST)
    charged = metadata_of(pulled, analytics["stripe/fees_by_category"], LAST)

    assert {name: activity[f"net/{name}"].value for name in nets} == pytest.approx(
        {name: float(net) for name, net in nets.items()}
    )
    assert {row["currency"]: row["closing"] for row in rows_of(balance)} == {
        name: money_text(closing, name) for name, closing in closings.items()
    }
    assert sum(Decimal(row["fee"]) for row in rows_of(charged) if row["currency"] == "usd") == fees["usd"]
    assert charged["fee/usd"].value == pytest.approx(float(fees["usd"]))


def test_partitions_without_data_are_named_and_the_others_are_recorded(
    pulled: Orchestra, analytics: Mapping[str, dg.AssetsDefinition]
) -> None:
    asset = analytics["stripe/balance_over_time"]

    result = pulled.launch([asset], "2026-05-04", "2026-05-07")

    description, metadata = pulled.failure(result)
    assert "no data for 2026-05-06 and 2026-05-07 yet" in description
    assert metadata["stripe/missing"].value == {
        "2026-05-06": ["2026-05-06"],
        "2026-05-07": ["2026-05-07"],
    }
    assert [key for key, _ in pulled.recorded(asset)] == ["2026-05-04", "2026-05-05"]


def test_a_run_of_a_report_and_what_is_made_of_it_materializes_both(
    orchestra: Orchestra, reports: Sequence[ConfiguredReport], analytics: Mapping[str, dg.AssetsDefinition]
) -> None:
    balance = analytics["stripe/balance_over_time"]

    result = orchestra.launch([build_report_asset(reports[0], retry_policy=None), balance], FIRST, LAST)

    assert result.success
    assert len(orchestra.recorded(balance)) == 5


def test_the_same_rows_have_the_same_data_version(
    pulled: Orchestra, analytics: Mapping[str, dg.AssetsDefinition]
) -> None:
    asset = analytics["stripe/daily_activity"]
    for _ in range(2):
        pulled.launch([asset], LAST)
    pulled.launch([asset], FIRST)

    *same, other = [(event.tags or {})["dagster/data_version"] for _, event in pulled.recorded(asset)]

    assert len(set(same)) == 1
    assert other not in same


def test_what_no_configured_report_says_is_left_out_and_the_log_says_what_it_takes(
    reports: Sequence[ConfiguredReport], caplog: pytest.LogCaptureFixture
) -> None:
    only_balance = build_analytics(reports[:1])

    assert set(assets_of(only_balance)) == {"stripe/balance_over_time"}
    assert "daily_activity is left out" in caplog.text
    assert "balance_change_from_activity_itemized" in caplog.text
    assert set(assets_of(build_analytics(reports))) == DAILY
    assert not build_analytics([]).assets


def test_a_report_without_the_columns_is_not_made_into_numbers(caplog: pytest.LogCaptureFixture) -> None:
    narrow = configured(
        "balance_change_from_activity.itemized.3", columns=["balance_transaction_id", "currency", "net"]
    )

    assert not build_analytics([narrow]).assets
    assert "with the columns currency, reporting_category, gross and net" in caplog.text


def test_a_report_may_not_have_the_name_of_one(reports: Sequence[ConfiguredReport]) -> None:
    named = configured("balance.summary.1", name="daily_activity")

    with pytest.raises(Exception, match="give the report another `name`"):
        build_analytics([*reports, named])


def test_hours_are_added_up_to_days() -> None:
    hourly = ConfiguredReport(ReportQuery.of("balance.summary.1", window="hourly"), start=date(2026, 5, 1))

    (asset,) = assets_of(build_analytics([hourly])).values()

    assert isinstance(asset.partitions_def, dg.TimeWindowPartitionsDefinition)
    assert asset.partitions_def.get_partition_keys()[0] == "2026-05-01"
