"""The door to Dagster: descriptions, metadata, logs and reasons pass it, and hold no controls and no keys."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from connector.text import visible

_TEXTS = {
    dg.TextMetadataValue: dg.MetadataValue.text,
    dg.MarkdownMetadataValue: dg.MetadataValue.md,
    dg.UrlMetadataValue: dg.MetadataValue.url,
}

_NUMBERS = (int, float, dg.TimestampMetadataValue, dg.IntMetadataValue, dg.FloatMetadataValue)


def shown(text: str) -> str:
    """The text as Dagster may show it."""
    return visible(text, lines=True)


def shown_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata as Dagster may show them: with every text in them, at any depth, as `shown` gives it.

    Raises TypeError for a kind of metadata whose texts it does not know.
    """
    return {shown(str(name)): _shown(value) for name, value in metadata.items()}


def _shown(value: Any) -> Any:
    match value:
        case str():
            found: Any = shown(value)
        case None:
            found = None
        case Mapping():
            found = shown_metadata(value)
        case list():
            found = list(map(_shown, value))
        case dg.JsonMetadataValue():
            found = dg.MetadataValue.json(_shown(value.data))
        case dg.TableMetadataValue():
            records = [dg.TableRecord(shown_metadata(each.data)) for each in value.records]
            found = dg.MetadataValue.table(records, _schema(value.schema))
        case dg.TableSchema():
            found = _schema(value)
        case _ if type(value) in _TEXTS:
            found = _TEXTS[type(value)](shown(value.value))
        case _ if isinstance(value, _NUMBERS):
            found = value
        case _:
            raise TypeError(f"metadata of the type {type(value).__name__} have no door")
    return found


def _schema(schema: dg.TableSchema) -> dg.TableSchema:
    columns = [
        dg.TableColumn(
            shown(each.name), shown(each.type), _shown(each.description), each.constraints, _shown(each.tags)
        )
        for each in schema.columns
    ]
    return dg.TableSchema(columns, dg.TableConstraints(_shown(schema.constraints.other)))
