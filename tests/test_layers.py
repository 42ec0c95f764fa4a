"""The direction of imports, which nobody remembers under pressure."""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import connector

ROOT = Path(__file__).parent.parent
CONNECTOR = sorted((ROOT / "connector").rglob("*.py"))
ASSETS = sorted((ROOT / "assets").rglob("*.py"))

#: Who may speak HTTP: the two modules between us and Stripe, and Stripe's double.
SPEAK_HTTP = {"connector/transport.py", "connector/client.py"}

#: Who may hand out a frame.
HAND_OUT_FRAMES = {"assets/io_manager.py"}


def imports_of(module: Path) -> Iterator[str]:
    """Every module named in an import, wherever in the file it stands."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def packages(names: Iterable[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def place(module: Path) -> str:
    return module.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("module", CONNECTOR, ids=place)
def test_the_connector_does_not_know_about_dagster(module: Path) -> None:
    assert packages(imports_of(module)).isdisjoint({"dagster", "assets"})


@pytest.mark.parametrize("module", [*CONNECTOR, *ASSETS], ids=place)
def test_http_is_spoken_in_one_place(module: Path) -> None:
    if "connector/simulator/" not in place(module) and place(module) not in SPEAK_HTTP:
        assert "httpx" not in packages(imports_of(module))


@pytest.mark.parametrize("module", [*CONNECTOR, *ASSETS], ids=place)
def test_frames_are_handed_out_in_one_place(module: Path) -> None:
    if place(module) not in HAND_OUT_FRAMES:
        assert packages(imports_of(module)).isdisjoint({"pandas", "polars"})


@pytest.mark.parametrize(
    "module", [each for each in CONNECTOR if "connector/simulator/" in place(each)], ids=place
)
def test_the_simulator_is_blind_to_what_it_tests(module: Path) -> None:
    """It is a second reading of Stripe's documentation; sharing ours it could only agree with us."""
    ours = {name for name in imports_of(module) if name.split(".")[0] == "connector"}

    assert {name for name in ours if not name.startswith("connector.simulator")} <= {"connector.clock"}


@pytest.mark.parametrize("module", [*CONNECTOR, *ASSETS], ids=place)
def test_annotations_are_evaluated(module: Path) -> None:
    """Dagster compares the annotation of `context` with the class itself, which a string never equals."""
    assert "__future__" not in packages(imports_of(module))


def test_dagsters_inside_is_touched_in_one_place_at_most() -> None:
    inside = {
        place(module) for module in ASSETS if any(name.startswith("dagster._") for name in imports_of(module))
    }

    assert len(inside) <= 1, f"one module may know Dagster's private parts, and say why: {sorted(inside)}"


def test_relative_imports_are_not_used() -> None:
    assert [place(m) for m in (*CONNECTOR, *ASSETS) if any(n.startswith(".") for n in imports_of(m))] == []


def test_public_names_load_neither_an_orchestrator_nor_frames() -> None:
    program = (
        "import sys, connector\n"
        "bare = sorted(sys.modules)\n"
        "[getattr(connector, name) for name in connector.__all__]\n"
        "print(*(name for name in ('dagster', 'pandas', 'polars') if name in sys.modules))\n"
        "print(*(name for name in ('httpx', 'pyarrow', 'duckdb', 'dagster', 'pandas') if name in bare))\n"
    )

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == []


def test_the_map_names_every_module() -> None:
    documentation = connector.__doc__ or ""
    named = {word.strip(",;") for word in documentation.split()}
    modules = {each.stem for each in (ROOT / "connector").iterdir() if each.suffix == ".py" or each.is_dir()}

    assert {name for name in modules if not name.startswith("_")} <= named
