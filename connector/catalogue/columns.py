"""Columns by name: the one a name stands for, and those of a report or of a file.

Source: https://docs.stripe.com/reports/report-types
"""

import re
from collections.abc import Iterable, Sequence

from connector.catalogue.dictionary import COLUMNS, METADATA
from connector.catalogue.registry import REPORTS
from connector.catalogue.spec import Column, ColumnType, ReportSpec
from connector.errors import ConfigurationError
from connector.text import hint

#: Words in the name of an unknown column that suggest personal data.
_PERSONAL_WORDS = re.compile(r"name|e?mail|phone|address|birth|tax_id|metadata")

#: Words in the name of an unknown column that suggest text that people write.
_FREE_TEXT_WORDS = re.compile(r"descri|comment|memo|note|message|text")

#: Stripe allows metadata keys of 40 characters without square brackets.
#: Source: https://docs.stripe.com/api/metadata
_METADATA = re.compile(r"(?P<prefix>[a-z_]+)\[(?P<key>[^\[\]]*)\]", re.DOTALL)
_LONGEST_KEY = 40


def column(name: str) -> Column:
    """The column of that name; `payment_metadata[order_id]` and the like are made by pattern.

    Raises ConfigurationError naming the nearest where there is no such column, or no such metadata key.
    """
    if name in COLUMNS:
        return COLUMNS[name]
    found = _METADATA.fullmatch(name)
    if found and found["prefix"] in METADATA:
        return _metadata_column(name, found["prefix"], found["key"])
    patterns = [f"{prefix}[key]" for prefix in METADATA]
    raise ConfigurationError(f"there is no column {name!r}{hint(name, [*COLUMNS, *patterns])}")


def columns_of(spec: ReportSpec, names: Sequence[str] | None = None) -> tuple[Column, ...]:
    """The columns to ask for, in file order.

    Args:
        names: what was asked for; None (or nothing) means the default columns. Those may be none, and then
            the choice is left to Stripe: see `columns_by_header`.

    Raises ConfigurationError for a name that the report type does not have, or that stands twice.
    """
    if isinstance(names, str):
        raise ConfigurationError(f"columns of {spec.id} are a list of names, not the text {names!r}")
    chosen = tuple(str(name) for name in names) if names else spec.default_columns
    if unknown := [name for name in dict.fromkeys(chosen) if not has(spec, name)]:
        raise ConfigurationError(_explain_unknown(spec, unknown))
    for position, name in enumerate(chosen):
        if name in chosen[:position]:
            raise ConfigurationError(f"column {name!r} of {spec.id} is asked for twice")
    return _distinctly_stored(spec, tuple(meant(spec, name) for name in chosen))


def columns_by_header(spec: ReportSpec, header: Iterable[str]) -> tuple[Column, ...]:
    """The columns of a file's header, in its order.

    A name that neither the report type nor the dictionary has is text, and personal if its name suggests it.
    """
    return tuple(_found(spec, name) for name in header)


def _found(spec: ReportSpec, name: str) -> Column:
    try:
        return meant(spec, name)
    except ConfigurationError:
        about = "Not in the catalogue; stored as text."
        personal, free_text = sounds_personal(name), sounds_free(name)
        return Column(name, ColumnType.TEXT, about, personal=personal, free_text=free_text)


def sounds_personal(name: str) -> bool:
    """Whether an unknown column may be personal: a guess by its name, on the safe side."""
    return _PERSONAL_WORDS.search(name.lower()) is not None and not name.lower().endswith("country")


def sounds_free(name: str) -> bool:
    """Whether an unknown column may be text that people write: a guess by its name."""
    return _FREE_TEXT_WORDS.search(name.lower()) is not None


def has(spec: ReportSpec, name: str) -> bool:
    """Whether the report type may have that column, by name or by its metadata pattern.

    Of a type whose columns are not all known, every column of the dictionary may be one.
    """
    if name in spec.columns or _has_metadata(spec, name):
        return True
    return not spec.columns_complete and is_known(name)


def _has_metadata(spec: ReportSpec, name: str) -> bool:
    found = _METADATA.fullmatch(name)
    return found is not None and found["prefix"] in spec.metadata_prefixes


def _explain_unknown(spec: ReportSpec, names: Sequence[str]) -> str:
    """Which columns the type does not have, and for each the version that has it, or what is nearest."""
    others = [each for each in REPORTS.values() if each.name == spec.name and each.id != spec.id]
    texts = []
    for name in names:
        having = [each.id for each in others if name in each.columns or _has_metadata(each, name)]
        found = f"; {' and '.join(having)} {'has' if len(having) == 1 else 'have'} it" if having else ""
        texts.append(f"{name!r}{found or hint(name, _askable(spec))}")
    if len(texts) == 1:
        return f"{spec.id} has no column {texts[0]}"
    return f"{spec.id} lacks {len(texts)} columns: {', '.join(texts)}"


def _askable(spec: ReportSpec) -> list[str]:
    """What may be asked for, with patterns as people write them."""
    everything = not spec.columns_complete
    names = (*spec.columns, *COLUMNS) if everything else spec.columns
    prefixes = METADATA if everything else spec.metadata_prefixes
    return [*names, *(f"{prefix}[key]" for prefix in prefixes)]


def is_known(name: str) -> bool:
    """Whether the dictionary has that column, by name or by pattern."""
    found = _METADATA.fullmatch(name)
    return name in COLUMNS or (found is not None and found["prefix"] in METADATA)


def meant(spec: ReportSpec, name: str) -> Column:
    """The column a name stands for in this report type. Raises ConfigurationError for an unknown one."""
    own = (entry for entry in spec.own_columns if entry.name == name)
    return next(own, None) or column(name)


def _metadata_column(name: str, prefix: str, key: str) -> Column:
    if not key or len(key) > _LONGEST_KEY:
        raise ConfigurationError(
            f"column {name[:80]!r}: a metadata key has 1 to {_LONGEST_KEY} characters, this one {len(key)}"
        )
    return Column(name, ColumnType.TEXT, f"`{key}` in {METADATA[prefix]}.", personal=True)


def _distinctly_stored(spec: ReportSpec, chosen: tuple[Column, ...]) -> tuple[Column, ...]:
    """DuckDB and Hive see no case in names: `Order` and `order` would be one column there."""
    seen: dict[str, str] = {}
    for entry in chosen:
        other = seen.setdefault(entry.stored_name.lower(), entry.name)
        if other != entry.name:
            raise ConfigurationError(
                f"columns {other!r} and {entry.name!r} of {spec.id} differ only in case, "
                "and many engines ignore case in names; ask for one of them"
            )
    return chosen
