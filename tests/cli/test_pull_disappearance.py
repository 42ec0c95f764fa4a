"""A pull that replaces a file by one without an account says so, and `check` says it later."""

import pytest

from connector.simulator import Simulator
from tests.checks.conftest import Edited
from tests.cli.conftest import Run
from tests.faults.file_editing import Row
from tests.support.clock import ManualClock

PULL = (
    *("pull", "connected_account_balance_change_from_activity_itemized"),
    *("--from", "2026-06-01", "--to", "2026-06-02"),
)


@pytest.fixture
def account(run: Run, stripe: Simulator, clock: ManualClock) -> str:
    """A day of all accounts is stored, and the next file of it lacks this one."""
    assert run(*PULL).code == 0
    account = stripe.connected_accounts[0]

    def without(rows: list[Row]) -> None:
        rows[:] = [row for row in rows if row["connected_account"] != account]

    stripe.faults.add(Edited(without))
    clock.sleep(3600)
    return account


def test_the_line_of_the_change_names_the_account_and_a_warning_its_rows_and_sums(
    run: Run, account: str
) -> None:
    pulled = run(*PULL, "--force")

    assert f"; gone: {account})" in pulled.out
    assert f"warning: 2026-06-01: Gone since a former file: {account} (" in pulled.err
    assert " usd" in pulled.err


def test_check_says_so_whenever_it_is_asked(run: Run, account: str) -> None:
    assert run("check").code == 0
    run(*PULL, "--force")

    for _ in range(2):
        checked = run("check")
        assert checked.code == 1
        assert "no_account_or_currency_gone: Gone since a former file" in " ".join(checked.out.split())
        assert account in checked.out
    run(*PULL, "--no-refresh")
    assert run("check").code == 1


def test_programs_are_told_what_is_gone(run: Run, account: str) -> None:
    partition, _ = run(*PULL, "--force", "--json").objects

    assert {each["gone"] for each in partition["gone"]} == {account}
    assert {"currency", "rows", "net", "former report run"} <= partition["gone"][0].keys()
