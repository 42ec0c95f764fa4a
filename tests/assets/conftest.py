"""What tests of the assets are given: an instance, a Stripe in memory, reports, a project to load."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from connector.clock import Clock
from connector.simulator import Simulator
from tests.support.dagster import Orchestra, configured

Load = Callable[[str], dg.Definitions]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def orchestra(instance: dg.DagsterInstance, simulator: Simulator, clock: Clock, tmp_path: Path) -> Orchestra:
    return Orchestra(instance, simulator.handle, clock, tmp_path / "data")


@pytest.fixture
def summary_report() -> ConfiguredReport:
    return configured("balance.summary.1")


@pytest.fixture
def summary(summary_report: ConfiguredReport) -> dg.AssetsDefinition:
    return build_report_asset(summary_report, retry_policy=None)


@pytest.fixture
def activity() -> dg.AssetsDefinition:
    report = configured("balance_change_from_activity.itemized.3")
    return build_report_asset(report, retry_policy=None)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Loads a project whose only definitions are the given file."""
    folder = tmp_path / "somebodys" / "defs" / "stripe"
    folder.mkdir(parents=True)
    for package in (folder.parent, folder.parent.parent):
        (package / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text(
        '[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "somebodys"\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    def from_text(text: str) -> dg.Definitions:
        (folder / "defs.yaml").write_text(text)
        return dg.load_from_defs_folder(path_within_project=folder)

    yield from_text
    for name in [name for name in sys.modules if name.split(".")[0] == "somebodys"]:
        del sys.modules[name]
