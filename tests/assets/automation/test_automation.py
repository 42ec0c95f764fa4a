"""The sensors, schedules and checks of one account, as the component brings them."""

from datetime import date

import dagster as dg
import pytest

from assets import ConfiguredReport, StripeReporting, StripeReportsComponent
from assets.automation.automation import Automation
from connector.query import ReportQuery

REPORTS = [
    ConfiguredReport(ReportQuery.of("balance.summary.1"), start=date(2026, 5, 1)),
    ConfiguredReport(
        ReportQuery.of("balance.summary.1", name="monthly", window="monthly"), start=date(2026, 5, 1)
    ),
]


def built(automation: Automation, *, resource_key: str = "stripe") -> dg.Definitions:
    component = StripeReportsComponent(
        reports=REPORTS,
        connection=StripeReporting(api_key=dg.EnvVar("NOT_SET_ANYWHERE")),
        resource_key=resource_key,
        automation=automation,
    )
    return component.build_defs(dg.ComponentTree.for_test().load_context)


def running(definitions: dg.Definitions) -> set[str]:
    """What is switched on when the code location is loaded for the first time."""
    sensors = {each.name for each in definitions.sensors or () if each.default_status.value == "RUNNING"}
    schedules = {
        each.name
        for each in definitions.schedules or ()
        if isinstance(each, dg.ScheduleDefinition) and each.default_status.value == "RUNNING"
    }
    return sensors | schedules


@pytest.mark.parametrize(
    ("automation", "expected"),
    [
        pytest.param(
            Automation(),
            {"stripe_late_reports", "stripe_availability", "stripe_newest_partitions"},
            id="the-sensor-asks",
        ),
        pytest.param(
            Automation(ask_by="schedule"),
            {
                "stripe_late_reports",
                "stripe_reports",
                "stripe_reports_monthly",
                "stripe_newest_partitions",
            },
            id="the-schedule-asks",
        ),
        pytest.param(Automation(ask_by="hand", pick_up_late=False, check_newest=False), set(), id="by-hand"),
    ],
)
def test_of_sensor_and_schedule_one_ships_running(automation: Automation, expected: set[str]) -> None:
    assert running(built(automation)) == expected


def test_the_definitions_load_without_a_key() -> None:
    definitions = built(Automation())

    dg.Definitions.validate_loadable(definitions)
    assert len(definitions.resolve_all_asset_specs()) == len(REPORTS)


def test_two_accounts_live_in_one_code_location() -> None:
    first, second = built(Automation()), built(Automation(), resource_key="other")

    names = [each.name for definitions in (first, second) for each in definitions.sensors or ()]

    assert len(names) == len(set(names)) == 4


@pytest.mark.parametrize(
    ("automation", "late", "missing", "payouts"),
    [
        (Automation(), "the sensor for late reports", "the availability sensor", "the sensor for payouts"),
        (
            Automation(ask_by="schedule"),
            "the sensor for late reports",
            "the schedule",
            "the sensor for payouts",
        ),
        (Automation(ask_by="hand"), "the sensor for late reports", None, None),
        (
            Automation(pick_up_late=False),
            None,
            "the availability sensor",
            "the sensor for payouts",
        ),
    ],
    ids=["as-it-ships", "schedule", "hand", "late-is-off"],
)
def test_messages_name_what_is_configured_to_look_after_a_partition(
    automation: Automation, late: str | None, missing: str | None, payouts: str | None
) -> None:
    by_payout = ConfiguredReport(ReportQuery.of("payout_reconciliation_by_id_itemized"))
    source = ConfiguredReport(ReportQuery.of("payout_reconciliation_itemized"), start=date(2026, 5, 1))

    (windows, named, _) = automation.looking_after([REPORTS[0], by_payout, source])
    (unnamed,) = automation.looking_after([by_payout])

    assert (windows.caretakers.late, windows.caretakers.missing) == (late, missing)
    assert (named.caretakers.late, named.caretakers.missing) == (late, payouts)
    assert unnamed.caretakers.missing is None
