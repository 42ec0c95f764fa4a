"""Somebody else's package in the place of one of ours is noticed, with what to do."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from connector.project import registry
from connector.project.package_names import ForeignPackageWarning, foreign_packages

ROOT = Path(__file__).parents[2]


def lay(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    return folder


@pytest.mark.parametrize("place", ["assets", "src/assets", "connector", "src/connector"])
def test_a_package_of_the_project_is_named(tmp_path: Path, place: str) -> None:
    foreign = lay(tmp_path / place)

    (said,) = foreign_packages(tmp_path)

    assert f"the package `{foreign.name}` that is found first is {foreign}, and not the one" in said
    assert str(ROOT) in said


@pytest.mark.parametrize("place", ["money/assets", "src/money/connector", "src/money/defs"])
def test_packages_within_the_projects_own_are_not_meant(tmp_path: Path, place: str) -> None:
    lay(tmp_path / place)
    (tmp_path / "assets").mkdir()  # of pictures

    assert list(foreign_packages(tmp_path)) == []


def test_the_clone_itself_has_ours() -> None:
    assert list(foreign_packages(ROOT)) == []


def test_dg_warns_when_it_loads_its_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path / "assets")
    monkeypatch.chdir(tmp_path)

    with pytest.warns(ForeignPackageWarning, match="environment and a directory of their own"):
        importlib.reload(registry)


@pytest.mark.parametrize("file", ["connector/__init__.py", "connector.py"])
def test_our_assets_refuse_another_connector(tmp_path: Path, file: str) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}

    ran = subprocess.run(
        [sys.executable, "-c", "import assets"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 1
    assert f"ImportError: the package `connector` that is found first is {tmp_path / file}" in ran.stderr
