"""The direction of imports, which nobody remembers under pressure."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONNECTOR = sorted((ROOT / "connector").rglob("*.py"))
ASSETS = sorted((ROOT / "assets").rglob("*.py"))

#: Who may speak HTTP: the two modules between us and Stripe, and Stripe's double.
SPEAK_HTTP = {
    *("connector/api/transport.py", "connector/api/client.py", "connector/api/http_client.py"),
    *("connector/api/body.py", "connector/api/deadline.py"),
}

#: Who may hand out a frame.
HAND_OUT_FRAMES = {"assets/io_manager.py"}

#: What each part may import of ours, from the ground up. What is missing here may import nothing.
_GROUND = {"errors", "clock", "text"}
MAY_IMPORT = {
    "connector": {
        "text": set(),
        "errors": {"text"},
        "clock": set(),
        "terminal": {"text"},
        "money": set(),
        "column_diff": set(),
        "reserved": set(),
        "partitions": {"errors", "text"},
        "api": _GROUND,
        "accounts": {"api", "errors", "partitions", "text"},
        "catalogue": {"api", "column_diff", "errors", "money", "reserved", "text"},
        "convert": {"api", "catalogue", "clock", "dataset", "errors", "money", "text"},
        "dataset": {
            *("accounts", "api", "clock", "column_diff", "errors", "money", "partitions", "reserved", "text"),
        },
        "pictures": {"money", "text"},
        "query": {"accounts", "api", "catalogue", "clock", "dataset", "errors", "partitions"},
        "runs": {"api", "catalogue", "dataset", "errors", "partitions", "text"},
        "pipeline": {
            "api",
            "clock",
            "convert",
            "dataset",
            "errors",
            "partitions",
            "query",
            "runs",
            "terminal",
            "text",
        },
        "sql": {"accounts", "api", "catalogue", "convert", "dataset", "errors", "money", "terminal"},
        "checks": {
            *(
                "accounts",
                "catalogue",
                "convert",
                "dataset",
                "errors",
                "money",
                "partitions",
                "query",
                "sql",
                "text",
            ),
        },
        "status": {
            *("accounts", "api", "catalogue", "checks", "dataset", "errors", "partitions", "query", "sql"),
        },
        "close": {
            *("accounts", "catalogue", "checks", "convert", "dataset", "errors", "money", "partitions"),
            *("pictures", "query", "sql", "terminal", "text"),
        },
        "settings": {"api", "dataset", "errors"},
        "upgrade": {"catalogue", "column_diff", "dataset", "errors", "money", "partitions", "query", "text"},
        "project": {
            *("accounts", "api", "catalogue", "dataset", "errors", "partitions", "query", "settings", "text"),
        },
        "doctor": {
            *("accounts", "api", "catalogue", "clock", "dataset", "errors", "money", "partitions", "project"),
            *("query", "settings", "text"),
        },
        "simulator": {"clock"},
    },
    "assets": {
        "resources": set(),
        "shown": set(),
        "reports": {"shown"},
        "dagster_runs": {"reports"},
        "io_manager": {"dagster_runs", "reports", "resources", "shown"},
        "materialize": {"dagster_runs", "reports", "resources", "shown"},
        "sensors": {"dagster_runs", "reports", "resources", "shown"},
        "automation": {"dagster_runs", "reports", "resources", "sensors", "shown"},
        "analytics": {"automation", "dagster_runs", "materialize", "reports", "resources", "shown"},
        "config": {
            "analytics",
            "automation",
            "io_manager",
            "materialize",
            "reports",
            "resources",
            "sensors",
        },
    },
}
#: The doors, which may import all that stands below them.
DOORS = {"connector": {"__init__", "__main__", "cli"}, "assets": {"__init__", "definitions", "demo", "dev"}}


@cache
def imports_of(module: Path) -> frozenset[str]:
    """Every module named in an import, wherever in the file it stands."""
    return frozenset(_imports_of(module))


def _imports_of(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def packages(names: Iterable[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def code(module: Path) -> str:
    """Every name and attribute in it; no texts."""
    names = ast.walk(ast.parse(module.read_text(encoding="utf-8")))
    return " ".join(ast.unparse(node) for node in names if isinstance(node, ast.Name | ast.Attribute))


def place(module: Path) -> str:
    return module.relative_to(ROOT).as_posix()


def importing(modules: Iterable[Path], unwanted: set[str]) -> list[str]:
    """The modules that import one of these packages."""
    return [place(module) for module in modules if packages(imports_of(module)) & unwanted]


def part(module: str) -> tuple[str, str]:
    """The package of ours a module belongs to, and the folder or single module directly below it."""
    package, _, rest = module.partition(".")
    return package, rest.partition(".")[0]


def arrows() -> set[tuple[str, str, str]]:
    """Every import between two parts of one package: package, from, to."""
    found = set()
    for module in (*CONNECTOR, *ASSETS):
        package, here = part(".".join(module.relative_to(ROOT).with_suffix("").parts))
        for name in imports_of(module):
            other, there = part(name)
            if other == package and there and there != here:
                found.add((package, here, there))
    return found


def test_a_folder_imports_only_what_stands_below_it() -> None:
    upwards = {
        (package, here, there)
        for package, here, there in arrows()
        if here not in DOORS[package] and there not in MAY_IMPORT[package].get(here, set())
    }

    assert upwards == set()


def test_the_table_allows_no_circle() -> None:
    for allowed in MAY_IMPORT.values():
        tuple(TopologicalSorter(allowed).static_order())


def test_the_table_names_what_there_is() -> None:
    for package, allowed in MAY_IMPORT.items():
        there = {
            each.stem
            for each in (ROOT / package).iterdir()
            if each.suffix == ".py" or (each / "__init__.py").exists()
        }
        assert there == allowed.keys() | DOORS[package]


def test_the_connector_does_not_know_about_dagster() -> None:
    assert importing(CONNECTOR, {"dagster", "assets"}) == []


def test_http_is_spoken_in_one_place() -> None:
    speaking = importing([*CONNECTOR, *ASSETS], {"httpx"})

    assert [each for each in speaking if "connector/simulator/" not in each and each not in SPEAK_HTTP] == []


def test_only_the_settings_read_the_environment() -> None:
    reading = [place(each) for each in (*CONNECTOR, *ASSETS) if re.search(r"\benviron\b|getenv", code(each))]

    # That of buckets names the endpoint, which the library reads for itself: http is for this machine alone.
    buckets = "connector/dataset/filesystem/access.py"
    assert set(reading) == {"connector/settings.py", buckets}


def test_frames_are_handed_out_in_one_place() -> None:
    assert set(importing([*CONNECTOR, *ASSETS], {"pandas", "polars"})) <= HAND_OUT_FRAMES


def test_the_simulator_is_blind_to_what_it_tests() -> None:
    """It is a second reading of Stripe's documentation; sharing ours it could only agree with us."""
    seeing = {
        f"{place(module)}: {name}"
        for module in CONNECTOR
        if "connector/simulator/" in place(module)
        for name in imports_of(module)
        if name.split(".")[0] == "connector" and not name.startswith("connector.simulator")
    }

    assert {each for each in seeing if not each.endswith(": connector.clock")} == set()


def test_annotations_are_evaluated() -> None:
    """Dagster compares the annotation of `context` with the class itself, which a string never equals."""
    assert importing([*CONNECTOR, *ASSETS], {"__future__"}) == []


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


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("connector.partitions", {"httpx", "connector.catalogue"}),
        ("connector.api.models", {"httpx"}),
        ("connector.dataset", {"httpx", "connector.catalogue"}),
        ("connector.dataset.store", {"httpx", "connector.catalogue"}),
    ],
)
def test_reading_what_is_stored_loads_neither_http_nor_the_catalogue(module: str, unwanted: set[str]) -> None:
    program = f"import sys, {module}\nprint(*sys.modules)"

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert unwanted.isdisjoint(ran.stdout.split())
