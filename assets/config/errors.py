"""Parts of a configuration file, and errors that name the line and the field."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import dagster as dg
from dagster.components.resolved.errors import ResolutionException
from pydantic import ValidationError, model_validator
from pydantic_core import InitErrorDetails

from connector.errors import ConfigurationError
from connector.text import hint

Place = Sequence[str | int]


class StrictModel(dg.Model):
    """A part of the file. A field it does not know is refused with the nearest one it does."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_fields(cls, given: Any) -> Any:
        if isinstance(given, str):
            # Said without the text itself: it may be a key that was put a line too high.
            error = ValueError(f"expected fields, such as {next(iter(cls.model_fields))}: …")
            details = InitErrorDetails(type="value_error", loc=(), input=None, ctx={"error": error})
            raise ValidationError.from_exception_data(cls.__name__, [details])
        unknown = [name for name in given if name not in cls.model_fields] if isinstance(given, dict) else []
        if unknown:
            raise ValidationError.from_exception_data(
                cls.__name__, [_unknown(str(name), cls.model_fields) for name in unknown]
            )
        return given


def _unknown(name: str, known: Iterable[str]) -> InitErrorDetails:
    error = ValueError(f"there is no field {name!r}{hint(name, known)}")
    return InitErrorDetails(type="value_error", loc=(name,), input=None, ctx={"error": error})


def error_at(
    context: dg.ResolutionContext | None, path: Place, message: str, *, snippet: bool = True
) -> ResolutionException:
    """An error that names the place in the file, and shows it."""
    tree = context.source_position_tree if context else None
    if context is None or tree is None:
        return ResolutionException(f"{'.'.join(map(str, path))}: {message}")
    full = [*context.path, *path]
    source = tree.source_error(yaml_path=full, inline_error_message=message, value_error=True)
    shown = f"\n{source.snippet}" if snippet else ""
    return ResolutionException(
        f"{source.file_name}:{source.start_line_no} - {source.location}: {message}{shown}"
    )


def probe_at(context: dg.ResolutionContext | None, path: Place, probe: Callable[[], object]) -> None:
    """Raises ResolutionException naming the place in the file where `probe` refuses it."""
    try:
        probe()
    except ConfigurationError as error:
        raise error_at(context, path, str(error)) from None
