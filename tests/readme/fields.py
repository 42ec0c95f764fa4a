"""The fields of `defs.yaml` as Markdown tables, out of the models that read the file."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from assets.config.models import Attributes, ReportDefaults

_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "mapping",
}


def describe_fields() -> str:
    """A heading and a table of name, type, default and meaning for each part of `attributes:`."""
    schema = Attributes.model_json_schema()
    parts = schema["$defs"]
    report = parts["ReportModel"]["properties"]
    tables = {
        "Top level": _rows(schema),
        "`connection`": _rows(parts["ConnectionModel"]),
        "Each of `reports`": _rows(
            parts["ReportModel"],
            {name: field for name, field in report.items() if name not in ReportDefaults.model_fields},
        ),
        "`defaults`, and each of `reports` that differs": _rows(parts["ReportDefaults"]),
        "`checks`": _rows(parts["ReportDefaults"]["properties"]["checks"]),
        "`automation`": _rows(schema["properties"]["automation"]),
    }
    lines = []
    for title, rows in tables.items():
        lines += [f"### {title}", "", "| field | type | default | meaning |", "|---|---|---|---|", *rows, ""]
    return "\n".join(lines)


def _rows(part: Mapping[str, Any], fields: Mapping[str, Any] | None = None) -> Iterator[str]:
    required = part.get("required", ())
    for name, field in (part["properties"] if fields is None else fields).items():
        default = "required" if name in required else _default(field.get("default"))
        yield f"| `{name}` | {_type(field)} | {default} | {field['description']} |"


def _default(value: Any) -> str:
    """As one would write it in the file; empty for what the description explains, and for what is empty."""
    if value in (None, [], {}):
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(_whole(value))}`"


def _whole(value: Any) -> Any:
    """Whole numbers without a decimal point."""
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _type(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        return " or ".join(
            dict.fromkeys(_type(each) for each in field["anyOf"] if each.get("type") != "null")
        )
    if field.get("type") == "array":
        return f"list of {_plural(_type(field['items']))}"
    if field.get("format") == "date":
        return "date"
    return _TYPES[field.get("type", "object")]


def _plural(noun: str) -> str:
    return noun if noun == "text" else f"{noun}s"
