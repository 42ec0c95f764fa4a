"""The month close as an asset: its numbers, whether it stands, and what a sign-off makes of later changes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.analytics.definitions import build_analytics
from connector.close import Month, Register, SignOff, close_month
from connector.close.sign_off import Sums
from connector.money import money_text
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.conftest import Pull
from tests.support.dagster import Orchestra, assets_of, configured

MONTH, FIRST = "2026-05-01", "2026-05-01"

TYPES = ("balance.summary.1", "balance_change_from_activity.itemized.3", "payouts.itemized.3")

#: The same with a file for each month.
WHOLE = [ConfiguredReport(ReportQuery.of(each, window="monthly"), start=date(2026, 5, 1)) for each in TYPES]


@pytest.fixture
def reports() -> Sequence[ConfiguredReport]:
    return [configured(each) for each in TYPES]


@pytest.fixture
def month_close(reports: Sequence[ConfiguredReport]) -> dg.AssetsDefinition:
    return assets_of(build_analytics(reports))["stripe/month_close"]


@pytest.fixture
def pulled(orchestra: Orchestra, reports: Sequence[ConfiguredReport], pull: Pull) -> Orchestra:
    """The files of all days of May, which are what it is made of."""
    for report in reports:
        pull(report.query, Month.of("2026-05").partitions("daily", "UTC"), store=orchestra.stripe.store())
    return orchestra


def checked(result: dg.ExecuteInProcessResult) -> Mapping[str, tuple[bool, str]]:
    return {
        each.check_name: (each.passed, str(each.description)) for each in result.get_asset_check_evaluations()
    }


def close(orchestra: Orchestra, reports: Sequence[ConfiguredReport]) -> Any:
    datasets = [report.query.dataset(mode=orchestra.stripe.mode(), account=None) for report in reports]
    return close_month(orchestra.stripe.store(), datasets, Month.of("2026-05"))


def test_a_month_of_days_is_the_month_that_the_command_closes(
    pulled: Orchestra, reports: Sequence[ConfiguredReport], month_close: dg.AssetsDefinition
) -> None:
    result = pulled.launch([month_close], MONTH)

    assert result.success
    assert checked(result) == {
        "month_can_be_closed": (True, "Nothing speaks against closing the month."),
        "month_is_as_signed_off": (True, "Not applicable: the month is not signed off."),
    }
    ((partition, event),) = pulled.recorded(month_close)
    rows = {record.data["currency"]: record.data for record in event.metadata["table"].value.records}  # type: ignore[union-attr]
    sheets = {sheet.currency: sheet for sheet in close(pulled, reports).sheets}
    assert partition == MONTH
    assert rows.keys() == sheets.keys()
    for name, row in rows.items():
        assert row["opening"] == money_text(sheets[name].opening, name)
        assert row["closing"] == money_text(sheets[name].closing, name)
        assert event.metadata[f"closing/{name}"].value == pytest.approx(float(sheets[name].closing))
    assert "base64," in str(event.metadata["picture"].value)
    assert "Can be closed" in str(event.metadata["sheet"].value)


def test_a_month_that_changed_after_its_sign_off_fails_and_names_the_file(orchestra: Orchestra) -> None:
    month_close = pull_whole(orchestra, WHOLE)
    closing = close(orchestra, WHOLE)
    sums = tuple(Sums.of(sheet) for sheet in closing.sheets)
    inputs = list(closing.inputs)
    inputs[1:2] = [type(inputs[1])(**{**_fields(inputs[1]), "data_version": "x", "csv_sha256": "y"})]
    register, month = Register(orchestra.root, orchestra.stripe.mode()), Month.of("2026-05")

    register.sign(month, SignOff("2026-05", datetime(2026, 6, 2, tzinfo=UTC), "J. Doe", tuple(inputs), sums))
    changed = checked(orchestra.launch([month_close], MONTH))["month_is_as_signed_off"]
    register.reopen(month, datetime(2026, 6, 3, tzinfo=UTC), None)
    register.sign(month, SignOff("2026-05", datetime(2026, 6, 3, tzinfo=UTC), None, closing.inputs, sums))
    signed_again = checked(orchestra.launch([month_close], MONTH))["month_is_as_signed_off"]

    assert changed[0] is False
    assert f"{inputs[1].table} {inputs[1].key} changed after the sign-off" in changed[1]
    assert signed_again == (True, "The month is as it was signed off.")


def test_tables_that_the_project_does_not_have_are_not_missed(orchestra: Orchestra, pull: Pull) -> None:
    month_close, store = pull_whole(orchestra, WHOLE), orchestra.stripe.store()
    more = ReportQuery.of("payout_reconciliation.itemized.5", window="monthly")
    pull(more, Month.of("2026-05").partitions("monthly", "UTC"), store=store)
    closing = close_month(store, store.datasets(), Month.of("2026-05"))
    sums = tuple(Sums.of(sheet) for sheet in closing.sheets)
    signed = SignOff("2026-05", datetime(2026, 6, 2, tzinfo=UTC), "J. Doe", closing.inputs, sums)
    Register(orchestra.root, orchestra.stripe.mode()).sign(Month.of("2026-05"), signed)

    checks = checked(orchestra.launch([month_close], MONTH))

    assert {each.table for each in closing.inputs} > {each.query.name for each in WHOLE}
    assert checks["month_is_as_signed_off"] == (True, "The month is as it was signed off.")


def pull_whole(orchestra: Orchestra, reports: Sequence[ConfiguredReport]) -> dg.AssetsDefinition:
    """Launch May of the reports that have months, and the asset that is made of them all."""
    for report in WHOLE:
        assert orchestra.launch([build_report_asset(report, retry_policy=None)], MONTH).success
    return assets_of(build_analytics(reports))["stripe/month_close"]


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in type(value).__slots__}


def test_a_month_without_all_its_days_cannot_be_closed(
    orchestra: Orchestra, reports: Sequence[ConfiguredReport], month_close: dg.AssetsDefinition
) -> None:
    for report in reports:
        orchestra.launch([build_report_asset(report, retry_policy=None)], FIRST, "2026-05-02")

    passed, reason = checked(orchestra.launch([month_close], MONTH))["month_can_be_closed"]

    assert passed is False
    assert "balance_summary lacks 2026-05-03" in reason


def test_payouts_are_tied_to_files_of_their_own_which_nobody_waits_for(
    orchestra: Orchestra, simulator: Simulator, pull: Pull
) -> None:
    single = ConfiguredReport(ReportQuery.of("payout_reconciliation.by_id.itemized.4"))
    made = pull_whole(orchestra, [*WHOLE, single])
    (paid, *_) = simulator.ledger().payouts(as_of=int(simulator.now().timestamp()))
    pull(single.query, [single.query.payout(paid.id)], store=orchestra.stripe.store())

    assert orchestra.launch([made], MONTH).success

    ((_, event),) = orchestra.recorded(made)
    assert "1 of " in str(event.metadata["sheet"].value)
    assert single.key not in made.dependency_keys


def test_it_has_the_whole_months_that_all_reports_have(month_close: dg.AssetsDefinition) -> None:
    late = ConfiguredReport(ReportQuery.of("balance.summary.1"), start=date(2026, 5, 2))
    others = [configured(each) for each in TYPES[1:]]
    later = assets_of(build_analytics([late, *others]))["stripe/month_close"].partitions_def

    assert {key.path[-1] for key in month_close.dependency_keys} == {
        "balance_summary",
        "balance_change_from_activity_itemized",
        "payouts_itemized",
    }
    assert isinstance(later, dg.TimeWindowPartitionsDefinition)
    assert later.get_first_partition_key() == "2026-06-01"


def test_without_payouts_it_is_left_out_and_the_log_says_so(
    reports: Sequence[ConfiguredReport], caplog: pytest.LogCaptureFixture
) -> None:
    made = build_analytics(reports[:2])

    assert "stripe/month_close" not in assets_of(made)
    assert (
        "month_close is left out. There is no table of payouts beside balance_summary. Add payouts_itemized "
        "to `reports` in defs.yaml."
    ) in caplog.text
