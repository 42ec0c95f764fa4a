"""Parts of a configuration file, and errors that name the line and the field."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import dagster as dg
from dagster.components.resolved.errors import ResolutionException
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter, ValidationError, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails
from pydantic_core.core_schema import no_info_before_validator_function

from connector.errors import ConfigurationError
from connector.text import hint, visible

Place = Sequence[str | int]


class StrictModel(dg.Model):
    """A part of the file. An unknown field is refused with the nearest known one."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_fields(cls, given: Any) -> Any:
        return refuse_unknown_fields(cls.model_fields, given)


def refuse_unknown_fields(known: Iterable[str], given: Any) -> Any:
    """What stands in a part of the file, if all its fields are known. Raises ValidationError."""
    names = list(known)
    if isinstance(given, str):
        # The text itself is not shown: it may be a key that was put a line too high.
        raise _invalid([((), f"expected fields, such as `{names[0]}: …`, and found a text")])
    unknown = [str(name) for name in given if name not in names] if isinstance(given, dict) else []
    if unknown:
        raise _invalid([((name,), f"there is no field {name!r}{hint(name, names)}") for name in unknown])
    return given


class FieldsOf:
    """Annotates a part of the file that becomes a value later: its fields, checked, as they stand there.

    Dagster finds the line of a field by its name in the file, and that of a list's item by its number. The
    value has neither: its names lack the units, and its sets have no order.

    Args:
        value: a pydantic dataclass.
    """

    def __init__(self, value: type) -> None:
        self._adapter = TypeAdapter[Any](value)
        self._schema = self._adapter.json_schema()

    def _check(self, given: Any) -> Any:
        refuse_unknown_fields(self._schema["properties"], given)
        self._adapter.validate_python(given)
        return given

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> JsonSchemaValue:
        return self._schema


def _invalid(errors: Iterable[tuple[tuple[str, ...], str]]) -> ValidationError:
    """Messages, each with its place, as pydantic reports them."""
    return ValidationError.from_exception_data(
        "defs.yaml",
        [
            InitErrorDetails(type="value_error", loc=loc, input=None, ctx={"error": ValueError(message)})
            for loc, message in errors
        ],
    )


def error_at(
    context: dg.ResolutionContext | None, path: Place, message: str, *, snippet: bool = True
) -> ResolutionException:
    """An error that names the place in the file, and shows it."""
    tree = context.source_position_tree if context else None
    if context is None or tree is None:
        return ResolutionException(visible(f"{'.'.join(map(str, path))}: {message}", lines=True))
    full = [*context.path, *path]
    source = tree.source_error(yaml_path=full, inline_error_message=message, value_error=True)
    shown = f"\n{source.snippet}" if snippet else ""
    text = f"{source.file_name}:{source.start_line_no} - {source.location}: {message}{shown}"
    return ResolutionException(visible(text, lines=True))


def probe_at(context: dg.ResolutionContext | None, path: Place, probe: Callable[[], object]) -> None:
    """Raises ResolutionException naming the place in the file where `probe` refuses it."""
    try:
        probe()
    except ConfigurationError as error:
        raise error_at(context, path, str(error)) from None
