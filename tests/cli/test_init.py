"""`init`, as somebody who has a key and ten minutes: a file that loads, and a month that reconciles."""

import os
import shlex
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.api.keys import REPORTS_WRITE
from tests.cli.conftest import COMMAND, Ran, Run, on_a_terminal, read_until


def commands(shown: Ran) -> list[list[str]]:
    """What was printed to go on with."""
    return [shlex.split(line)[1:] for line in shown.lines if line.strip().startswith("stripe-reports")]


def test_the_usual_reports_begin_where_the_data_do(run: Run, stripe: Simulator, tmp_path: Path) -> None:
    shown = run("init")

    written = (tmp_path / "defs.yaml").read_text()
    attributes = yaml.safe_load(written)["attributes"]
    assert shown.code == 0
    assert attributes["defaults"] == {
        "start": yaml.safe_load("2026-05-01"),
        "window": "daily",
        "zone": "UTC",
    }
    assert [each["report"] for each in attributes["reports"]] == [
        "balance.summary.1",
        "balance_change_from_activity.itemized.3",
        "payouts.itemized.3",
        "payout_reconciliation.itemized.5",
    ]
    assert SIMULATED_KEY not in written + shown.out + shown.err


def test_what_it_says_to_go_on_with_pulls_a_month_that_reconciles(run: Run, stripe: Simulator) -> None:
    shown = run("init", "--window", "monthly")

    *pulls, check, by_summary, by_payout = commands(shown)
    assert [run(*pull).code for pull in pulls] == [0, 0, 0, 0]
    assert run(*check).code == 0
    balances, payouts = run(*by_summary, "--json").objects, run(*by_payout, "--json").objects
    assert {row["currency"] for row in balances} >= {"usd", "eur"}
    assert len(payouts) > 10
    assert all(row["equal"] for row in (*balances, *payouts))


PLATFORM = (
    "balance_change_from_activity_itemized",
    "connected_account_balance_change_from_activity_itemized",
)


def test_a_platform_is_shown_that_it_earned_the_fees_that_its_accounts_paid(
    run: Run, platform: Simulator
) -> None:
    shown = run("init", "--window", "monthly", "--reports", ",".join(PLATFORM))

    *pulls, check, by_account = commands(shown)
    assert [run(*pull).code for pull in pulls] == [0, 0]
    assert run(*check).code == 0
    fees = run(*by_account, "--json").objects
    assert {row["account"] for row in fees} == {*platform.connected_accounts}
    assert {row["currency"] for row in fees} == {"usd", "eur", "jpy", "kwd"}
    assert all(Decimal(row["earned"]) > 0 for row in fees)
    assert {Decimal(row["difference"]) for row in fees} == {0}


def test_versions_that_do_not_name_the_account_have_no_such_query(run: Run, platform: Simulator) -> None:
    shown = run("init", "--reports", f"balance_change_from_activity.itemized.1,{PLATFORM[1]}")

    assert [each[0] for each in commands(shown)] == ["pull", "pull", "check"]


def test_options_reach_the_file_and_the_commands(run: Run, stripe: Simulator, tmp_path: Path) -> None:
    options = (
        "--window",
        "weekly",
        "--zone",
        "America/New_York",
        "--root",
        "my books",
        "--account",
        "acct_1A2b",
    )

    shown = run("init", "--reports", "payouts.itemized.2", *options, "--output", "here/d.yaml")

    attributes = yaml.safe_load((tmp_path / "here/d.yaml").read_text())["attributes"]
    pull, _ = commands(shown)
    assert attributes["connection"]["root"] == "my books"
    assert attributes["connection"]["account"] == "acct_1A2b"
    assert str(attributes["defaults"]["start"]) == "2026-05-03"
    assert pull[1:] == [
        "payouts.itemized.2", "--from", "2026-05-03", "--to", "2026-05-31", "--window", "weekly",
        "--zone", "America/New_York", "--root", "my books", "--account", "acct_1A2b",
    ]  # fmt: skip
    assert {request.account for request in stripe.requests} == {"acct_1A2b"}


def test_a_wish_before_the_data_is_granted_as_far_as_it_goes(
    run: Run, stripe: Simulator, tmp_path: Path
) -> None:
    shown = run("init", "--reports", "balance_summary", "--start", "2020-01-01")

    assert "balance_summary begins on 2026-05-01, where Stripe's data begins" in shown.err
    assert "start: 2026-05-01" in (tmp_path / "defs.yaml").read_text()


def test_a_file_that_is_there_stays_unless_forced(run: Run, stripe: Simulator, tmp_path: Path) -> None:
    there = tmp_path / "defs.yaml"
    there.write_text("mine")

    refused = run("init")
    kept = there.read_text()
    forced = run("init", "--force")

    assert (refused.code, kept) == (2, "mine")
    assert "replace it with --force" in refused.err
    assert forced.code == 0
    assert there.read_text() != "mine"
    assert list(tmp_path.iterdir()) == [there]


def test_shown_alone_it_is_the_file_and_nothing_else(run: Run, stripe: Simulator, tmp_path: Path) -> None:
    shown = run("init", "--output", "-")

    assert yaml.safe_load(shown.out)["type"] == "assets.StripeReportsComponent"
    assert list(tmp_path.iterdir()) == []


def test_a_project_of_ours_has_a_place_for_it(run: Run, stripe: Simulator, tmp_path: Path) -> None:
    (tmp_path / "assets/defs").mkdir(parents=True)

    shown = run("init")

    assert (tmp_path / "assets/defs/stripe_reports/defs.yaml").is_file()
    assert shown.lines[-1].strip() == "make dev"


def test_without_a_key_a_start_will_do(run: Run, tmp_path: Path) -> None:
    refused = run("init")
    shown = run("init", "--start", "2026-01-01", "--key-variable", "STRIPE_KEY_EU")

    assert refused.code == 2
    assert "give --start, or set the key's variable" in refused.err
    assert shown.code == 0
    assert "export STRIPE_KEY_EU=…" in shown.out
    assert 'STRIPE_API_KEY="$STRIPE_KEY_EU" stripe-reports pull' in shown.out
    assert "{{ env.STRIPE_KEY_EU }}" in (tmp_path / "defs.yaml").read_text()


def test_a_key_that_may_not_read_files_is_told_in_time(
    run: Run, stripe: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe.keyring.permissions = {"rk_test_51NoFiles": {REPORTS_WRITE}}
    monkeypatch.setenv("STRIPE_API_KEY", "rk_test_51NoFiles")

    shown = run("init")

    assert shown.code == 0
    assert "read files: no." in shown.err
    assert shown.err.count("Note: ") == 1
    assert "NoFiles" not in shown.out + shown.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--reports", "balance_sumary"], "nearest: balance_summary", id="report"),
        pytest.param(["--window", "dayly"], "nearest: daily", id="window"),
        pytest.param(["--zone", "Europe/Berln"], "Europe/Berlin", id="zone"),
        pytest.param(["--start", "soon"], "2026-06-01", id="no date"),
        pytest.param(["--start", "2026-01-15", "--window", "monthly"], "nearest: 2026-01-01", id="cut month"),
        pytest.param(["--key-variable", "rk_live_51Secret"], "that looks like a key", id="a key"),
        pytest.param(["--root", " "], "not a valid root", id="root"),
    ],
)
def test_a_slip_is_refused_before_stripe_is_asked(
    run: Run, stripe: Simulator, arguments: list[str], message: str
) -> None:
    refused = run("init", *arguments)

    assert (refused.code, refused.out) == (2, "")
    assert message in refused.err
    assert "51Secret" not in refused.err
    assert stripe.requests == []


def test_a_terminal_is_asked_and_a_slip_is_asked_again(stripe: Simulator, tmp_path: Path) -> None:
    answers = ["", "balance_sumary", "balance_summary", "monthly", "", "", "y"]
    shown = ""

    with on_a_terminal(*COMMAND, "init") as (process, terminal):
        for answer in answers:
            shown += read_until(terminal, "]: ")
            os.write(terminal, f"{answer}\n".encode())
        shown += read_until(terminal, "the end")
        code = process.wait()

    assert code == 0, shown
    assert "there is no report 'balance_sumary'; nearest: balance_summary" in shown
    assert "First day [2026-05-01]: " in shown
    assert "stripe-reports pull balance.summary.1 --from 2026-05-01 --to 2026-06-01 --window monthly" in shown
    assert "report: balance.summary.1" in (tmp_path / "defs.yaml").read_text()


def test_a_person_sees_which_reports_there_are(stripe: Simulator, tmp_path: Path) -> None:
    with on_a_terminal(*COMMAND, "init") as (process, terminal):
        shown = read_until(terminal, "]: ")
        os.write(terminal, b"\n")
        shown += read_until(terminal, "Reports [")
        process.kill()

    for name in ("balance_summary", "payout_reconciliation_itemized", "tax_transactions_itemized"):
        assert f"  {name}" in shown


def test_a_person_who_keeps_the_file_is_not_interrupted(stripe: Simulator, tmp_path: Path) -> None:
    (tmp_path / "defs.yaml").write_text("mine")

    with on_a_terminal(*COMMAND, "init") as (process, terminal):
        read_until(terminal, "Replace it? [y/N]: ")
        os.write(terminal, b"n\n")
        shown = read_until(terminal, "the end")
        code = process.wait()

    assert code == 0
    assert "Nothing was written." in shown
    assert "Interrupted" not in shown
    assert (tmp_path / "defs.yaml").read_text() == "mine"
