"""The code of the READMEs does what it is shown for."""

import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from assets import ConfiguredReport, StripeReporting, build_report_asset, report_reader
from connector import ReportQuery
from connector.simulator import SIMULATED_KEY
from tests.readme import PATHS, blocks
from tests.support.dagster import assets_of

PYTHON = [(path, code) for path in PATHS for code in blocks(path, "python")]
YAML = [(path, code) for path in (*PATHS, "assets/OWN_PROJECT.md") for code in blocks(path, "yaml")]
FILES = [code for _, code in YAML if "type:" in code.partition("attributes:")[0]]
PARTS = [code for _, code in YAML if code not in FILES and "load_from:" not in code]

#: What a part of a file does not show.
REST: Mapping[str, Any] = {"defaults": {"start": "2026-01-01"}, "reports": [{"report": "balance_summary"}]}

Load = Callable[..., dg.Definitions]


def result_of(code: str) -> dict[str, Any]:
    """The names a snippet leaves. Simulated data are not below `live`."""
    names: dict[str, Any] = {"__name__": "snippet"}
    exec(compile(code.replace("data/live", "data/simulated"), "README.md", "exec"), names)  # noqa: S102 - it is ours
    return names


@pytest.mark.parametrize(("path", "code"), PYTHON)
def test_python_runs(path: str, code: str, here: Path) -> None:
    result_of(code)


def test_a_script_names_what_it_could_not_bring(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = blocks("connector/README.md", "python")

    with pytest.raises(SystemExit, match="2026-07-06 is not_ready"):
        result_of(code.replace("date(2026, 6, 1), date(2026, 6, 8)", "date(2026, 7, 6), date(2026, 7, 7)"))


@pytest.mark.parametrize(
    ("path", "key"),
    [
        pytest.param("README.md", "2026-06-02", id="a day"),
        pytest.param("assets/README.md", "2026-06-01", id="a month"),
    ],
)
def test_an_asset_downstream_reads_the_report(
    path: str, key: str, here: Path, stripe: str, capsys: pytest.CaptureFixture[str]
) -> None:
    movements = result_of(next(code for code in blocks(path, "python") if "@dg.asset" in code))["movements"]
    upstream = build_report_asset(ConfiguredReport(ReportQuery.of("balance_summary"), start=date(2026, 1, 1)))
    reporting = StripeReporting(api_key=SIMULATED_KEY, api_base=stripe, root=str(here / "data"))

    with dg.DagsterInstance.ephemeral() as instance:
        ended = dg.materialize(
            [upstream, movements],
            selection=[movements],
            partition_key=key,
            instance=instance,
            resources={"stripe": reporting, "stripe_parquet": report_reader()},
        )

    assert ended.success
    assert "\nusd " in capsys.readouterr().err


# `defs.yaml`


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Loads a project with a folder for each of the given files."""
    package = tmp_path / "shown"
    (tmp_path / "pyproject.toml").write_text(
        '[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "shown"\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    def from_texts(*files: str) -> dg.Definitions:
        for number, text in enumerate(files):
            folder = package / "defs" / f"account_{number}"
            folder.mkdir(parents=True)
            (folder / "defs.yaml").write_text(text)
        for each in (package, package / "defs"):
            (each / "__init__.py").touch()
        return dg.load_from_defs_folder(path_within_project=package)

    yield from_texts
    for name in [name for name in sys.modules if name.split(".")[0] == "shown"]:
        del sys.modules[name]


def test_the_files_shown_load_beside_each_other(load: Load) -> None:
    definitions = load(*FILES)

    dg.Definitions.validate_loadable(definitions)
    assert set(assets_of(definitions)) == {
        "stripe/balance_summary",
        "stripe/balance_change_from_activity_itemized",
        "stripe_eu/balance_summary",
    }


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_a_file_loads(load: Load, part: str) -> None:
    attributes = {**REST, **yaml.safe_load(part)}

    definitions = load(yaml.safe_dump({"type": "assets.StripeReportsComponent", "attributes": attributes}))

    dg.Definitions.validate_loadable(definitions)
    assert len(assets_of(definitions)) == len(attributes["reports"])
