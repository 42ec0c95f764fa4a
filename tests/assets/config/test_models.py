"""What `stripe-reports init` writes is what the component reads."""

from datetime import date
from pathlib import Path

import dagster as dg
import pytest
import yaml

import assets
from assets import StripeReportsComponent
from connector.partitions import UNITS, Windows
from connector.project.choices import DEFAULT_REPORTS, reports_named
from connector.project.defs_yaml import COMPONENT, DefsYaml

#: Dagster 1.13 parses a text with a function that pydantic 2 deprecates. Drop when it no longer does.
pytestmark = pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")


@pytest.mark.parametrize("unit", UNITS)
def test_the_component_reads_the_file_as_it_was_meant(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("A_KEY", raising=False)
    specs = reports_named(DEFAULT_REPORTS)
    starts = dict.fromkeys((spec.id for spec in specs), date(2023, 1, 1)) | {specs[-1].id: date(2026, 3, 1)}
    written = DefsYaml(
        specs, starts, Windows(unit, "Europe/Berlin"), "A_KEY", root="s3://books/a b", account="acct_1"
    ).text()

    component = StripeReportsComponent.resolve_from_yaml(written.partition("attributes:\n")[2])

    assert [report.query.spec.id for report in component.reports] == [spec.id for spec in specs]
    assert {report.query.spec.id: report.start for report in component.reports} == starts
    assert {(report.query.window, report.query.zone) for report in component.reports} == {
        (unit, "Europe/Berlin")
    }
    assert component.connection.root == "s3://books/a b"
    assert component.connection.account == "acct_1"


def test_a_root_with_credentials_is_a_variable_that_dagster_does_not_show(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STRIPE_REPORTS_ROOT", "s3://KEY:s3cret@books/data")
    file = "connection: {}\nreports: [{report: balance_summary, start: 2026-01-01}]\n"

    component = StripeReportsComponent.resolve_from_yaml(file)

    assert isinstance(component.connection.root, dg.EnvVar)
    assert "s3cret" not in f"{component!r}{component.connection!r}"


def test_the_file_names_a_component_that_is_there() -> None:
    module, _, name = COMPONENT.rpartition(".")

    assert (module, name) == ("assets", StripeReportsComponent.__name__)


def test_what_ships_is_what_init_would_write_but_for_the_start() -> None:
    """So that somebody who compares the two finds nothing to wonder about."""
    shipped = yaml.safe_load((Path(assets.__file__).parent / "defs/stripe_reports/defs.yaml").read_text())
    specs = reports_named(DEFAULT_REPORTS)
    starts = dict.fromkeys((spec.id for spec in specs), shipped["attributes"]["defaults"]["start"])

    assert yaml.safe_load(DefsYaml(specs, starts, Windows("daily")).text()) == shipped
