"""Faults and kills cost time and never data. More of it: `make chaos`, or `python -m tests.chaos --help`."""

import argparse
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import connector.runs.progress
from assets.materialize.event_recorder import EventRecorder
from connector.api.client import StripeClient
from connector.api.responses import FileStream
from connector.dataset.filesystem.directory import Directory
from connector.dataset.filesystem.root import Version
from connector.pipeline.collect import Done
from tests.chaos.__main__ import main
from tests.chaos.faults import FAULTS
from tests.chaos.in_dagster import OrdealInDagster
from tests.chaos.mixtures import mixture
from tests.chaos.ordeal import Killed, LawBrokenError, Ordeal

_SEEDS_AT_ONCE = 5

#: Whoever is killed between opening a file and the `with` that closes it leaves it open, as a process would.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <_io:pytest.PytestUnraisableExceptionWarning"
)


def test_pulls_are_killed_and_in_the_folders_of_a_package_too(tmp_path: Path) -> None:
    ordeals = [Ordeal(seed, tmp_path / str(seed), kills=2, partitions=2) for seed in range(15)]

    for ordeal in ordeals:
        ordeal.undergo()

    died_at = [place for ordeal in ordeals for place in ordeal.died_at]
    assert len(died_at) > len(ordeals)
    assert {"event", "request", "answer"} <= set(died_at)
    assert any(place.count("/") > 1 for place in died_at), died_at


def test_a_table_in_which_nobody_died_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    nobody = argparse.Namespace(seeds=0, first=1, alone=0, days=1, dagster=False)

    assert main(nobody) == 1
    assert "died: nobody" in capsys.readouterr().out


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_costs_time_and_no_data(tmp_path: Path, name: str) -> None:
    Ordeal(1, tmp_path, [name], kills=1, partitions=2).undergo()


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, 20, _SEEDS_AT_ONCE))
def test_a_mixture_of_faults_costs_time_and_no_data(tmp_path: Path, first: int) -> None:
    for seed in range(first, first + _SEEDS_AT_ONCE):
        mixture(seed, tmp_path / str(seed), partitions=2).undergo()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
def test_through_dagster_it_costs_no_data_and_no_event_either(tmp_path: Path, seed: int) -> None:
    mixture(seed, tmp_path, partitions=2, kind=OrdealInDagster).undergo()


def test_fair_weather_asks_once_for_each_partition(tmp_path: Path) -> None:
    ordeal = Ordeal(1, tmp_path, kills=0)

    ordeal.undergo()

    assert len(ordeal.simulator.runs) == 2 * ordeal.partitions
    assert ordeal.unfinished == 0


def broken_law(tmp_path: Path, *faults: str, probability: float = 0.5, kind: type[Ordeal] = Ordeal) -> str:
    """What a handful of ordeals find wrong; empty when nothing."""
    for seed in range(10):
        try:
            kind(seed, tmp_path / str(seed), faults, probability=probability).undergo()
        except LawBrokenError as broken:
            return str(broken)
    return ""


def test_a_bug_in_adoption_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is there already is taken up."""
    monkeypatch.setattr(connector.runs.progress, "choose", lambda *_, **__: None)

    assert "runs, 8 partitions" in broken_law(tmp_path)


@pytest.mark.long
def test_a_bug_in_recording_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was published by somebody who died before recording it is taken for recorded."""
    honest = EventRecorder._write

    def forgetful(recording: EventRecorder, event: Done) -> None:
        if event.fetched:
            honest(recording, event)

    monkeypatch.setattr(EventRecorder, "_write", forgetful)

    assert "recorded" in broken_law(tmp_path, kind=OrdealInDagster)


def test_a_bug_in_publishing_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is written where readers look, and the process dies half way."""
    calls = itertools.count()

    def in_place(_: Directory, path: str, content: Path | bytes, *, replacing: Version | None) -> bool:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        written = content if isinstance(content, bytes) else content.read_bytes()
        Path(path).write_bytes(written[: len(written) // 2])
        if path.endswith(".parquet") and next(calls) % 7 == 3:
            raise Killed
        Path(path).write_bytes(written)
        return True

    monkeypatch.setattr(Directory, "put", in_place)

    assert "is torn" in broken_law(tmp_path)


def test_a_bug_in_resuming_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tag that tells one version of a file from another is not looked at."""
    honest = StripeClient.contents

    @contextmanager
    def blind(client: StripeClient, file: Any, *, offset: int = 0, etag: Any = None) -> Iterator[FileStream]:
        with honest(client, file, offset=offset) as contents:
            yield replace(contents, etag='"any"')

    monkeypatch.setattr(StripeClient, "contents", blind)

    assert "is not what the ledger says" in broken_law(tmp_path, "file changed between ranges")
