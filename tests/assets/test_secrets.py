"""The key stands in nothing that Dagster keeps: events, logs, snapshots, run config, compute logs."""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from assets import StripeReporting, report_reader
from assets.materialize.asset import build_report_asset
from assets.reports.configured import ConfiguredReport
from connector.query import ReportQuery
from connector.simulator import Simulator
from connector.simulator.faults import Fault
from connector.simulator.protocol.messages import Call, Reply, json_reply
from connector.simulator.server import serve
from tests.assets.conftest import Load
from tests.faults.network import EditReply, Respond
from tests.faults.runs import RunFails
from tests.support.clock import ManualClock
from tests.support.leftovers import holding

SECRET = "51Recognisable0000000000000"
KEY = f"rk_test_{SECRET}"


@pytest.fixture
def stripe(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Simulator, str]]:
    monkeypatch.setenv("A_STRIPE_KEY", KEY)
    simulator = Simulator(clock, seed=7, volume=3, opening=date(2026, 5, 1), run_seconds=0)
    with serve(simulator) as url:
        yield simulator, url


def echo(call: Call, _: Reply) -> Reply:
    sent = call.headers.get("Authorization", "")
    return json_reply(400, {"error": {"type": sent, "message": f"You sent {sent}", "param": sent}})


BAD_DAYS: dict[str, tuple[Fault, str] | None] = {
    "a good day": None,
    "401": (Respond(401), "*"),
    "an echo at once": (EditReply(echo), "*"),
    "an echo of a failed run": (RunFails(f"failed for {KEY}"), "POST"),
}


def test_nothing_that_dagster_keeps_holds_the_key(
    stripe: tuple[Simulator, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """One home, a good day and then bad ones, and a search through all of it."""
    simulator, url = stripe
    home = tmp_path / "home"
    home.mkdir()
    asset = build_report_asset(
        ConfiguredReport(ReportQuery.of("balance_summary"), start=date(2026, 5, 1)), retry_policy=None
    )
    connection = StripeReporting(api_key=dg.EnvVar("A_STRIPE_KEY"), api_base=url, root=str(tmp_path / "data"))
    outcomes = {}
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for number, (day, bad) in enumerate(BAD_DAYS.items(), start=1):
            simulator.faults.clear()
            if bad:
                simulator.faults.add(*bad, times=None)
            result = dg.materialize(
                [asset],
                instance=instance,
                resources={
                    "stripe": connection,
                    "stripe_parquet": report_reader(),
                },
                partition_key=f"2026-05-{number:02}",
                raise_on_error=False,
            )
            outcomes[day] = result.success

    assert [day for day, good in outcomes.items() if good] == ["a good day"]
    assert list(home.rglob("*.db"))
    said = capfd.readouterr()
    assert SECRET not in said.out + said.err
    assert holding(tmp_path, SECRET) == []


def test_the_search_finds_what_a_database_keeps_packed(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as database:
        database.execute("CREATE TABLE snapshots (body BLOB)")
        database.execute("INSERT INTO snapshots VALUES (?)", [zlib.compress(f"a {SECRET} b".encode())])
        database.commit()

    assert [each.split()[-1] for each in holding(tmp_path, SECRET)] == ["snapshots"]


# Configuration


def whole(error: BaseException | None) -> str:
    return f"{error}\n{error!r}\n{whole(error.__cause__ or error.__context__)}" if error else ""


_REPORTS = "reports: [{report: balance.summary.1, start: 2026-01-01}]"
_REPORT = "reports: [{{report: {}, start: 2026-01-01}}]"

PASTED = {
    "where the variable's name belongs": f"connection: {{api_key: {KEY}}}\n  {_REPORTS}",
    "under a misspelt name": f"connection: {{apikey: {KEY}}}\n  {_REPORTS}",
    "beside another slip": f"connection:\n    api_key: {KEY}\n    processes: many\n  {_REPORTS}",
    "as the connection itself": f"connection: {KEY}\n  {_REPORTS}",
    "beside an unknown field": f"connection: {{api_key: {KEY}}}\n  colums: []\n  {_REPORTS}",
    "in an endpoint": f"connection: {{endpoint: 'https://me:{KEY}@s3.example'}}\n  {_REPORTS}",
    "as the endpoint": f"connection: {{endpoint: {KEY}}}\n  {_REPORTS}",
    "as the account": f"connection: {{account: {KEY}}}\n  {_REPORTS}",
    "as a report": _REPORT.format(KEY),
    "as a zone": _REPORT.format(f"balance_summary, zone: {KEY}"),
    "in a list": _REPORT.format(f"balance_summary, columns: [net, {KEY}]"),
    "behind half a quote": _REPORT.format(f"'{KEY}"),
}


@pytest.mark.parametrize("attributes", PASTED.values(), ids=PASTED)
def test_a_key_pasted_into_the_configuration_is_not_shown(load: Load, attributes: str) -> None:
    with pytest.raises(Exception, match=r"defs\.yaml") as caught:
        load(f"type: assets.StripeReportsComponent\nattributes:\n  {attributes}\n")

    assert SECRET not in whole(caught.value)
