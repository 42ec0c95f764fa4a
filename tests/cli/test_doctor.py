"""`doctor` as somebody types it, on the day on which nothing works yet."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from connector.cli import main
from connector.simulator import Simulator
from connector.simulator.server import serve
from tests.faults.network import Compressed

KEY = "rk_test_51Recognisable"

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Run `doctor` in an empty directory without settings; gives exit code, output and errors."""
    for name in [name for name in os.environ if name.startswith("STRIPE_") or name == "DAGSTER_HOME"]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["doctor", *arguments])
        captured = capsys.readouterr()
        return int(str(ended.value.code)), captured.out, captured.err

    return run


@pytest.fixture
def stripe(monkeypatch: pytest.MonkeyPatch, command: Command) -> Iterator[Simulator]:
    """A Stripe on this machine, and the settings that lead there."""
    simulator = Simulator(seed=7, volume=3, opening=date(2026, 5, 1), run_seconds=0)
    with serve(simulator) as url:
        monkeypatch.setenv("STRIPE_API_BASE", url)
        monkeypatch.setenv("STRIPE_API_KEY", KEY)
        yield simulator


def test_all_is_well(command: Command, stripe: Simulator) -> None:
    code, out, err = command()

    assert (code, err) == (0, "")
    assert out.endswith("Nothing is broken.\n")
    assert "51Recognisable" not in out


def test_what_is_broken_is_said_with_what_to_do(command: Command, stripe: Simulator) -> None:
    stripe.keyring.revoke(KEY)

    code, out, _ = command("balance_summary")

    assert code == 1
    assert "fail  key" in out
    assert "→ Set STRIPE_API_KEY" in out
    assert "51Recognisable" not in out


def test_programs_get_one_object_a_line_and_the_sum_of_it(command: Command) -> None:
    code, out, _ = command("--json")

    *findings, summary = (json.loads(line) for line in out.splitlines())
    assert code == summary["exit_code"] == 1
    assert {each["level"] for each in findings} >= {"ok", "fail"}
    assert summary["fail"] == sum(each["level"] == "fail" for each in findings)
    assert all(each["advice"] for each in findings if each["level"] != "ok")


def test_a_misspelt_option_is_refused(command: Command) -> None:
    code, _, err = command("--jsn")

    assert code == 2
    assert "--json" in err


# --probe


def test_report_runs_are_made_only_when_somebody_says_so(command: Command, stripe: Simulator) -> None:
    code, _, err = command("--probe")

    assert code == 2
    assert "--yes" in err
    assert stripe.requests == []


def test_a_probe_prints_each_assumption_and_whether_it_held(command: Command, stripe: Simulator) -> None:
    code, out, err = command("--probe", "--yes")

    assert (code, len(stripe.runs)) == (0, 2)
    assert "held          Contents can be read from the middle." in out
    assert " 0 differs, " in out
    assert "51Recognisable" not in out + err


def test_a_probe_prints_the_same_for_programs(command: Command, stripe: Simulator) -> None:
    stripe.faults.add(Compressed(), "*/contents", times=None)

    code, out, _ = command("--probe", "--yes", "--json")

    *findings, summary = (json.loads(line) for line in out.splitlines())
    assert code == summary["exit_code"] == 1
    assert summary["differs"] == sum(each["result"] == "differs" for each in findings) > 0


def test_a_probe_without_a_key_says_how_to_get_one(command: Command) -> None:
    code, _, err = command("--probe", "--yes")

    assert code == 2
    assert "STRIPE_API_KEY" in err


def test_what_a_probe_would_test_is_listed_without_a_key_or_a_call(command: Command) -> None:
    _, listed, _ = command("--probe", "--list")
    code, out, _ = command("--probe", "--list", "--json")

    found = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert {each["name"] for each in found} >= {"replay", "dialect"}
    assert all(each["assumption"] in listed for each in found)


def test_a_list_without_the_probe_is_refused(command: Command) -> None:
    assert command("--list")[0] == 2


def test_a_probe_is_recorded_for_strangers(command: Command, stripe: Simulator, tmp_path: Path) -> None:
    code, out, _ = command("--probe", "--yes", "--json", "--record", "probe.jsonl")

    recording = tmp_path / "probe.jsonl"
    lines = [json.loads(line) for line in recording.read_text("utf-8").splitlines()]
    asked = [(each["method"], each["status"]) for each in lines if each["type"] == "exchange"]
    assert code == 0
    assert json.loads(out.splitlines()[-1])["recording"] == "probe.jsonl"
    assert asked == [(each.method, each.status) for each in stripe.requests]
    assert "51Recognisable" not in recording.read_text("utf-8")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--probe", "--yes", "--record", "absent/probe.jsonl"),
        ("--probe", "--yes", "--record", "."),
        ("--record", "probe.jsonl"),
        ("--probe", "--list", "--record", "probe.jsonl"),
    ],
)
def test_a_recording_that_cannot_be_is_refused_before_anything_is_sent(
    command: Command, stripe: Simulator, arguments: tuple[str, ...]
) -> None:
    code, _, err = command(*arguments)

    assert (code, stripe.requests) == (2, [])
    assert "record" in err


def test_who_declines_a_recorded_probe_finds_the_file_as_it_was(
    command: Command, stripe: Simulator, tmp_path: Path
) -> None:
    code, _, _ = command("--probe", "--record", "probe.jsonl")

    assert (code, stripe.requests, list(tmp_path.iterdir())) == (2, [], [])
