"""`types --live`: what Stripe has for this key, asked and compared."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.catalogue import REPORTS
from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.report_types.observed import REPORT_TYPES
from connector.simulator.server import serve
from tests.cli.conftest import Run


@pytest.fixture
def changed(clock: Any, monkeypatch: pytest.MonkeyPatch, run: Run) -> Iterator[Simulator]:
    """A Stripe that has a type more and a type less than documented, and another default column."""
    types = {each.id: each for each in REPORT_TYPES}
    summary = types["balance.summary.1"]
    types["balance.summary.1"] = replace(summary, default_columns=("category", "net_amount", "currency"))
    types["brand.new.1"] = replace(summary, id="brand.new.1", name="Brand new")
    del types["payouts.itemized.1"]
    simulator = Simulator(clock, report_types=tuple(types.values()))
    with serve(simulator) as url:
        monkeypatch.setenv("STRIPE_API_BASE", url)
        monkeypatch.setenv("STRIPE_API_KEY", SIMULATED_KEY)
        yield simulator


def line_with(text: str, out: str) -> str:
    (found,) = [line for line in out.splitlines() if text in line]
    return found


def about(name: str, out: str) -> str:
    lines = out.splitlines()
    return lines[lines.index(name) + 1]


def test_people_see_what_differs(run: Run, changed: Simulator) -> None:
    shown = run("types", "--live")

    assert (shown.code, shown.err) == (0, "")
    assert "default columns differ: without description" in about("balance.summary.1", shown.out)
    assert "2026-06-07 00:00" not in shown.out
    assert "to 2026-06-07 UTC" in about("payouts.itemized.3", shown.out)
    assert line_with("not in the catalogue; configure", shown.out).endswith(": brand.new.1")
    assert "payouts.itemized.1" in line_with("documented, and not offered", shown.out)
    assert "all_fees.incurred_at.itemized.2" in line_with("only with a live key", shown.out)


def test_programs_get_an_object_for_every_type_of_either_side(run: Run, changed: Simulator) -> None:
    told = {each["report_type"]: each for each in run("types", "--live", "--json").objects}

    assert told.keys() == {*REPORTS, "brand.new.1"}
    assert told["balance.summary.1"]["default_columns_missing"] == ["description"]
    assert told["balance.summary.1"]["data_available_end"] == "2026-06-07T00:00:00Z"
    assert told["balance.summary.1"]["updated"].startswith("2026-06-07T12:0")
    assert told["brand.new.1"]["standing"] == "unknown"
    assert told["payouts.itemized.1"]["standing"] == "not_offered"
    assert told["all_fees.incurred_at.itemized.2"]["standing"] == "live_only"


def test_one_report_is_shown_alone_by_name_or_id(run: Run, changed: Simulator) -> None:
    by_name = run("types", "--live", "payouts_itemized", "--json").objects
    by_id = run("types", "--live", "brand.new.1", "--json").objects

    assert {each["name"] for each in by_name} == {"payouts_itemized"}
    assert [each["title"] for each in by_id] == ["Brand new"]


def test_without_a_key_it_says_how_to_get_one(run: Run) -> None:
    refused = run("types", "--live")

    assert (refused.code, refused.out) == (2, "")
    assert "set STRIPE_API_KEY" in refused.err


def test_a_name_that_neither_side_has_is_refused_with_the_nearest(run: Run, changed: Simulator) -> None:
    refused = run("types", "--live", "payouts_itemised")

    assert (refused.code, refused.out) == (2, "")
    assert "nearest: payouts_itemized" in refused.err


def configure(directory: Path) -> None:
    """Two tables in a zone of their own, one of them with a name of its own."""
    (directory / "defs").mkdir()
    (directory / "defs" / "defs.yaml").write_text("""\
type: assets.StripeReportsComponent
attributes:
  defaults: {start: 2026-06-01, zone: Europe/Berlin}
  reports:
    - {report: balance.summary.2, name: kontostand}
    - {report: payouts_itemized, window: monthly, columns: [payout_id, net]}
""")


def test_a_table_of_the_file_here_is_known_by_its_name(run: Run, tmp_path: Path) -> None:
    configure(tmp_path)

    listed = run("types").out
    shown = run("types", "kontostand").lines
    (as_object,) = run("types", "kontostand", "--json").objects

    named = "kontostand is balance.summary.2 as defs/defs.yaml configures it: daily windows of Europe/Berlin"
    assert named in " ".join(listed.split())
    assert "monthly windows of Europe/Berlin; columns payout_id, net" in " ".join(listed.split())
    assert named in " ".join(" ".join(shown).split())
    assert "balance_summary  balance.summary.2" in shown
    assert (as_object["table"], as_object["report_type"]) == ("kontostand", "balance.summary.2")


def test_stripe_is_asked_about_the_report_of_a_table(run: Run, changed: Simulator, tmp_path: Path) -> None:
    configure(tmp_path)

    (told,) = run("types", "kontostand", "--live", "--json").objects

    assert told["report_type"] == "balance.summary.2"
