"""Commands on a root in a bucket, reached as the environment says: as on a disk, and without its secrets."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from connector.cli import main
from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.server import serve
from tests.support.buckets import Bucket
from tests.support.clock import ManualClock
from tests.support.gateway import DENIED, Gateway, gateway

JUNE = ("balance_summary", "--from", "2026-06-01", "--to", "2026-06-03")


@pytest.fixture
def stripe(clock: ManualClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Simulator]:
    for name in [name for name in os.environ if name.startswith(("STRIPE_", "AWS_"))]:
        monkeypatch.delenv(name)
    simulator = Simulator(clock, seed=7, volume=3, opening=date(2026, 5, 1), run_seconds=0)
    with serve(simulator) as url:
        monkeypatch.setenv("STRIPE_API_BASE", url)
        monkeypatch.setenv("STRIPE_API_KEY", SIMULATED_KEY)
        monkeypatch.chdir(tmp_path)
        yield simulator


@pytest.fixture
def between(stripe: Simulator, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    with gateway(bucket.endpoint) as it:
        for name, value in bucket.at(it.endpoint).environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("STRIPE_REPORTS_ROOT", bucket.url)
        yield it


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(bucket: Bucket, capfd: pytest.CaptureFixture[str]) -> Run:
    """The exit code of a command, and all that it said, in which no secret stands."""

    def command(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        said = capfd.readouterr()
        assert bucket.keys[1] not in said.out + said.err
        return int(str(ended.value.code)), said.out + said.err

    return command


def test_what_is_pulled_into_a_bucket_is_found_there_by_all_commands(between: Gateway, run: Run) -> None:
    assert run("pull", *JUNE)[0] == 0
    assert run("pull", *JUNE, "--force")[0] == 0

    code, said = run("sql", "SELECT count(DISTINCT period) AS days FROM balance_summary", "--json")
    assert (code, said.strip()) == (0, '{"days": 2}')
    assert run("check", "balance_summary")[0] == 0
    assert "can be written to" in run("doctor")[1]
    assert run("forget", "balance_summary", "2026-06-01", "--yes")[0] == 0
    assert "1" in run("sql", "SELECT count(DISTINCT period) AS days FROM balance_summary", "--json")[1]


@pytest.mark.long
def test_a_table_in_a_bucket_is_rewritten_wide_forgotten_in_part_and_right_afterwards(
    between: Gateway, run: Run
) -> None:
    total = ("sql", "SELECT sum(net) AS net FROM balance_change_from_activity_itemized", "--json")
    pull = ("pull", "balance_change_from_activity.itemized.2", *JUNE[1:])
    assert run(*pull)[0] == 0
    before = run(*total)[1]

    compared = run("upgrade", "balance_change_from_activity_itemized", "--to-version", "3")
    wide = run("upgrade", "balance_change_from_activity_itemized", "--wide")

    assert "Rows and totals are the same in every partition." in compared[1]
    assert (wide[0], "2 files rewritten" in wide[1]) == (0, True)
    assert Decimal(json.loads(run(*total)[1])["net"]) == Decimal(json.loads(before)["net"])
    assert run("check")[0] == 0
    assert run("forget", "balance_change_from_activity_itemized", "2026-06-01", "--yes")[0] == 0
    assert run("check")[0] == 0
    assert run(*pull)[0] == 0
    assert Decimal(json.loads(run(*total)[1])["net"]) == Decimal(json.loads(before)["net"])
    assert run("check", "--json")[0] == 0


def test_a_bucket_that_refuses_is_told_before_stripe_is_asked(
    between: Gateway, run: Run, stripe: Simulator
) -> None:
    between.add(DENIED, "PUT *", times=None)

    code, said = run("pull", *JUNE)

    assert code != 0
    assert "the credentials lack a permission (AccessDenied)" in said
    assert stripe.runs == []


def test_a_wrong_bucket_is_told_before_stripe_is_asked(
    between: Gateway, run: Run, stripe: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_REPORTS_ROOT", "s3://another-bucket-than-that/reports")

    code, said = run("pull", *JUNE)

    assert code != 0
    assert "there is no such bucket" in said
    assert stripe.runs == []
