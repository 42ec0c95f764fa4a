"""The command as people and programs meet it: what it prints, where, and with which exit code."""

import json
import os
import re
import signal
import socket
import subprocess
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest

from connector.api.client import StripeClient
from connector.api.credentials import Hosts
from connector.cli import cli
from connector.cli.display.pull_progress import EXIT_CODES
from connector.simulator import SIMULATED_KEY, Match, Simulator
from connector.simulator.books.entries import Entry
from tests.cli.conftest import COMMAND, Run, on_a_terminal, read_until
from tests.faults.network import EditJson, Respond
from tests.faults.runs import RunFails, RunTakes
from tests.support.clock import ManualClock

JUNE = ("--from", "2026-06-01", "--to", "2026-06-04")


# Looking


def test_types_lists_what_can_be_pulled(run: Run) -> None:
    listed = run("types")

    assert listed.code == 0
    assert "balance_summary" in listed.out
    assert "balance_change_from_activity.itemized.3" in listed.out


def test_names_can_be_copied_from_a_narrow_terminal(run: Run) -> None:
    with on_a_terminal(*COMMAND, "types", COLUMNS="80") as (process, terminal):
        lines = read_until(terminal, "the end").splitlines()
        process.wait()

    longest = "connected_account_balance_change_from_activity_itemized"
    assert any(line.endswith(f"{longest}\x1b[0m") for line in lines)


def test_types_of_one_report_shows_its_columns_and_which_are_personal(run: Run) -> None:
    shown = run("types", "balance_change_from_activity_itemized")

    assert re.search(r"customer_email +│ text +│ personal", shown.out)
    assert re.search(r"net +│ money +│ default", shown.out)
    assert "payment_metadata[key]" in shown.out


def test_types_says_of_a_report_whose_columns_are_not_known_that_its_files_are_read_by_their_header(
    run: Run,
) -> None:
    shown = run("types", "failed_payouts.itemized.2")

    assert "its files are read by their header" in " ".join(shown.out.split())
    assert "Needs interval_start, interval_end" in shown.out
    assert "default: asked for" not in shown.out


def test_types_tells_programs_the_same(run: Run) -> None:
    (report,) = run("types", "balance.summary.1", "--json").objects

    assert report["name"] == "balance_summary"
    assert [each["name"] for each in report["columns"] if each["default"]] == [
        "category",
        "description",
        "net_amount",
        "currency",
    ]


def test_the_cheap_way_for_many_accounts_is_said_by_types_and_by_pull(run: Run, stripe: Simulator) -> None:
    report = "connected_account_balance_change_from_activity_itemized"
    assert "60 accounts takes 60 report runs a day" in " ".join(run("types", report).out.split())

    def note(number: int) -> str:
        accounts = ",".join(f"acct_1{each}" for each in range(number))
        return run("pull", report, *JUNE, "--connected-accounts", accounts, "--name", f"of_{number}").err

    assert "Note: " not in note(5)
    assert "6 accounts takes 6 report runs a day; one file of all takes 1" in note(6)


def test_accounts_in_a_file_are_counted_too(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("accounts.txt").write_text("\n".join(f"acct_1{each}" for each in range(6)))
    report = "connected_account_balance_change_from_activity_itemized"

    assert (
        "6 accounts takes 6 report runs a day"
        in run("pull", report, *JUNE, "--connected-accounts", "@accounts.txt").err
    )


# Refused before any call

ONE_PAYOUT = "payout_reconciliation_by_id_itemized"

REFUSED = [
    pytest.param(["pul"], "no command 'pul'; nearest: pull", id="command"),
    pytest.param(["pull", "balance_sumary", *JUNE], "nearest: balance_summary", id="report"),
    pytest.param(["types", "balance_sumary"], "nearest: balance_summary", id="report-to-look-at"),
    pytest.param(["pull", "balance_summary", *JUNE, "--forse"], "--force", id="option"),
    pytest.param(["pull", "balance_summary", *JUNE, "--window", "dayly"], "nearest: daily", id="window"),
    pytest.param(["pull", "balance_summary", *JUNE, "--filter", "currency"], "name=value", id="no-value"),
    pytest.param(["pull", "balance_summary", *JUNE, "--account", "x\ny"], "acct_1A2b3C", id="account"),
    pytest.param(["pull", "balance_summary", *JUNE, "--wait-timeout", "soon"], "1h30m", id="duration"),
    pytest.param(
        ["pull", "balance_summary", *JUNE, "--wait-timeout", "99999999999h"], "365 days", id="too-long"
    ),
    pytest.param(
        ["pull", "balance_summary", *JUNE, "--wait-timeout", "9" * 5000], "365 days", id="too-many-digits"
    ),
    pytest.param(["pull", "balance_summary", "--from", "June", "--to", "July"], "2026-06-01", id="date"),
    pytest.param(["pull", "balance_summary", *JUNE[:2], "--to", "2026-06-01"], "not before", id="no-span"),
    pytest.param(
        ["pull", "balance_summary", *JUNE, "--window", "monthly"],
        "nearest: 2026-06-01 and 2026-07-01",
        id="cut-month",
    ),
    pytest.param(["pull", "balance_summary", "--from", "2026-06-01"], "Missing option '--to'", id="no-end"),
    pytest.param(["pull", "balance_summary", "--payout", "po_1"], "partitioned by time", id="no-payouts"),
    pytest.param(["pull", ONE_PAYOUT], "give --payout", id="which-payout"),
    pytest.param(["pull", ONE_PAYOUT, "--payout", "po_1", *JUNE], "no dates", id="payout-and-dates"),
    pytest.param(["simulate", "--run-seconds", "fast"], "5,15", id="seconds"),
    pytest.param(["pull", "balance_summary", *JUNE, "--processes", "0"], "x>=1", id="no-process"),
    pytest.param(["pull", "balance_summary", *JUNE, "--share", "1.5"], "0<x<=1", id="more-than-all"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_what_cannot_be_is_refused_before_any_call(
    run: Run, stripe: Simulator, arguments: list[str], message: str
) -> None:
    refused = run(*arguments)

    assert refused.code == 2
    assert message in refused.err
    assert refused.out == ""
    assert stripe.requests == []


PLATFORMS = ["connected_account_payouts.itemized.2", *JUNE]


@pytest.mark.parametrize("more", [[], ["--connected-accounts", "acct_1One"], ["--force"]], ids=" ".join)
def test_a_platforms_report_with_an_account_left_set_is_refused_before_any_call(
    run: Run, stripe: Simulator, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    monkeypatch.setenv("STRIPE_ACCOUNT", "acct_1Left")

    refused = run("pull", *PLATFORMS, *more)

    assert refused.code == 2
    assert "acct_1Left" in refused.err
    assert "Remove that account: STRIPE_ACCOUNT" in refused.err
    assert "or pull payouts_itemized" in refused.err
    assert stripe.requests == []
    run("pull", *PLATFORMS, *more, "--account", "")
    assert stripe.requests


def test_without_a_key_it_says_how_to_get_one(run: Run) -> None:
    refused = run("pull", "balance_summary", *JUNE)

    assert refused.code == 2
    assert "STRIPE_API_KEY" in refused.err
    assert "stripe-reports simulate" in refused.err


def test_a_closed_port_is_blamed_on_the_setting_that_names_it(
    run: Run, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By any command; this one's clock stands still while it tries once more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    @click.command
    def asks() -> None:
        with StripeClient(SIMULATED_KEY, hosts=Hosts.of(f"http://127.0.0.1:{port}"), clock=clock) as client:
            client.report_types()

    monkeypatch.setitem(cli.commands, "asks", asks)

    failed = run("asks")

    assert clock.seconds > 60
    assert failed.code == 1
    assert f"127.0.0.1:{port}" in failed.err
    assert "Check the network and, where it is set, STRIPE_API_BASE" in failed.err


# Pulling


def test_a_pull_tells_each_partition_and_sums_up(run: Run, stripe: Simulator, tmp_path: Path) -> None:
    pulled = run("pull", "balance_summary", *JUNE)

    assert (pulled.code, pulled.err) == (0, "")
    *partitions, summary = pulled.lines
    told = re.compile(r"(2026-06-0\d)  \d+ rows  created (frr_\w+)  (data/\S+/report\.parquet)")
    matches = [told.fullmatch(line) for line in sorted(partitions)]
    assert [match and match[1] for match in matches] == ["2026-06-01", "2026-06-02", "2026-06-03"]
    assert all(match and (tmp_path / match[3]).is_file() for match in matches)
    assert summary.startswith("balance_summary: 3 of 3 partitions stored (3 created), ")


def test_each_connected_account_gets_files_of_its_own(run: Run, stripe: Simulator, tmp_path: Path) -> None:
    accounts = stripe.connected_accounts[:2]

    pulled = run(
        "pull", "connected_account_balance_summary", *JUNE, "--connected-accounts", ",".join(accounts)
    )

    assert pulled.code == 0
    assert pulled.lines[-1].startswith("connected_account_balance_summary: 6 of 6 partitions stored")
    files = sorted(path.parent.parent.name for path in tmp_path.rglob("report.parquet"))
    assert files == sorted(f"connected={account}" for account in accounts for _ in range(3))


def test_a_file_lists_the_connected_accounts_with_their_lives(
    run: Run, stripe: Simulator, tmp_path: Path
) -> None:
    left, opened = stripe.connected_accounts[:2]
    (tmp_path / "accounts.yaml").write_text(
        f"- {{account: {left}, until: 2026-06-01}}\n- {{account: {opened}, start: 2026-06-03}}\n"
    )

    pulled = run("pull", "connected_account_balance_summary", *JUNE, "--connected-accounts", "@accounts.yaml")

    assert pulled.code == 0
    assert sorted(line.split()[0] for line in pulled.lines[:-1]) == sorted(
        [f"{left}|2026-06-01", f"{opened}|2026-06-03"]
    )
    assert "4 windows outside of their account's life are not asked for" in pulled.err
    assert len(stripe.runs) == 2


def test_a_file_of_accounts_that_is_not_there_is_refused_before_any_call(run: Run, stripe: Simulator) -> None:
    refused = run("pull", "connected_account_balance_summary", *JUNE, "--connected-accounts", "@none.yaml")

    assert refused.code == 2
    assert "none.yaml" in refused.err
    assert stripe.requests == []


def test_a_payout_is_pulled_by_its_id(run: Run, stripe: Simulator) -> None:
    run("pull", "payouts_itemized", *JUNE)
    (row, *_) = run("sql", "--json", "SELECT payout_id, net FROM payouts_itemized WHERE net > 0").objects

    pulled = run("pull", ONE_PAYOUT, "--payout", row["payout_id"])

    assert (pulled.code, pulled.err) == (0, "")
    assert pulled.lines[0].startswith(row["payout_id"])
    total = run("sql", "--json", f"SELECT sum(net) AS net FROM {ONE_PAYOUT}").objects  # noqa: S608
    assert [each["net"] for each in total] == [row["net"]]


def test_a_second_pull_costs_one_request_for_what_may_be_due(run: Run, stripe: Simulator) -> None:
    run("pull", "balance_summary", *JUNE)
    before = len(stripe.requests)

    again = run("pull", "balance_summary", *JUNE)

    assert again.code == 0
    assert "(3 kept)" in again.out
    assert [seen.path for seen in stripe.requests[before:]] == ["/v1/reporting/report_types"]


def test_force_asks_anew_and_says_that_nothing_changed(run: Run, stripe: Simulator, clock: Any) -> None:
    run("pull", "balance_summary", *JUNE)
    clock.sleep(60)

    again = run("pull", "balance_summary", *JUNE, "--force")

    assert again.code == 0
    assert again.out.count("(unchanged)") == 3
    assert len(stripe.runs) == 6


def test_a_file_that_changed_says_by_how_much(run: Run, stripe: Simulator, clock: Any) -> None:
    run("pull", "balance_change_from_activity_itemized", *JUNE)
    at = int(datetime(2026, 6, 2, 5, tzinfo=UTC).timestamp())
    late = Entry("txn_late", "network_cost", at, at, "usd", Decimal("-0.005991"), Decimal(0), "adj_1", None)
    stripe.book_late(late)
    clock.sleep(12 * 3600)

    again = run("pull", "balance_change_from_activity_itemized", *JUNE, "--force")

    assert "(changed: +1 rows, -0.005991 usd)" in again.out
    assert again.out.count("(unchanged)") == 2


def test_programs_get_one_object_a_partition_and_a_summary(run: Run, stripe: Simulator) -> None:
    *partitions, summary = run("pull", "balance_summary", *JUNE, "--json").objects

    assert {each["partition"] for each in partitions} == {"2026-06-01", "2026-06-02", "2026-06-03"}
    assert {each["report_run_id"] for each in partitions} == {each.id for each in stripe.runs}
    assert all(isinstance(total, str) for each in partitions for total in each["totals"].values())
    assert (summary["type"], summary["in_place"], summary["exit_code"]) == ("summary", 3, 0)


def test_columns_filters_name_and_root_reach_the_file(run: Run, stripe: Simulator, tmp_path: Path) -> None:
    asked = ("--columns", "net_amount,category", "--columns", "currency", "--filter", "currency=usd")

    run("pull", "balance_summary", *JUNE, *asked, "--name", "dollars", "--root", "elsewhere")

    assert len(list((tmp_path / "elsewhere/simulated/dollars").rglob("report.parquet"))) == 3
    (row, *_) = run("sql", "SELECT * FROM dollars", "--root", "elsewhere", "--json").objects
    assert list(row)[:3] == ["net_amount", "category", "currency"]
    assert row["currency"] == "usd"


def test_files_are_where_the_defs_yaml_here_says(run: Run, stripe: Simulator, tmp_path: Path) -> None:
    place = tmp_path / "defs" / "stripe"
    place.mkdir(parents=True)
    (place / "defs.yaml").write_text(
        "type: assets.StripeReportsComponent\nattributes:\n  connection: {root: books}\n"
        "  reports: [{report: balance_summary, start: 2026-06-01}]\n"
    )

    run("pull", "payouts_itemized", *JUNE)
    run("pull", "balance_summary", *JUNE)

    assert (tmp_path / "books" / "simulated" / "payouts_itemized").is_dir()
    assert (tmp_path / "books" / "simulated" / "balance_summary").is_dir()
    assert run("check").code == 0
    assert run("sql", "SELECT count(DISTINCT period) AS days FROM balance_summary", "--json").objects
    assert "books can be written to" in run("doctor").out
    assert "no data under elsewhere" in run("check", "--root", "elsewhere").err


def test_a_table_is_pulled_by_its_name_as_the_defs_yaml_here_says(
    run: Run, stripe: Simulator, tmp_path: Path
) -> None:
    place = tmp_path / "defs" / "stripe"
    place.mkdir(parents=True)
    (place / "defs.yaml").write_text(
        "type: assets.StripeReportsComponent\nattributes:\n  reports:\n  - report: balance_summary\n"
        "    name: dollars_monthly\n    start: 2026-05-01\n    window: monthly\n"
        "    filters: {currency: usd}\n"
    )
    may = ("--from", "2026-05-01", "--to", "2026-06-01")

    assert run("pull", "dollars_monthly", *may).code == 0
    assert run("pull", "dollars_monthly", *may, "--name", "other").code == 2

    (asked,) = stripe.runs
    assert asked.report_type == "balance.summary.1"
    assert asked.parameters["currency"] == "usd"
    assert run("sql", "SELECT DISTINCT period, currency FROM dollars_monthly", "--json").objects == [
        {"period": "2026-05-01", "currency": "usd"}
    ]


def test_a_root_may_be_below_the_home_directory(
    run: Run, stripe: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    pulled = run("pull", "balance_summary", *JUNE, "--root", "~/books")
    counted = run(
        "sql", "SELECT count(DISTINCT period) AS days FROM balance_summary", "--root", "~/books", "--json"
    )

    assert pulled.code == 0
    assert counted.objects == [{"days": 3}]
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_the_same_warning_is_printed_once(run: Run, stripe: Simulator) -> None:
    stripe.faults.add(
        EditJson(lambda made: made["parameters"].update(timezone="Asia/Tokyo")), "POST", times=None
    )

    pulled = run("pull", "balance_summary", *JUNE)

    (warning,) = [line for line in pulled.err.splitlines() if line.startswith("warning: ")]
    assert "timezone" in warning


def test_a_key_stripe_does_not_take_is_one_message(
    run: Run, stripe: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe.keyring.revoke("sk_test_expired0000000")
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_expired0000000")

    refused = run("pull", "balance_summary", *JUNE)

    assert refused.code == 1
    assert refused.err.startswith("Error: ")
    assert refused.err.count("\n") == 1
    assert "expired0000000" not in refused.err


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "has expired"), (403, "lacks a permission; "), (404, "live")]
)
def test_what_is_wrong_with_key_or_account_is_said_once_and_of_each_day_that_it_failed(
    run: Run, stripe: Simulator, status: int, hint: str
) -> None:
    stripe.faults.add(Respond(status), "POST", times=None)

    pulled = run("pull", "balance_summary", *JUNE)

    first, *others = pulled.err.splitlines()
    key = first.partition("  ")[0]
    assert (pulled.code, hint in first, len(others)) == (1, True, 2)
    assert all(line.endswith(f"  failed  for the same reason as {key}") for line in others)
    assert "3 failed: " in pulled.out


def test_another_window_into_the_same_table_is_refused(run: Run, stripe: Simulator) -> None:
    run("pull", "balance_summary", *JUNE)
    before = len(stripe.requests)

    refused = run(
        "pull", "balance_summary", "--from", "2026-05-03", "--to", "2026-05-31", "--window", "weekly"
    )

    assert refused.code == 2
    assert "window is daily there and weekly here" in refused.err
    assert len(stripe.requests) == before


def test_a_day_that_is_not_ready_says_when_it_will_be(run: Run, stripe: Simulator) -> None:
    pulled = run("pull", "balance_summary", "--from", "2026-06-06", "--to", "2026-06-08")

    assert pulled.code == 4
    assert "2026-06-07  not ready" in pulled.err
    assert "1 of 2 partitions stored" in pulled.out
    assert "expected by 2026-06-08 12:00 UTC" in pulled.lines[-1]


def test_a_first_window_that_begins_before_the_data_names_its_days(run: Run, stripe: Simulator) -> None:
    week = ("--from", "2026-04-26", "--to", "2026-05-03", "--window", "weekly")

    refused = run("pull", "balance_summary", *week)

    assert refused.code in EXIT_CODES.values()
    assert "it can never be pulled whole. The daily windows from 2026-05-01 on can" in refused.out


def test_a_late_run_is_left_to_stripe_and_taken_up_by_the_next_pull(run: Run, stripe: Simulator) -> None:
    stripe.faults.add(RunTakes(), "POST", times=1)

    late = run("pull", "balance_summary", *JUNE, "--wait-timeout", "0s")
    (pending,) = [each for each in stripe.runs if each.id in late.err]
    stripe.end(pending.id)
    again = run("pull", "balance_summary", *JUNE)

    assert late.code == 3
    assert "It does not come by itself, though Stripe goes on with it. Pull again later" in late.out
    assert again.code == 0
    assert "(2 kept, 1 adopted)" in again.out
    assert len(stripe.runs) == 3


def test_a_report_stripe_cannot_make_fails_alone(run: Run, stripe: Simulator) -> None:
    second = str(int(datetime(2026, 6, 2, tzinfo=UTC).timestamp())).encode()
    starts = Match(
        method="POST", where=lambda on: on.call is not None and b"start%5D=" + second in on.call.body
    )
    stripe.faults.add(RunFails(), starts, times=None)

    pulled = run("pull", "balance_summary", *JUNE, "--json")

    outcomes = {each["partition"]: each["outcome"] for each in pulled.objects[:-1]}
    assert pulled.code == 1
    assert outcomes == {"2026-06-01": "done", "2026-06-02": "failed", "2026-06-03": "done"}


def test_what_failed_says_what_to_do_about_it_once(run: Run, stripe: Simulator) -> None:
    stripe.faults.add(Respond(403), "GET */contents", times=None)

    pulled = run("pull", "balance_summary", *JUNE)

    assert pulled.code == 1
    assert (
        "Files stored before are unchanged. They do not come by themselves. Give the restricted key the "
        "permission that is named." in pulled.out
    )
    assert pulled.out.count("Give the restricted key") == 1


# Asking


def test_sql_shows_people_money_in_its_currency(run: Run, stripe: Simulator) -> None:
    run("pull", "balance_summary", *JUNE)

    shown = run("sql", "SELECT category, net_amount, currency FROM balance_summary WHERE currency = 'jpy'")

    assert shown.code == 0
    assert re.search(r"│ +-?\d+ │ jpy", shown.out)
    assert "balance_summary" in run("sql").out


AN_AMOUNT = "SELECT 0.1::DECIMAL(36,18) AS m, 'jpy' AS currency FROM balance_summary LIMIT 1"


def test_sql_gives_programs_exact_text(run: Run, stripe: Simulator) -> None:
    run("pull", "balance_summary", *JUNE)

    (row,) = run("sql", AN_AMOUNT.replace("'jpy'", "_interval_start"), "--json").objects
    (exact,) = run("sql", AN_AMOUNT, "--json", "--exact").objects

    assert (row["m"], exact["m"]) == ("0.10", "0.100000000000000000")
    assert row["currency"].endswith("T00:00:00+00:00")


def test_sql_gives_spreadsheets_plain_amounts(run: Run, stripe: Simulator) -> None:
    run("pull", "balance_summary", *JUNE)

    assert run("sql", AN_AMOUNT, "--csv").lines == ["m,currency", "0.1,jpy"]
    assert run("sql", AN_AMOUNT, "--csv", "--exact").lines == ["m,currency", "0.100000000000000000,jpy"]
    assert run("sql", AN_AMOUNT, "--csv", "--json").code == 2


def test_sql_without_a_query_lists_tables_and_views_with_an_example_each(run: Run, stripe: Simulator) -> None:
    for report in ("balance_summary", "balance_change_from_activity_itemized"):
        run("pull", report, *JUNE)

    shown = run("sql")
    (*_, balances) = run("sql", "--json").objects

    names = ["balance_summary", "balance_summary_movements", "balances", "daily_net", "_partitions"]
    assert [name for name in names if not any(line.startswith(f"{name}: ") for line in shown.lines)] == []
    assert "  SELECT currency, _date, closing FROM balances ORDER BY ALL" in shown.lines
    assert "null" not in shown.out
    assert [line for line in shown.lines[shown.lines.index("") :] if len(line) > 80 or '"' in line] == [
        'Examples, each for stripe-reports sql "…":'
    ]
    assert (balances["table"], balances["views"]) == (
        "balance_summary", ["balance_summary_movements", "balances"]
    )  # fmt: skip


@pytest.mark.parametrize("query", ["FROM nowhere", "FROM balance_summary JOIN stripe.nowhere USING (period)"])
def test_sql_on_a_table_that_is_not_there_names_those_there_are(
    run: Run, stripe: Simulator, query: str
) -> None:
    run("pull", "balance_summary", *JUNE)

    refused = run("sql", query)

    assert refused.code == 2
    assert "there is no table or view 'nowhere'; there are: " in refused.err
    assert all(name in refused.err for name in ("balance_summary", "balances", "restated"))
    assert "pg_" not in refused.err


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param("SELEC 1", "syntax error", id="syntax"),
        pytest.param("SELECT * FROM balance_sumary", "balance_summary", id="table"),
    ],
)
def test_sql_that_cannot_run_is_one_message(run: Run, stripe: Simulator, query: str, message: str) -> None:
    run("pull", "balance_summary", *JUNE)

    refused = run("sql", query)

    assert refused.code == 2
    assert message in refused.err
    assert "Traceback" not in refused.err


def test_sql_without_data_says_what_brings_some(run: Run) -> None:
    refused = run("sql", "SELECT 1")

    assert refused.code == 2
    assert "stripe-reports pull" in refused.err


# As a process of its own


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_terminal_gets_a_bar_and_signals_end_it_cleanly(
    stripe: Simulator, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    stripe.faults.add(RunTakes(), "POST", times=None)

    with on_a_terminal(*COMMAND, "pull", "balance_summary", *JUNE) as (process, terminal):
        shown = read_until(terminal, "3 at Stripe")
        process.send_signal(number)
        shown += read_until(terminal, "the end")
        ended = process.wait()

    assert "0/3" in shown
    assert ended == code
    assert "Interrupted. 0 of 3 partitions are stored" in shown
    assert "Traceback" not in shown
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_pull_whose_terminal_is_closed_ends_as_one_that_is_hung_up(stripe: Simulator) -> None:
    stripe.faults.add(RunTakes(), "POST", times=None)

    with on_a_terminal(*COMMAND, "pull", "balance_summary", *JUNE) as (process, terminal):
        read_until(terminal, "3 at Stripe")
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, terminal)
        os.close(null)
        process.send_signal(signal.SIGHUP)
        ended = process.wait()

    assert ended == 129


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_simulator_says_how_to_reach_it_and_ends_by_a_signal(run: Run, number: signal.Signals) -> None:
    with subprocess.Popen(
        [*COMMAND, "simulate", "--port", "0", "--run-seconds", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        told = read_until(process.stdout.fileno(), "stripe-reports pull")
        process.send_signal(number)
        rest, errors = process.communicate(timeout=60)

    assert re.search(r"export STRIPE_API_BASE=http://127\.0\.0\.1:\d+\n", told)
    assert f"export STRIPE_API_KEY={SIMULATED_KEY}\n" in told
    assert (process.returncode, errors) == (0, "")
    assert f"Connected accounts: {', '.join(Simulator().connected_accounts)}\n" in told + rest
    assert "Ended after 0 requests" in rest


def test_a_fault_that_is_asked_for_acts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(
        [*COMMAND, "simulate", "--port", "0", "--fault", "no-permission"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        told = read_until(process.stdout.fileno(), "Fault no-permission")
        for name, value in re.findall(r"export (\w+)=(\S+)", told):
            monkeypatch.setenv(name, value)
        pulled = run("pull", "balance_summary", *JUNE)
        process.send_signal(signal.SIGINT)

    assert pulled.code == 1
    assert "HTTP 403" in pulled.out + pulled.err


def test_a_log_for_programs_is_nothing_but_objects(run: Run, stripe: Simulator) -> None:
    stripe.faults.add(RunFails(), Match(path="*/report_runs"), times=3)

    pulled = run("pull", "balance_summary", *JUNE, "--log", "json", "--json")

    told = [json.loads(line) for line in pulled.err.splitlines()]
    assert {each["level"] for each in told} == {"info", "warning"}
    assert {each["step"] for each in told if "step" in each} >= {"created", "downloaded", "published"}
    assert pulled.objects[-1]["type"] == "summary"
