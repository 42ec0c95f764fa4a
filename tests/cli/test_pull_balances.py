"""A balance that does not add up is told by the pull that stores it, before anybody sums it up."""

from connector.simulator import Match, Simulator
from tests.checks.conftest import Edited
from tests.cli.conftest import Run
from tests.faults.files import WrongClosing

DAY = ("--from", "2026-06-01", "--to", "2026-06-02")
LINE = {"category": "grace", "currency": "usd", "net_amount": "0.01"}


def test_a_line_that_nobody_knows_is_named_with_its_amount(run: Run, stripe: Simulator) -> None:
    balances = Match(report_type="balance.summary.1")
    stripe.faults.add(WrongClosing(currency="usd"), balances)
    stripe.faults.add(Edited(lambda rows: rows.append(dict(LINE))), balances)

    pulled = run("pull", "balance_summary", *DAY)

    assert pulled.err.startswith(
        "warning: balance_summary 2026-06-01: In usd, the balance is off by 0.01 usd"
    )
    assert "grace 0.01" in pulled.err
    assert run("check").code == 1


def test_a_balance_that_adds_up_says_nothing(run: Run, stripe: Simulator) -> None:
    stripe.faults.add(Edited(lambda rows: rows.append(dict(LINE))), Match(report_type="balance.summary.1"))

    assert run("pull", "balance_summary", *DAY).err == ""
    assert run("pull", "payouts_itemized", *DAY).err == ""


def test_what_is_stored_already_is_not_said_again(run: Run, stripe: Simulator) -> None:
    stripe.faults.add(WrongClosing(), Match(report_type="balance.summary.1"))
    first = run("pull", "balance_summary", *DAY)

    assert "does not add up" in first.err
    assert "add up" not in run("pull", "balance_summary", *DAY, "--no-refresh").err
