"""Columns by name: the one a name stands for, and those a file of a report shall have or has.

Source: https://docs.stripe.com/reports/report-types
"""

import re
from collections.abc import Iterable, Sequence

from connector.catalogue.dictionary import COLUMNS, METADATA
from connector.catalogue.spec import Column, ColumnType, ReportSpec
from connector.catalogue.spelling import hint
from connector.errors import ConfigurationError

#: Stripe allows metadata keys of 40 characters without square brackets.
#: Source: https://docs.stripe.com/api/metadata
_METADATA = re.compile(r"(?P<prefix>[a-z_]+)\[(?P<key>[^\[\]]*)\]", re.DOTALL)
_LONGEST_KEY = 40


def column(name: str) -> Column:
    """The column of that name; `payment_metadata[order_id]` and its kin are made on the spot.

    Raises:
        ConfigurationError: no report has such a column, or the metadata key cannot be one; the message
            names the nearest columns.
    """
    if name in COLUMNS:
        return COLUMNS[name]
    found = _METADATA.fullmatch(name)
    if found and found["prefix"] in METADATA:
        return _metadata_column(name, found["prefix"], found["key"])
    patterns = [f"{prefix}[key]" for prefix in METADATA]
    raise ConfigurationError(f"there is no column {name!r}{hint(name, [*COLUMNS, *patterns])}")


def columns_of(spec: ReportSpec, names: Sequence[str] | None = None) -> tuple[Column, ...]:
    """The columns a file of this report shall have, in file order.

    Args:
        spec: the report type.
        names: what was asked for; None (or nothing) means the default columns. Those may be none, and then
            the choice is left to Stripe: see `columns_by_header`.

    Raises:
        ConfigurationError: a name the report type does not have, or one that stands twice.
    """
    if isinstance(names, str):
        raise ConfigurationError(f"columns of {spec.id} are a list of names, not the text {names!r}")
    chosen = tuple(str(name) for name in names) if names else spec.default_columns
    for position, name in enumerate(chosen):
        if not has(spec, name):
            raise ConfigurationError(f"{spec.id} has no column {name!r}{hint(name, _askable(spec))}")
        if name in chosen[:position]:
            raise ConfigurationError(f"column {name!r} of {spec.id} is asked for twice")
    return _distinctly_stored(spec, tuple(_meant(spec, name) for name in chosen))


def columns_by_header(spec: ReportSpec, header: Iterable[str]) -> tuple[Column, ...]:
    """What the columns of a file mean whose columns were not asked for, in its order.

    For report types that take no `columns`, and for those of which no column is known. A name that neither
    the report type nor the dictionary has is text.
    """
    own = {entry.name for entry in spec.own_columns}
    return tuple(
        _meant(spec, name)
        if name in own or is_known(name)
        else Column(name, ColumnType.TEXT, "Not in the catalogue; kept as text.")
        for name in header
    )


def withheld(spec: ReportSpec, kept: Iterable[Column]) -> tuple[str, ...]:
    """Personal columns that a file has although nobody asked for them, in the order of the report.

    A report type that takes no `columns` prints everything it has; what is personal and not among `kept` is
    not to be stored.
    """
    if spec.takes_columns:
        return ()
    wanted = {entry.name for entry in kept}
    return tuple(name for name in spec.columns if _meant(spec, name).personal and name not in wanted)


def has(spec: ReportSpec, name: str) -> bool:
    """Whether the report type may have that column, by name or by its metadata pattern.

    Of a type whose columns are not all known, every column of the dictionary may be one.
    """
    if name in spec.columns:
        return True
    found = _METADATA.fullmatch(name)
    if found is not None and found["prefix"] in spec.metadata_prefixes:
        return True
    return not spec.columns_complete and is_known(name)


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


def _meant(spec: ReportSpec, name: str) -> Column:
    """The column a name stands for in this report type."""
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
                "and many engines could not tell them apart; ask for one of them"
            )
    return chosen
