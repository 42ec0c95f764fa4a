"""`accounts`: what the key can list, and what differs from the configuration."""

from pathlib import Path

import pytest
import yaml

from connector.accounts import AccountLives
from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.api.keys import FILES_READ, REPORTS_READ
from tests.cli.conftest import Run, configure
from tests.conftest import ClientFor
from tests.support.clock import ManualClock

CONFIGURED = ("connected_account_balance_summary", "2026-01-01", "connected_accounts")


def test_what_is_printed_is_a_list_to_paste(run: Run, stripe: Simulator, tmp_path: Path) -> None:
    printed = run("accounts")

    lives = AccountLives.of(yaml.safe_load(printed.out)["connected_accounts"])
    assert printed.code == 0
    assert lives.names == stripe.connected_accounts
    assert {str(each.start) for each in lives} == {"2026-05-01"}
    assert "# DE, created 2026-05-01, none dashboard, not configured yet" in printed.out
    (tmp_path / "found.yaml").write_text(printed.out)
    day = ("--from", "2026-06-01", "--to", "2026-06-02", "--connected-accounts", "@found.yaml")
    assert run("pull", "connected_account_balance_summary", *day).code == 0


def test_what_differs_from_the_configuration_is_said(
    run: Run, stripe: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = stripe.connected_accounts
    monkeypatch.setenv("OURS", f"{first} acct_elsewhere")
    configure(tmp_path, *CONFIGURED, '"{{ env.OURS }}"', f"{{account: {second}, until: 2026-01-31}}")

    found = {each["account"]: each["standing"] for each in run("accounts", "--json").objects}

    assert found == {first: "configured", "acct_elsewhere": "absent", second: "still_listed", third: "new"}


def test_all_pages_are_read(clock: ManualClock, client_for: ClientFor) -> None:
    everyone = [f"acct_{number:03}" for number in range(250)]
    simulator = Simulator(clock, connected_accounts=everyone, run_seconds=0)
    simulator.leave(everyone[7])

    with client_for(simulator.handle) as client:
        listed = [each.id for each in client.accounts()]

    assert listed == [each for each in reversed(everyone) if each != everyone[7]]


def test_a_permission_that_is_missing_is_named(run: Run, stripe: Simulator) -> None:
    stripe.keyring.permissions = {SIMULATED_KEY: {REPORTS_READ, FILES_READ}}

    refused = run("accounts")

    assert refused.code == 1
    assert "read, for accounts, under Connect" in refused.err


def test_the_doctor_names_accounts_that_differ_and_those_that_are_stored_alone(
    run: Run, stripe: Simulator, tmp_path: Path
) -> None:
    stays, left, stored = stripe.connected_accounts
    day = ("--from", "2026-06-01", "--to", "2026-06-02")
    run("pull", "connected_account_balance_summary", *day, "--connected-accounts", f"{stays},{stored}")
    configure(tmp_path, *CONFIGURED, stays, left)
    stripe.leave(left)

    found = {each["found"]: each["level"] for each in run("doctor", "--json").objects if "found" in each}

    assert found[f"1 configured, and not connected: {left}"] == "warn"
    assert found[f"1 not configured yet: {stored}"] == "warn"
    assert any(
        text.startswith(f"connected_account_balance_summary: There are files of {stored}") for text in found
    )


def test_the_doctor_does_not_ask_for_accounts_that_nobody_configured(run: Run, stripe: Simulator) -> None:
    run("doctor")

    assert "/v1/accounts" not in {each.path for each in stripe.requests}
