"""`dg scaffold defs assets.StripeReportsComponent`: what it writes is a file that loads as it is."""

from collections.abc import Iterator
from typing import Any

import click
import dagster as dg
import pytest
from dagster.components.testing import DefsFolderSandbox, create_defs_folder_sandbox

from assets import StripeReportsComponent

#: Dagster 1.13 parses a file with a function that pydantic 2 deprecates. Drop when it no longer does.
#: Its sandbox uses things of its own that it calls beta.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated"),
    pytest.mark.filterwarnings("ignore:.* is currently in beta"),
]


@pytest.fixture
def project() -> Iterator[DefsFolderSandbox]:
    with create_defs_folder_sandbox() as sandbox:
        yield sandbox


def assets_of(project: DefsFolderSandbox) -> dict[str, dg.AssetSpec]:
    with project.build_all_defs() as definitions:
        return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def test_without_options_it_asks_for_the_reports_people_come_for(project: DefsFolderSandbox) -> None:
    project.scaffold_component(StripeReportsComponent)

    assert set(assets_of(project)) == {
        "stripe/balance_summary",
        "stripe/balance_change_from_activity_itemized",
        "stripe/payouts_itemized",
        "stripe/payout_reconciliation_itemized",
        "stripe/daily_activity",
        "stripe/balance_over_time",
        "stripe/fees_by_category",
        "stripe/month_close",
    }


def test_the_options_choose_reports_and_windows(project: DefsFolderSandbox) -> None:
    options = {"reports": "balance_summary", "start": "2026-02-01", "window": "monthly", "zone": "Asia/Tokyo"}
    project.scaffold_component(StripeReportsComponent, scaffold_params=options)

    (summary,) = assets_of(project).values()
    partitions = summary.partitions_def
    assert isinstance(partitions, dg.TimeWindowPartitionsDefinition)
    assert (partitions.get_first_partition_key(), partitions.timezone) == ("2026-02-01", "Asia/Tokyo")


@pytest.mark.parametrize("window", ["hourly", "daily", "weekly", "monthly"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_the_usual_start_is_where_a_window_begins(project: DefsFolderSandbox, window: str, zone: str) -> None:
    options = {"reports": "balance_summary", "window": window, "zone": zone}
    path = project.scaffold_component(StripeReportsComponent, scaffold_params=options)

    assert "    start: 20" in (path / "defs.yaml").read_text()
    assert len(assets_of(project)) == 1


def test_two_files_in_one_project_load_together(project: DefsFolderSandbox) -> None:
    project.scaffold_component(StripeReportsComponent, "stripe_reports")
    project.scaffold_component(
        StripeReportsComponent,
        "month-end",
        {"reports": "balance_summary,balance_change_from_activity_summary", "window": "monthly"},
    )
    project.scaffold_component(StripeReportsComponent, "Month_end", {"reports": "balance_summary"})

    assert {key for key in assets_of(project) if not key.startswith("stripe/")} == {
        "month_end/balance_summary_month_end",
        "month_end/balance_change_from_activity_summary",
        "month_end/daily_activity",
        "month_end/balance_over_time",
        "month_end/fees_by_category",
        "month_end_2/balance_summary_month_end_2",
    }


def test_the_same_folder_again_is_the_same_file(project: DefsFolderSandbox) -> None:
    path = project.scaffold_component(StripeReportsComponent, "stripe_reports")
    before = (path / "defs.yaml").read_text()
    (project.defs_folder_path / "odd").mkdir()
    (project.defs_folder_path / "odd" / "defs.yaml").write_text("type: [")

    project.scaffold_component(StripeReportsComponent, "stripe_reports")

    assert (path / "defs.yaml").read_text() == before


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        pytest.param({"reports": "balance_sumary"}, "balance_summary", id="report"),
        pytest.param({"window": "montly"}, "monthly", id="window"),
        pytest.param({"zone": "Europe/Berlln"}, "Europe/Berlin", id="zone"),
        pytest.param({"window": "monthly", "start": "2026-02-02"}, "2026-02-01", id="start"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(
    project: DefsFolderSandbox, options: dict[str, Any], answer: str
) -> None:
    with pytest.raises(click.UsageError, match=answer):
        project.scaffold_component(StripeReportsComponent, scaffold_params=options)
