"""Payouts as partitions: found in the files of reports that name them, requested, and published."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import dagster as dg
import pyarrow as pa
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.automation.newest_partition import build_newest_partition_check
from assets.automation.schedules import build_report_schedule
from assets.sensors.availability_sensor import build_availability_sensor
from assets.sensors.late_sensor import build_late_report_sensor
from assets.sensors.payout_sensor import build_payout_sensor
from assets.sensors.payout_sources import PROGRESS_CURSOR, PayoutProgress, PendingPayout, find_source
from connector.accounts import AccountLives
from connector.dataset.store import Store
from connector.errors import ConfigurationError
from connector.query import ReportQuery
from connector.runs.adoption import WaitPolicy
from connector.simulator import Match, Simulator
from connector.simulator.faults import Stage
from tests.faults.network import Respond
from tests.faults.runs import RunFails, RunTakes
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra
from tests.support.sensing import Daemon

ONE_PAYOUT = "payout_reconciliation.by_id.itemized.4"
ONE_PAYOUT_THERE = "connected_account_payout_reconciliation.by_id.itemized.4"
HOUR = 3600.0
HALF_DAY = 43_200.0
FIRST, THIRD, LAST = "2026-06-01", "2026-06-03", "2026-06-05"

Sensing = Callable[..., Daemon]


def report_on(report: str, **options: object) -> ConfiguredReport:
    return ConfiguredReport(ReportQuery.of(report), **options)  # type: ignore[arg-type]


@pytest.fixture
def naming() -> ConfiguredReport:
    """The report whose rows name payouts."""
    return report_on("payout_reconciliation.itemized.4", start=date(2026, 5, 1))


@pytest.fixture
def one_payout() -> ConfiguredReport:
    return report_on(ONE_PAYOUT, wait_policy=WaitPolicy(wait_timeout=timedelta(minutes=1)))


@pytest.fixture
def assets(naming: ConfiguredReport, one_payout: ConfiguredReport) -> Sequence[dg.AssetsDefinition]:
    return [build_report_asset(each, retry_policy=None) for each in (naming, one_payout)]


@pytest.fixture
def daemon(
    orchestra: Orchestra,
    naming: ConfiguredReport,
    one_payout: ConfiguredReport,
    assets: Sequence[dg.AssetsDefinition],
) -> Daemon:
    return Daemon(orchestra, assets, build_payout_sensor([naming, one_payout]))


def rows(orchestra: Orchestra, report: ConfiguredReport, keys: Sequence[str] | None = None) -> pa.Table:
    return (
        Store(orchestra.root).arrow_dataset(report.query.dataset(mode="test", account=None), keys).to_table()
    )


def by_payout(table: pa.Table) -> dict[str, dict[str, Decimal]]:
    """Payout to what its rows add up to, by currency."""
    found: dict[str, dict[str, Decimal]] = {}
    for row in table.to_pylist():
        of_one = found.setdefault(row["automatic_payout_id"], {})
        of_one[row["currency"]] = of_one.get(row["currency"], Decimal(0)) + row["net"]
    return found


def test_a_payout_that_is_named_becomes_a_partition_and_is_requested_once(
    *,
    orchestra: Orchestra,
    assets: Sequence[dg.AssetsDefinition],
    daemon: Daemon,
    naming: ConfiguredReport,
    one_payout: ConfiguredReport,
    simulator: Simulator,
) -> None:
    orchestra.launch(assets[:1], FIRST, LAST)
    expected = by_payout(rows(orchestra, naming))
    before = len(simulator.runs)

    first, second = daemon.tick_and_run(), daemon.tick_and_run()

    known = orchestra.instance.get_dynamic_partitions(str(one_payout.payouts.name))
    assert set(known) == set(expected)
    assert len(expected) > 3
    assert len(first.requests) == 1
    assert second.requests == []
    assert len(orchestra.recorded(assets[1])) == len(expected)
    assert len(simulator.runs) == before + len(expected)
    for payout, amounts in expected.items():
        held = rows(orchestra, one_payout, [payout])
        sums = held.group_by("currency").aggregate([("net", "sum")]).to_pylist()
        assert {row["currency"]: row["net_sum"] for row in sums} == amounts
        assert set(held["period"].to_pylist()) == {payout}


def test_payouts_of_files_that_come_later_are_added_to_those_there_are(
    orchestra: Orchestra, assets: Sequence[dg.AssetsDefinition], daemon: Daemon, one_payout: ConfiguredReport
) -> None:
    orchestra.launch(assets[:1], FIRST)
    daemon.tick_and_run()
    before = orchestra.instance.get_dynamic_partitions(str(one_payout.payouts.name))
    orchestra.launch(assets[:1], "2026-06-02")

    tick = daemon.tick_and_run()

    after = orchestra.instance.get_dynamic_partitions(str(one_payout.payouts.name))
    assert list(after[: len(before)]) == list(before)
    assert len(after) > len(before)
    assert len(tick.requests) == 1
    assert len(orchestra.recorded(assets[1])) == len(after)


def test_a_lost_cursor_loses_nothing_and_requests_nothing_twice(
    orchestra: Orchestra, assets: Sequence[dg.AssetsDefinition], daemon: Daemon, simulator: Simulator
) -> None:
    orchestra.launch(assets[:1], FIRST, LAST)
    daemon.tick_and_run()
    runs = len(simulator.runs)
    daemon.cursor = None

    tick = daemon.tick_and_run()

    assert tick.requests == []
    assert len(simulator.runs) == runs


def test_payouts_with_other_columns_than_are_configured_are_requested_once_more(
    orchestra: Orchestra,
    naming: ConfiguredReport,
    assets: Sequence[dg.AssetsDefinition],
    simulator: Simulator,
) -> None:
    few = ["automatic_payout_id", "balance_transaction_id", "currency", "net"]
    before = ConfiguredReport(ReportQuery.of(ONE_PAYOUT, columns=few))
    asset = build_report_asset(before, retry_policy=None)
    orchestra.launch(assets[:1], FIRST)
    Daemon(orchestra, [assets[0], asset], build_payout_sensor([naming, before])).tick_and_run()
    payouts, runs = orchestra.recorded(asset), len(simulator.runs)
    now = ConfiguredReport(ReportQuery.of(ONE_PAYOUT, columns=[*few, "gross"]))
    asset = build_report_asset(now, retry_policy=None)
    daemon = Daemon(orchestra, [assets[0], asset], build_payout_sensor([naming, now]))

    first, second = daemon.tick_and_run(), daemon.tick_and_run()

    assert len(first.requests) == 1
    assert second.requests == []
    assert len(simulator.runs) == runs + len(payouts)
    assert "gross" in rows(orchestra, now).schema.names


def test_without_anything_new_stripe_is_not_called(
    orchestra: Orchestra, assets: Sequence[dg.AssetsDefinition], daemon: Daemon, simulator: Simulator
) -> None:
    orchestra.launch(assets[:1], FIRST)
    daemon.tick_and_run()
    before = len(simulator.requests)

    assert "0 new payouts" in daemon.tick().skipped
    assert len(simulator.requests) == before


def test_payouts_of_long_ago_become_partitions_and_are_not_requested(
    orchestra: Orchestra,
    assets: Sequence[dg.AssetsDefinition],
    naming: ConfiguredReport,
    one_payout: ConfiguredReport,
) -> None:
    """A backfill of three years must not request a thousand payouts."""
    orchestra.launch(assets[:1], "2026-05-18", "2026-05-20")
    sensor = build_payout_sensor([naming, one_payout], reach=timedelta(days=10))

    tick = Daemon(orchestra, assets, sensor).tick_and_run()

    assert tick.requests == []
    assert orchestra.instance.get_dynamic_partitions(str(one_payout.payouts.name))


def test_by_hand_payouts_only_become_partitions(
    orchestra: Orchestra,
    assets: Sequence[dg.AssetsDefinition],
    naming: ConfiguredReport,
    one_payout: ConfiguredReport,
    simulator: Simulator,
) -> None:
    orchestra.launch(assets[:1], FIRST)
    runs = len(simulator.runs)

    tick = Daemon(orchestra, assets, build_payout_sensor([naming, one_payout], request=False)).tick_and_run()

    (payout, *_) = orchestra.instance.get_dynamic_partitions(str(one_payout.payouts.name))
    assert tick.requests == []
    assert len(simulator.runs) == runs
    assert orchestra.launch(assets[1:], payout).success


def test_a_payout_stripe_does_not_have_yet_is_requested_again_when_its_data_advance(
    orchestra: Orchestra,
    assets: Sequence[dg.AssetsDefinition],
    daemon: Daemon,
    simulator: Simulator,
    clock: ManualClock,
) -> None:
    orchestra.launch(assets[:1], FIRST)
    said = {"type": "invalid_request_error", "message": "Not reconciled yet.", "param": "parameters[payout]"}
    refusal = simulator.faults.add(
        Respond(400, {"error": said}, stage=Stage.BEFORE), Match(report_type=ONE_PAYOUT), times=None
    )

    ticks = [daemon.tick_and_run() for _ in range(3)]
    simulator.faults.remove(refusal)
    clock.sleep(HALF_DAY)
    later = [daemon.tick_and_run() for _ in range(2)]

    assert [len(tick.requests) for tick in (*ticks, *later)] == [1, 0, 0, 1, 0]
    assert orchestra.recorded(assets[1])
    run = orchestra.instance.get_runs(limit=2)[-1]
    assert run.tags["stripe/outcome"] == "not_ready"


def test_a_payout_is_given_up_after_the_look_back(
    *,
    orchestra: Orchestra,
    assets: Sequence[dg.AssetsDefinition],
    naming: ConfiguredReport,
    one_payout: ConfiguredReport,
    simulator: Simulator,
    clock: ManualClock,
) -> None:
    orchestra.launch(assets[:1], FIRST)
    simulator.faults.add(RunFails(), Match(report_type=ONE_PAYOUT), times=None)
    daemon = Daemon(orchestra, assets, build_payout_sensor([naming, one_payout], look_back=timedelta(days=1)))
    asked = []

    for _ in range(5):
        asked.append(len(daemon.tick_and_run().requests))
        clock.sleep(HALF_DAY)

    assert asked == [1, 1, 0, 0, 0]


def test_a_late_payout_is_picked_up_by_the_sensor_for_late_reports(
    *,
    orchestra: Orchestra,
    assets: Sequence[dg.AssetsDefinition],
    daemon: Daemon,
    naming: ConfiguredReport,
    one_payout: ConfiguredReport,
    simulator: Simulator,
    clock: ManualClock,
) -> None:
    orchestra.launch(assets[:1], FIRST)
    simulator.faults.add(RunTakes(HOUR), Match(report_type=ONE_PAYOUT), times=None)
    daemon.tick_and_run()
    payouts = orchestra.instance.get_dynamic_partitions(str(one_payout.payouts.name))
    late = Daemon(orchestra, assets, build_late_report_sensor([naming, one_payout]))
    runs = len(simulator.runs)

    waiting = late.tick_and_run()
    clock.sleep(HOUR)
    found = late.tick_and_run()

    assert f"{len(payouts)} still pending at Stripe" in waiting.skipped
    assert len(found.requests) == 1
    assert sorted(key for key, _ in orchestra.recorded(assets[1])) == sorted(payouts)
    assert len(simulator.runs) == runs
    assert late.tick().skipped == "Nothing to do: no partition's latest run failed or timed out."


def test_a_key_that_was_mistyped_by_hand_is_refused_and_holds_no_sensor_up(
    orchestra: Orchestra,
    assets: Sequence[dg.AssetsDefinition],
    naming: ConfiguredReport,
    one_payout: ConfiguredReport,
    simulator: Simulator,
) -> None:
    orchestra.instance.add_dynamic_partitions(str(one_payout.payouts.name), ["payout 1"])

    result = orchestra.launch(assets[1:], "payout 1")

    message, _ = orchestra.failure(result)
    assert "'payout 1' is not a payout id; one looks like po_1A2b3C" in message
    assert simulator.runs == []
    late = Daemon(orchestra, assets, build_late_report_sensor([naming, one_payout])).tick()
    assert late.skipped == "Nothing to do: no partition's latest run failed or timed out."


def test_payouts_of_connected_accounts_say_whose_they_are(orchestra: Orchestra, simulator: Simulator) -> None:
    naming = report_on("connected_account_payout_reconciliation.itemized.5", start=date(2026, 5, 1))
    one_payout = report_on(ONE_PAYOUT_THERE)
    assets = [build_report_asset(each, retry_policy=None) for each in (naming, one_payout)]
    orchestra.launch(assets[:1], FIRST)
    daemon = Daemon(orchestra, assets, build_payout_sensor([naming, one_payout]))

    daemon.tick_and_run()

    expected = {
        (row["connected_account"], row["automatic_payout_id"]) for row in rows(orchestra, naming).to_pylist()
    }
    held = rows(orchestra, one_payout)
    assert {tuple(key.split(":")) for key, _ in orchestra.recorded(assets[1])} == expected
    assert set(zip(held["connected"].to_pylist(), held["period"].to_pylist(), strict=True)) == expected
    assert sorted(held["balance_transaction_id"].to_pylist()) == sorted(
        rows(orchestra, naming)["balance_transaction_id"].to_pylist()
    )


def acting(report: str, accounts: Sequence[str], **options: object) -> ConfiguredReport:
    query = ReportQuery.of(report, acting=True)
    return ConfiguredReport(query, acting_accounts=AccountLives.of(accounts), **options)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:Non-compliant tag keys like .'dagster/partition/")
def test_payouts_of_accounts_that_are_acted_for_are_asked_for_in_the_name_of_each(
    orchestra: Orchestra, simulator: Simulator
) -> None:
    """Those in the list of the report about payouts, which is shorter than that of the other one."""
    accounts = simulator.connected_accounts
    naming = acting("payout_reconciliation.itemized.4", accounts, start=date(2026, 5, 1))
    one_payout = acting(ONE_PAYOUT, accounts[:2])
    assets = [build_report_asset(each, retry_policy=None) for each in (naming, one_payout)]
    for account in accounts:
        orchestra.launch(assets[:1], f"{account}|{FIRST}", f"{account}|{THIRD}")
    daemon = Daemon(orchestra, assets, build_payout_sensor([naming, one_payout]))

    daemon.tick_and_run()

    named = {(row["account"], row["automatic_payout_id"]) for row in rows(orchestra, naming).to_pylist()}
    expected = {(account, payout) for account, payout in named if account in accounts[:2]}
    held = rows(orchestra, one_payout)
    assert {account for account, _ in expected} == {*accounts[:2]}
    assert {tuple(key.split(":")) for key, _ in orchestra.recorded(assets[1])} == expected
    assert set(zip(held["account"].to_pylist(), held["period"].to_pylist(), strict=True)) == expected
    asked = {each.account for each in simulator.requests if each.method == "POST"}
    assert asked == {*accounts}


@pytest.mark.filterwarnings("ignore:Non-compliant tag keys like .'dagster/partition/")
def test_a_late_payout_of_an_account_that_is_acted_for_is_picked_up(
    orchestra: Orchestra, simulator: Simulator, clock: ManualClock
) -> None:
    accounts = simulator.connected_accounts
    naming = acting("payout_reconciliation.itemized.4", accounts, start=date(2026, 5, 1))
    one_payout = acting(ONE_PAYOUT, accounts, wait_policy=WaitPolicy(wait_timeout=timedelta(minutes=1)))
    assets = [build_report_asset(each, retry_policy=None) for each in (naming, one_payout)]
    for account in accounts:
        orchestra.launch(assets[:1], f"{account}|{FIRST}", f"{account}|{THIRD}")
    simulator.faults.add(RunTakes(HOUR), Match(report_type=ONE_PAYOUT), times=99)
    daemon = Daemon(orchestra, assets, build_payout_sensor([naming, one_payout]))
    daemon.tick_and_run()
    created = len(simulator.runs)
    clock.sleep(HOUR + 60)

    Daemon(orchestra, assets, build_late_report_sensor([naming, one_payout])).tick_and_run()

    named = {(row["account"], row["automatic_payout_id"]) for row in rows(orchestra, naming).to_pylist()}
    assert {tuple(key.split(":")) for key, _ in orchestra.recorded(assets[1])} == named != set()
    assert len(simulator.runs) == created


@pytest.mark.parametrize("way", ["by a parameter", "by the header"])
@pytest.mark.filterwarnings("ignore:Non-compliant tag keys like .'dagster/partition/")
def test_payouts_of_an_account_that_left_fail_once_and_hold_up_nothing_else(
    orchestra: Orchestra, simulator: Simulator, way: str
) -> None:
    """Until a person has launched one of them, once the account is back."""
    accounts = simulator.connected_accounts
    if way == "by the header":
        naming = acting("payout_reconciliation.itemized.4", accounts, start=date(2026, 5, 1))
        one_payout = acting(ONE_PAYOUT, accounts)
        keys = [(f"{each}|{FIRST}", f"{each}|{THIRD}") for each in accounts]
    else:
        naming = report_on("connected_account_payout_reconciliation.itemized.5", start=date(2026, 5, 1))
        one_payout, keys = report_on(ONE_PAYOUT_THERE), [(FIRST, THIRD)]
    assets = [build_report_asset(each, retry_policy=None) for each in (naming, one_payout)]
    for first, last in keys:
        orchestra.launch(assets[:1], first, last)
    simulator.leave(accounts[1])
    daemon = Daemon(orchestra, assets, build_payout_sensor([naming, one_payout]))
    late = Daemon(orchestra, assets, build_late_report_sensor([naming, one_payout]))

    daemon.tick_and_run()
    launched, asked = orchestra.instance.get_runs_count(), len(simulator.requests)
    ticks = [daemon.tick_and_run() for _ in range(3)]
    picked_up = [late.tick() for _ in range(3)]
    there = {key.partition(":")[0] for key, _ in orchestra.recorded(assets[1])}
    quiet = simulator.requests[asked:]
    simulator.come_back(accounts[1])
    (one, *others) = sorted(
        key
        for key in orchestra.instance.get_dynamic_partitions(str(one_payout.payouts.name))
        if key.startswith(accounts[1])
    )
    orchestra.launch(assets[1:], one)
    daemon.tick_and_run()

    assert there == {accounts[0], accounts[2]}
    assert orchestra.instance.get_runs_count() > launched
    assert [each.requests for each in ticks] == [[]] * 3
    assert all(f"not requested, of accounts that are gone: {accounts[1]}" in each.skipped for each in ticks)
    assert {each.skipped for each in picked_up} == {
        "Nothing to do: no partition's latest run failed or timed out."
    }
    assert {each.path for each in quiet} == {"/v1/reporting/report_types"}
    assert {one, *others} <= {key for key, _ in orchestra.recorded(assets[1])}


def test_itemized_and_summary_of_payouts_share_their_partitions(
    orchestra: Orchestra, naming: ConfiguredReport, one_payout: ConfiguredReport
) -> None:
    summary = report_on("payout_reconciliation.by_id.summary.1")
    reports = [naming, one_payout, summary]
    assets = [build_report_asset(each, retry_policy=None) for each in reports]
    orchestra.launch(assets[:1], FIRST)

    tick = Daemon(orchestra, assets, build_payout_sensor(reports)).tick_and_run()

    assert one_payout.payouts == summary.payouts
    assert len(tick.requests) == 2
    itemized, added_up = ({key for key, _ in orchestra.recorded(asset)} for asset in assets[1:])
    assert itemized == added_up != set()


# Where payouts are read from


def test_the_report_that_names_payouts_in_time_is_taken_first() -> None:
    wanted = report_on(ONE_PAYOUT)
    by_day = [
        report_on(each, start=date(2026, 5, 1))
        for each in (
            "balance.summary.1",
            "payouts.itemized.3",
            "payout_reconciliation.itemized.4",
            "connected_account_payouts.itemized.3",
        )
    ]

    def found(*reports: ConfiguredReport) -> str | None:
        source = find_source(wanted, [*reports, wanted])
        return source.report.query.name if source else None

    assert found(*by_day) == "payout_reconciliation_itemized"
    assert found(*by_day[:2]) == "payouts_itemized"
    assert found(by_day[0], by_day[3]) is None


def test_a_source_that_cannot_be_is_refused_with_the_nearest() -> None:
    wanted = replace(report_on(ONE_PAYOUT), payouts_from="payout_itemized")
    naming = report_on("payouts.itemized.3", start=date(2026, 5, 1))

    with pytest.raises(ConfigurationError, match="nearest: payouts_itemized"):
        find_source(wanted, [naming, wanted])


@pytest.mark.parametrize(
    "build",
    [
        lambda report: build_availability_sensor([report]),
        lambda report: build_report_schedule([report]),
        build_newest_partition_check,
    ],
    ids=["sensor", "schedule", "check"],
)
def test_where_windows_are_looked_at_payouts_are_refused(
    one_payout: ConfiguredReport, build: Callable[[ConfiguredReport], object]
) -> None:
    with pytest.raises(ConfigurationError, match="payouts have no windows of time; use build_payout_sensor"):
        build(one_payout)


def test_without_a_source_there_is_no_sensor(one_payout: ConfiguredReport) -> None:
    with pytest.raises(ConfigurationError, match="payouts have no source"):
        build_payout_sensor([one_payout])


@pytest.mark.parametrize(
    "text", ["", "[]", "nonsense", '{"version": 1, "assets": {"x": 1}}', '{"x": {"a": 1}}']
)
def test_a_cursor_that_is_damaged_or_of_another_version_counts_as_none(text: str) -> None:
    assert PROGRESS_CURSOR.parse(text) is None


def test_a_cursor_gives_back_what_was_written() -> None:
    progress = {"stripe/x": PayoutProgress(7, {"po_1": PendingPayout(5)}, "po_1")}

    assert PROGRESS_CURSOR.parse(PROGRESS_CURSOR.write(progress)) == progress
