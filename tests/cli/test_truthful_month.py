"""A month of four reports, pulled and checked by the command: the truth passes, one amount that is changed
fails and is named.

The files are in the form of real exports, of an account in July 2024 that paid out 470.00 and was debited
20.00.
"""

import functools
import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from connector.simulator import SIMULATED_KEY, Match, Simulator
from connector.simulator.server import serve
from tests.cli.conftest import Ran, Run
from tests.facts import report_types
from tests.faults.runs import FileReads
from tests.support.clock import ManualClock

SAMPLES = Path(report_types.__file__).parent / "samples"
BALANCE = "balance.summary.1"
TOTALS = "balance_change_from_activity.summary.1"
PAYOUTS = "payouts.itemized.3"
CONTENTS = "payout_reconciliation.itemized.5"

#: Of one currency: the activity in yen is of no account's balance here.
_YEN = b"jpy"

Edit = Callable[[str], str]
#: What is changed in which report.
Change = tuple[str, Edit]


@pytest.fixture
def stripe(clock: ManualClock, monkeypatch: pytest.MonkeyPatch, run: Run) -> Iterator[Simulator]:
    """With data since before the month of the samples; runs end at once."""
    simulator = Simulator(clock, seed=7, volume=1, run_seconds=0, opening=date(2024, 6, 1))
    with serve(simulator) as url:
        monkeypatch.setenv("STRIPE_API_BASE", url)
        monkeypatch.setenv("STRIPE_API_KEY", SIMULATED_KEY)
        yield simulator


Check = Callable[..., Ran]


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each report as it is below a root of its own, once it was pulled."""
    return tmp_path_factory.mktemp("unchanged")


@pytest.fixture
def check(run: Run, stripe: Simulator, tmp_path: Path, unchanged: Path) -> Check:
    """Pull July 2024 of the four reports, each file changed as said, and check everything."""

    def pull(id: str, root: Path, *edits: Edit) -> None:
        content = (SAMPLES / f"{id}.csv").read_bytes()
        content = b"".join(line for line in content.splitlines(keepends=True) if _YEN not in line)
        body = functools.reduce(lambda text, edit: edit(text), edits, content.decode()).encode()
        stripe.faults.add(FileReads(lambda _: body), Match(report_type=id))
        columns = body.decode().splitlines()[0].replace('"', "")
        pulled = run(
            "pull", id, "--columns", columns, "--window", "monthly", "--zone", "Europe/London",
            "--from", "2024-07-01", "--to", "2024-08-01", "--filter", "timezone=Europe/London",
            "--root", str(root),
        )  # fmt: skip
        assert pulled.code in {0, 1}, pulled.err
        assert "1 partition" in pulled.out + pulled.err

    def checked(*changes: Change) -> Ran:
        for id in (BALANCE, TOTALS, PAYOUTS, CONTENTS):
            edits = [edit for report, edit in changes if report == id]
            if edits:
                pull(id, tmp_path / "data", *edits)
                continue
            if not (unchanged / id).exists():
                pull(id, unchanged / id)
            shutil.copytree(unchanged / id, tmp_path / "data", dirs_exist_ok=True)
        return run("check", "--json")

    return checked


def not_passed(ran: Ran) -> dict[str, str]:
    """Why, by table and check."""
    found = [each for each in map(json.loads, ran.lines) if each.get("result", "passed") != "passed"]
    return {f"{each['table']}: {each['check']}": each["reason"] for each in found}


def instead(*pairs: tuple[str, str]) -> Edit:
    """Texts of a file, each there once or more, replaced."""

    def edit(text: str) -> str:
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        return text

    return edit


def closes_with(amount: str) -> Change:
    """What the balance of the month, changed or not, closes with."""
    return BALANCE, lambda text: re.sub(r'(?m)^("ending_balance",.*?),"[\d.]+"', rf'\1,"{amount}"', text)


TOPPED_UP = BALANCE, instead(
    ('"payouts_gross"', '"topups_gross","Top-ups","2000.00","gbp"\n"topups_fee","Top-up fees","-3.00","gbp"\n'
     '"topups","Total top-ups","1997.00","gbp"\n"payouts_gross"'),
)  # fmt: skip
LISTED_AS_ACTIVITY = TOTALS, instead(
    ('"total","gbp","6","20.00","-1.00","19.00"',
     '"topup","gbp","1","2000.00","-3.00","1997.00"\n"total","gbp","7","2020.00","-4.00","2016.00"'),
)  # fmt: skip
ON_ITS_WAY = PAYOUTS, instead(
    ('"trace_id_status","application_fee"\n', '"trace_id_status","application_fee"\n'
     '"po_1SampleT","2024-07-30 00:00:00","2024-07-30 01:00:00","gbp","9.00","0.00","9.00","payout",'
     '"txn_1SampleP9","STRIPE PAYOUT","2024-08-02 00:00:00","in_transit",,,"bank_account","STRIPE PAYOUT",'
     '"ba_1SampleSampleSample0001","SAMPLE-TRACE-9","pending",\n'),
)  # fmt: skip
WHAT_IT_CONSISTS_OF = CONTENTS, instead(
    ('"source_id","description"\n', '"source_id","description"\n'
     '"po_1SampleT","2024-07-30 00:00:00","2024-07-30 01:00:00","txn_1Sample09","2024-07-26 10:00:00",'
     '"2024-07-26 11:00:00","2024-07-30 00:00:00","2024-07-30 01:00:00","gbp","10.00","1.00","9.00","charge",'
     '"ch_1Sample09","Order"\n'),
)  # fmt: skip
PAID_MORE = BALANCE, instead(('"-450.00"', '"-459.00"'))


def without_the_debit(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if "po_1SampleC" not in line)


NO_DEBIT = (
    (PAYOUTS, without_the_debit),
    (CONTENTS, without_the_debit),
    (BALANCE, instead(("-450.00", "-470.00"))),
)
TOP_UPS = TOPPED_UP, closes_with("2066.00")

TRUE = [
    pytest.param((*NO_DEBIT, closes_with("49.00")), id="plain"),
    pytest.param((), id="a-debit-of-the-bank-account"),
    pytest.param(TOP_UPS, id="top-ups"),
    pytest.param((*TOP_UPS, LISTED_AS_ACTIVITY), id="top-ups-listed-as-activity-too"),
    pytest.param((PAID_MORE, closes_with("60.00"), ON_ITS_WAY), id="a-payout-on-its-way-made-by-hand"),
    pytest.param(
        (PAID_MORE, closes_with("60.00"), ON_ITS_WAY, WHAT_IT_CONSISTS_OF), id="a-payout-on-its-way"
    ),
    pytest.param(
        (PAID_MORE, TOPPED_UP, closes_with("2057.00"), ON_ITS_WAY, WHAT_IT_CONSISTS_OF, LISTED_AS_ACTIVITY),
        id="all-of-these",
    ),
]


@pytest.mark.parametrize("changes", TRUE)
def test_a_truthful_month_passes(check: Check, changes: tuple[Change, ...]) -> None:
    checked = check(*changes)

    assert not_passed(checked) == {}
    assert checked.code == 0
    assert {each["check"] for each in map(json.loads, checked.lines) if "check" in each} >= {
        "balance_adds_up", "net_is_gross_less_fee", "agrees_with_payouts_itemized",
        "agrees_with_payout_reconciliation_itemized", "agrees_with_balance_summary",
        "agrees_with_balance_change_from_activity_summary",
    }  # fmt: skip


def changed(report: str, old: str, *amounts: tuple[str, str]) -> Change:
    """Amounts of a text that is in the file replaced."""
    return report, instead((old, instead(*amounts)(old)))


FALSE = [
    pytest.param(
        (changed(PAYOUTS, '"70.00","0.00","70.00"', ("70", "61")),),
        ("po_1SampleA gbp: net 61.00 here and 70.00 there", "gbp: payouts -450.00 here and -441.00 there"),
        id="a-payout",
    ),
    pytest.param(
        (changed(PAYOUTS, '"-20.00","0.00","-20.00"', ("20", "21")),),
        ("po_1SampleC gbp: net -21.00 here and -20.00 there",),
        id="a-debit",
    ),
    pytest.param(
        (changed(CONTENTS, '"420.00","8.00","412.00"', ("420", "430"), ("412", "422")),),
        ("po_1SampleB gbp: net 400.00 here and 410.00 there",),
        id="a-transaction-of-a-payout",
    ),
    pytest.param(
        (changed(BALANCE, '"payouts_gross","Payouts to bank","-450.00"', ("450", "451")),),
        ("(difference 1.00)", "gbp: payouts -451.00 here and -450.00 there"),
        id="the-payouts-of-the-balance",
    ),
    pytest.param(
        (*TOP_UPS, changed(BALANCE, '"topups_gross","Top-ups","2000.00"', ("2000.00", "2000.01"))),
        ("and the ending balance is 2066.00 (difference -0.01)",),
        id="a-top-up",
    ),
    pytest.param(
        (*TOP_UPS, changed(BALANCE, '"topups_fee","Top-up fees","-3.00"', ("3.00", "3.01"))),
        ("and the ending balance is 2066.00 (difference 0.01)",),
        id="the-fee-of-a-top-up",
    ),
    pytest.param(
        (*TOP_UPS, LISTED_AS_ACTIVITY, changed(BALANCE, '"2000.00"', ("2000.00", "2000.01"))),
        ("gbp: activity and topups 2016.01 here and 2016.00 there",),
        id="a-top-up-listed-as-activity-too",
    ),
    pytest.param(
        (*TOP_UPS, LISTED_AS_ACTIVITY,
         changed(TOTALS, '"2000.00","-3.00","1997.00"', ("2000", "2001"), ("1997", "1998"))),
        ("gbp: activity and topups 2016.00 here and 2017.00 there",),
        id="a-top-up-of-the-activity",
    ),
    pytest.param(
        (changed(TOTALS, '"60.00","-1.00","59.00"', ("-1.00", "-1.01")),),
        ("reporting_category charge",),
        id="a-fee",
    ),
    pytest.param(
        (changed(TOTALS, '"60.00","-1.00","59.00"', ("-1.00", "-1.01"), ("59.00", "58.99")),),
        ("gbp: activity 19.00 here and 18.99 there",),
        id="a-fee-and-its-net",
    ),
    pytest.param(
        (changed(BALANCE, '"activity_fee","Less fees","-1.00"', ("1.00", "1.01")),),
        ("(difference 0.01)", "gbp: activity 18.99 here and 19.00 there"),
        id="the-fees-of-the-balance",
    ),
    pytest.param(
        (changed(CONTENTS, '"72.00","2.00","70.00"', ('"2.00"', '"2.01"')),),
        ("txn_1Sample01",),
        id="the-fee-of-a-transaction",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "named"), FALSE)
def test_one_amount_changed_fails_and_is_named(
    check: Check, changes: tuple[Change, ...], named: tuple[str, ...]
) -> None:
    checked = check(*changes)
    reasons = " ".join(not_passed(checked).values())

    assert checked.code == 1
    assert [each for each in named if each not in reasons] == []


def test_months_of_the_simulated_account_pass_too(run: Run, stripe: Simulator) -> None:
    """Two of them: September 2024 has a top-up, and August has none."""
    for report in (BALANCE, TOTALS, PAYOUTS, CONTENTS):
        assert (
            run("pull", report, "--window", "monthly", "--from", "2024-08-01", "--to", "2024-10-01").code == 0
        )

    checked = run("check", "--json")
    saw = [each["reason"] for each in map(json.loads, checked.lines) if each.get("partition") == "2024-09-01"]

    assert not_passed(checked) == {}
    assert checked.code == 0
    assert [each for each in saw if "lists topups too" in each]
