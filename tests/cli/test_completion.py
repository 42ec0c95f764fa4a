"""What a shell offers after a word that is begun."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from connector.cli import cli
from connector.simulator import Simulator
from tests.cli.conftest import Run, configure

JUNE = ("--from", "2026-06-01", "--to", "2026-06-02")

Offer = Callable[..., list[str]]


@pytest.fixture
def offer(run: Run) -> Offer:
    """What is offered in an empty directory for the last word, which is not finished."""

    def offered(*words: str) -> list[str]:
        shell = ShellComplete(cli, {}, "stripe-reports", "_STRIPE_REPORTS_COMPLETE")
        *before, incomplete = words
        return [each.value for each in shell.get_completions(before, incomplete)]

    return offered


OFFERED = {
    "a command": (("pu",), ["pull"]),
    "a report": (("pull", "balance_s"), ["balance_summary"]),
    "a version": (("types", "balance.summary."), ["balance.summary.1", "balance.summary.2"]),
    "a window": (("pull", "balance_summary", "--window", "m"), ["monthly"]),
    "a zone": (("init", "--zone", "Europe/Berl"), ["Europe/Berlin"]),
    "a mode": (("check", "--mode", "l"), ["live"]),
    "a fault": (("simulate", "--fault", "stuck"), ["stuck-run"]),
    "nothing that is there": (("check", "balance_s"), []),
}


@pytest.mark.parametrize(("words", "offered"), OFFERED.values(), ids=OFFERED)
def test_a_word_goes_on_to_what_may_stand_there(
    offer: Offer, words: tuple[str, ...], offered: list[str]
) -> None:
    assert offer(*words) == offered


def test_tables_are_offered_where_they_are_configured_or_stored(
    offer: Offer, run: Run, stripe: Simulator, tmp_path: Path
) -> None:
    configure(tmp_path, "balance_summary", "2026-06-01", "connected_accounts", name="summary_of_shops")

    run("pull", "balance_summary", *JUNE, "--name", "summary_here")

    assert offer("pull", "summary") == ["summary_of_shops"]
    assert offer("check", "summary") == ["summary_here"]


def test_a_file_that_cannot_be_read_offers_nothing_and_breaks_no_prompt(offer: Offer, tmp_path: Path) -> None:
    (tmp_path / "defs").mkdir()
    (tmp_path / "defs" / "defs.yaml").write_text("type: [")
    (tmp_path / "data").write_text("not a directory")

    assert offer("pull", "balance_s") == ["balance_summary"]
    assert offer("check", "b") == []
