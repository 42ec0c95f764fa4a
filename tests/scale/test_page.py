"""The page about several machines says of the configuration in use what is true of it."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from connector.doctor.dagster_home import examine_dagster
from connector.doctor.diagnosis import Level
from tests.e2e.deployment import Setup

HERE = Path(__file__).parent
PAGE = (HERE / "README.md").read_text(encoding="utf-8")


def configuration(name: str) -> Any:
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


def variables(settings: Any) -> Iterator[str]:
    """What is read from the environment."""
    for name, value in settings.items() if isinstance(settings, dict) else ():
        if name == "env":
            yield value
        else:
            yield from variables(value)


def test_doctor_finds_nothing_in_the_configuration(tmp_path: Path) -> None:
    setup = Setup(date(2026, 1, 1), instance=configuration("dagster.yaml"))
    (tmp_path / "dagster.yaml").write_text(setup.dagster_yaml())

    found = list(examine_dagster(str(tmp_path), configured=True, modes=["live"]))

    assert [each.found for each in found if each.level is not Level.OK] == []


@pytest.mark.parametrize("file", ["dagster.yaml", "celery.yaml"])
def test_each_variable_of_the_configuration_is_on_the_page(file: str) -> None:
    named = set(re.findall(r"^\| `([A-Z_]+)`", PAGE, re.MULTILINE))

    assert set(variables(configuration(file))) <= named


def test_each_section_of_the_configuration_is_on_the_page() -> None:
    rows = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}

    assert set(configuration("dagster.yaml")) <= named
