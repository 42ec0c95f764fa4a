"""The tables of `defs.yaml` fields: what the models say, each field once with its meaning."""

import re

import pytest

from assets.config.models import Attributes, ConnectionModel, ReportModel
from tests.readme.fields import describe_fields


def fields() -> list[tuple[str, str, str, str]]:
    """Name, type, default and meaning of each row."""
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \| (.*?) ?\| (.+) \|$", describe_fields(), re.MULTILINE)
    return [(name, type_, default, meaning) for name, type_, default, meaning in rows]


def test_every_field_of_the_models_has_a_meaning() -> None:
    known = {name for model in (Attributes, ConnectionModel, ReportModel) for name in model.model_fields}

    described = {name for name, _, _, meaning in fields() if meaning.endswith(".")}

    assert described >= known | {"skip", "severity", "blocking", "look_back_days", "refresh_after_days"}
    assert described == {name for name, *_ in fields()}


@pytest.mark.parametrize(
    ("name", "type_", "default"),
    [
        ("report", "text", "required"),
        ("start", "date", ""),
        ("wait_minutes", "number", "`30`"),
        ("max_partitions_per_run", "whole number", "`31`"),
        ("columns", "list of text or mapping", ""),
        ("ask_by", "`sensor` or `schedule` or `hand`", "`sensor`"),
        ("look_back_days", "number", "`14`"),
        ("refresh_after_days", "list of numbers", ""),
        ("pick_up_late", "true or false", "`true`"),
        ("skip", "list of text", ""),
        ("api_key", "text", "`{{ env.STRIPE_API_KEY }}`"),
    ],
)
def test_types_and_defaults_are_as_one_writes_them(name: str, type_: str, default: str) -> None:
    assert [(type_, default)] == [(each[1], each[2]) for each in fields() if each[0] == name]
