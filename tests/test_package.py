"""The package as somebody installs it: what the wheel holds, and that it needs no clone."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn
from zipfile import ZipFile

import pytest

import connector
from connector.query import ReportQuery
from tests.conftest import Pull
from tests.support.partitions import days, done

ROOT = Path(__file__).parent.parent

#: Loads the code location in a process that knows the wheel alone, and says what it found.
LOAD = """
import json, sys
import assets, connector
from assets.definitions import defs
from assets.dev import code_location, find_project
keys = sorted(spec.key.to_user_string() for spec in defs().resolve_all_asset_specs())
files, dev = [assets.__file__, connector.__file__], code_location(find_project())
print(json.dumps({"files": files, "assets": keys, "dev": dev}))
"""


def test_the_connector_works_where_its_metadata_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, pull: Pull
) -> None:
    def absent(name: str) -> NoReturn:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", absent)

    (outcome,) = done(pull(ReportQuery.of("balance_summary"), days("2026-06-05", 1))).values()

    assert outcome.published.provenance.connector_version == connector.__version__


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """Built from a copy, so that nothing is written here and nothing built before gets in."""
    source, built = tmp_path / "source", tmp_path / "built"
    for folder in ("connector", "assets"):
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", built, source], check=True)
    (found,) = built.iterdir()
    return found


@pytest.mark.long
def test_the_wheel_is_whole_and_its_definitions_load_far_from_the_clone(wheel: Path, tmp_path: Path) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with ZipFile(wheel) as archive:
        archive.extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}

    ran = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    loaded = json.loads(ran.stdout)
    assert loaded["files"] == [str(site / "assets/__init__.py"), str(site / "connector/__init__.py")]
    assert "stripe/balance_summary" in loaded["assets"]
    assert loaded["dev"] == ["-m", "assets.definitions", "-d", str(elsewhere)]
    (information,) = site.glob("*.dist-info")
    assert information.name == f"dagster_stripe_reports-{connector.__version__}.dist-info"
    assert (information / "licenses/LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert (site / "connector/py.typed").exists()
    assert (site / "assets/py.typed").exists()


def test_every_test_can_be_run_by_its_name(request: pytest.FixtureRequest) -> None:
    """What runs tests one by one, as `make mutants` does, hands their names back to pytest, which does not
    find those with the `repr` of a backslash, or with a line end, again."""
    names = [item.nodeid for item in request.session.items]

    assert [name for name in names if "\\\\" in name or not name.isprintable()] == []
