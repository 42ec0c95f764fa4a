"""The lives of configured accounts, as `check`, the list of tables and `doctor` take them into account."""

from pathlib import Path

import pytest

from connector.simulator import Simulator
from tests.cli.conftest import Run, configure

TABLE = "connected_account_balance_summary"
DAYS = ("--from", "2026-06-01", "--to", "2026-06-05")

CONFIGURED = ("connected_account_balance.summary.1", "2026-06-01", "connected_accounts")


@pytest.fixture
def pulled(run: Run, stripe: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four days of the first account, the first two of the second, none of the third."""
    monkeypatch.chdir(tmp_path)
    first, second, _ = stripe.connected_accounts
    assert run("pull", TABLE, *DAYS, "--connected-accounts", first).code == 0
    assert run("pull", TABLE, *DAYS[:2], "--to", "2026-06-03", "--connected-accounts", second).code == 0


def missing(run: Run) -> tuple[str, int, str]:
    """What `check` says is missing, how many partitions the list of tables counts, and what `doctor` says."""
    checked = run("check", "--json")
    (gaps,) = (each for each in checked.objects if each.get("check") == "no_gaps")
    assert checked.code == 0
    (table,) = run("sql", "--json").objects
    lacking = [
        each["found"] for each in run("doctor", "--json").objects if " lacks " in str(each.get("found"))
    ]
    return gaps["reason"], table["missing"], " ".join(lacking)


@pytest.mark.usefixtures("pulled")
def test_an_account_that_is_configured_and_has_no_file_is_missing(
    run: Run, stripe: Simulator, tmp_path: Path
) -> None:
    first, second, third = stripe.connected_accounts
    configure(tmp_path, *CONFIGURED, first, second, f"{{account: {third}, start: 2026-06-02}}")

    said, counted, diagnosed = missing(run)

    assert said.startswith(f"Missing: all of {third}.")
    assert counted == 3
    assert f"{TABLE} lacks all of {third}" in diagnosed


@pytest.mark.usefixtures("pulled")
def test_a_life_says_what_is_missing_after_the_last_file_of_an_account(
    run: Run, stripe: Simulator, tmp_path: Path
) -> None:
    first, second, _ = stripe.connected_accounts
    configure(tmp_path, *CONFIGURED, first, f"{{account: {second}, until: 2026-06-03}}")

    said, counted, diagnosed = missing(run)

    assert said.startswith(f"Missing: {second}|2026-06-03.")
    assert counted == 1
    assert f"{TABLE} lacks {second}|2026-06-03" in diagnosed


@pytest.mark.usefixtures("pulled")
def test_nothing_is_missing_where_every_account_has_what_lies_in_its_life(
    run: Run, stripe: Simulator, tmp_path: Path
) -> None:
    first, second, third = stripe.connected_accounts
    configure(
        tmp_path,
        *CONFIGURED,
        first,
        f"{{account: {second}, until: 2026-06-02}}",
        f"{{account: {third}, start: 2026-06-05}}",
    )

    assert missing(run) == ("No partition is missing in between.", 0, "")


@pytest.mark.usefixtures("pulled")
def test_an_account_of_another_table_is_not_missing_in_this_one(
    run: Run, stripe: Simulator, tmp_path: Path
) -> None:
    first, second, third = stripe.connected_accounts
    configure(tmp_path, *CONFIGURED, first, second)
    configure(tmp_path, *CONFIGURED, third, name="another")

    assert missing(run) == ("No partition is missing in between.", 0, "")
