"""Facts about the answers of Stripe's Reporting API, and a JSON schema made of them.

Read from https://github.com/stripe/openapi, API version 2026-09-30.endive (the objects of runs, report types
and errors from the version of 2022-04-12, compared with stripe-python 15.3.1). Paths, the fields of each
object, which of them may be absent or null, their types and enumerated values; no texts.

How `reporting_api.json` is written: a field's name ends in `?` where it may be absent. Its value is a list of
all values there are, or alternatives between `or`: a JSON type, the name of an object, `list of` one of
these, or `page of` an object `at` a path.
"""

import json
from pathlib import Path
from typing import Any

_READ: dict[str, Any] = json.loads((Path(__file__).parent / "reporting_api.json").read_text(encoding="utf-8"))
_JSON_TYPES = frozenset({"boolean", "integer", "null", "object", "string"})

RUN_PARAMETERS = frozenset(name.removesuffix("?") for name in _READ["objects"]["run_parameters"])
REPORTING_CATEGORIES = frozenset(_READ["reporting_categories"])


def schema_of_answer(operation: str, status: int) -> dict[str, Any]:
    """The JSON schema of what `GET path` or `POST path` answers with an HTTP status.

    Raises:
        KeyError: there are no facts about this operation.
    """
    answer = _READ["answers"][operation]
    return _schema(answer if status == 200 else "error") | {
        "$defs": {name: _object(fields) for name, fields in _READ["objects"].items()}
    }


def _object(fields: dict[str, Any]) -> dict[str, Any]:
    """Nothing but the fields there are: what is not among the facts is an invention."""
    return {
        "type": "object",
        "properties": {name.removesuffix("?"): _schema(meant) for name, meant in fields.items()},
        "required": [name for name in fields if not name.endswith("?")],
        "additionalProperties": False,
    }


def _schema(meant: Any) -> dict[str, Any]:
    if isinstance(meant, list):
        return {"enum": meant}
    first, *others = (_alternative(each) for each in meant.split(" or "))
    return {"anyOf": [first, *others]} if others else first


def _alternative(meant: str) -> dict[str, Any]:
    match meant.split():
        case [name] if name in _JSON_TYPES:
            return {"type": name}
        case [name]:
            return {"$ref": f"#/$defs/{name}"}
        case ["list", "of", item]:
            return {"type": "array", "items": _alternative(item)}
        case ["page", "of", item, "at", path]:
            page = _object(
                {"object": ["list"], "data": f"list of {item}", "has_more": "boolean", "url": "string"}
            )
            page["properties"]["url"]["pattern"] = f"^{path}"
            return page
    raise ValueError(f"reporting_api.json says {meant!r}; see the module's docstring for what it may say")
