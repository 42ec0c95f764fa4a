"""Accounts that one acts for, in the command: one table, one file for each account and window."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml

from connector.accounts import AccountLives
from connector.api.models import ConnectedAccount
from connector.errors import ConfigurationError
from connector.project.account_list import ACTING, CONNECTED, read_accounts
from connector.project.accounts_compared import as_yaml, compare
from connector.simulator import Simulator
from tests.cli.conftest import Run, configure

DAYS = ("--from", "2026-06-01", "--to", "2026-06-03")

CONFIGURED = ("balance_summary", "2026-06-01", "acting_accounts")


def test_accounts_are_pulled_checked_and_queried_in_one_table(run: Run, stripe: Simulator) -> None:
    accounts = stripe.connected_accounts

    pulled = run("pull", "balance_summary", *DAYS, "--acting-accounts", ",".join(accounts))
    asked = {each.account for each in stripe.requests}
    checked = run("check", "--json")
    query = "SELECT account, connected_account, count(DISTINCT period) FROM balance_summary GROUP BY ALL"
    counted = run("sql", query)

    assert (pulled.code, checked.code, counted.code) == (0, 0, 0)
    assert asked == {*accounts}
    (continuity,) = {each["check"] for each in checked.objects if each.get("check", "").startswith("closing")}
    compared = [each["partition"] for each in checked.objects if each.get("check") == continuity]
    assert sorted(compared) == sorted(f"{each}|2026-06-02" for each in accounts)
    assert all(counted.out.count(each) == 2 for each in accounts)


def test_an_account_that_is_refused_is_named_and_the_others_are_stored(run: Run, stripe: Simulator) -> None:
    stays, left, _ = stripe.connected_accounts
    stripe.leave(left)

    pulled = run("pull", "balance_summary", *DAYS, "--acting-accounts", f"{stays},{left}")

    assert pulled.code == 1
    assert f"{left}|2026-06-01" in pulled.err + pulled.out
    assert {each.account for each in stripe.requests if "/contents" in each.path} == {stays}


@pytest.mark.parametrize("by_option", [True, False])
def test_one_account_for_all_and_accounts_of_their_own_clash(
    run: Run, stripe: Simulator, monkeypatch: pytest.MonkeyPatch, by_option: bool
) -> None:
    one = stripe.connected_accounts[0]
    if not by_option:
        monkeypatch.setenv("STRIPE_ACCOUNT", one)
    option = ("--account", one) if by_option else ()

    refused = run("pull", "balance_summary", *DAYS, "--acting-accounts", one, *option)

    assert refused.code == 2
    assert "STRIPE_ACCOUNT, --account" in refused.err
    assert not stripe.requests


def test_connected_accounts_and_accounts_to_act_for_clash(run: Run, stripe: Simulator) -> None:
    both = ("--acting-accounts", "acct_1", "--connected-accounts", "acct_2")

    refused = run("pull", "connected_account_balance_summary", *DAYS, *both)

    assert refused.code == 2
    assert "Give them as connected accounts" in refused.err
    assert not stripe.requests


def test_the_doctor_names_the_clash_and_accounts_that_are_stored_alone(
    run: Run, stripe: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stays, stored, new = stripe.connected_accounts
    run("pull", "balance_summary", *DAYS, "--acting-accounts", f"{stays},{stored}")
    configure(tmp_path, *CONFIGURED, stays)

    found = {each["found"]: each["level"] for each in run("doctor", "--json").objects if "found" in each}
    monkeypatch.setenv("STRIPE_ACCOUNT", stays)
    clashing = {each["found"]: each["level"] for each in run("doctor", "--json").objects if "found" in each}

    assert not [text for text in found if "is asked for in the name of each" in text]
    assert any(text.startswith(f"balance_summary: There are files of {stored}") for text in found)
    assert found[f"2 not configured yet: {stored} and {new}"] == "warn"
    (clash,) = (text for text in clashing if "is asked for in the name of each" in text)
    assert clashing[clash] == "fail"


def test_a_table_of_accounts_to_act_for_is_upgraded_account_by_account(run: Run, stripe: Simulator) -> None:
    accounts = stripe.connected_accounts[:2]
    report, table = "balance_change_from_activity.itemized.2", "balance_change_from_activity_itemized"
    run("pull", report, *DAYS, "--acting-accounts", ",".join(accounts))

    upgraded = run("upgrade", table, "--to-version", "3")
    query = "SELECT account, count(DISTINCT period) AS days FROM balance_change_from_activity_itemized_v3"
    counted = run("sql", f"{query} GROUP BY ALL", "--json")

    assert upgraded.code == 0
    assert {row["account"]: row["days"] for row in counted.objects} == dict.fromkeys(accounts, 2)
    assert {each.account for each in stripe.requests if each.method == "POST"} == {*accounts}


def test_a_list_of_both_kinds_is_printed_and_read_back(tmp_path: Path) -> None:
    opened = datetime(2026, 2, 1, tzinfo=UTC)
    listed = [
        ConnectedAccount("acct_1full", opened, "DE", "full"),
        ConnectedAccount("acct_2express", opened, "DE", "express"),
        ConnectedAccount("acct_3acting", opened, "DE", "express"),
    ]
    configured = {CONNECTED: AccountLives(), ACTING: AccountLives.of("acct_3acting")}

    lines = "\n".join(as_yaml(compare(listed, configured, date(2026, 6, 1))))
    (tmp_path / "found.yaml").write_text(lines)

    lists = {name: {each["account"] for each in some} for name, some in yaml.safe_load(lines).items()}
    assert lists == {CONNECTED: {"acct_2express"}, ACTING: {"acct_1full", "acct_3acting"}}
    assert {*read_accounts("@found.yaml", tmp_path, ACTING).names} == lists[ACTING]
    assert {*read_accounts("@found.yaml", tmp_path, CONNECTED).names} == lists[CONNECTED]


def test_a_file_with_the_other_list_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "found.yaml").write_text("connected_accounts: [acct_1]\n")

    with pytest.raises(ConfigurationError, match="has a list of connected_accounts and none of acting_acc"):
        read_accounts("@found.yaml", tmp_path, ACTING)


def test_payouts_are_pulled_in_the_name_of_their_accounts(run: Run, stripe: Simulator) -> None:
    """Into one table; one of an account that is not listed is refused before anything is sent."""
    first, second, third = stripe.connected_accounts
    listed = ("--acting-accounts", f"{first},{second}")
    run("pull", "payouts_itemized", *DAYS[:2], "--to", "2026-06-09", *listed)
    named = run("sql", "--json", "SELECT account, min(payout_id) AS payout FROM payouts_itemized GROUP BY 1")
    payouts = [f"{each['account']}:{each['payout']}" for each in named.objects]
    report = "payout_reconciliation_by_id_itemized"

    pulled = run("pull", report, "--payout", ",".join(payouts), *listed)
    held = run("sql", "--json", f"SELECT DISTINCT account, period AS id FROM {report}")  # noqa: S608
    refused = run("pull", report, "--payout", f"{third}:po_1", *listed)

    assert pulled.code == 0
    assert {each["account"] for each in held.objects} == {first, second}
    assert {f"{each['account']}:{each['id']}" for each in held.objects} == {*payouts}
    assert refused.code == 2
    assert f"the account of {third}:po_1 is not among the --acting-accounts" in refused.err
