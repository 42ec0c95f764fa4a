"""Report types that are not in the catalogue, described by the configuration.

The configuration says which columns there are and what type each has. What the catalogue knows need not be
repeated: a column of the dictionary may leave its type out, and a new version of a known report takes the
parameters, row key and meaning of rows from the version before it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from connector.catalogue.columns import columns_of, is_known, meant, sounds_free, sounds_personal
from connector.catalogue.dictionary import COLUMNS
from connector.catalogue.registry import REPORTS
from connector.catalogue.reports.family import INTERVAL
from connector.catalogue.spec import Column, ColumnType, Granularity, ReportSpec, Status
from connector.catalogue.validation import PARAMETERS
from connector.errors import ConfigurationError
from connector.text import hint, nearest

_SOURCE = "https://docs.stripe.com/reports/report-types"

#: Words of lower case letters, digits and underscores, with dots between them.
_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")

#: A leading underscore is ours: `_interval_start` and the like are added to Stripe's columns.
_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\[[^\[\]]{1,40}\])?")

#: Its amounts may be in any column's currency.
_UNIT = "major units of the row's currency: ten dollars are 10.00"

_NUMBERS = {ColumnType.MONEY, ColumnType.NUMBER, ColumnType.INTEGER}
_TIMES = {ColumnType.TIMESTAMP, ColumnType.DATE}

_PARAMETER = re.compile(r"[a-z][a-z_]*")

#: How alike a new name may be to a known one before it may be a typing error.
_SLIP = 0.8


def custom_report(
    report_type: str, columns: Mapping[str, str | None], parameters: Sequence[str] | None = None
) -> ReportSpec:
    """The spec of a report type as configured.

    Args:
        report_type: Stripe's id, e.g. `payouts.itemized.6`; one the catalogue knows is fine too.
        columns: every column to ask for, in file order, and its type (`text`, `money`, `number`, `integer`,
            `timestamp`, `date`, `boolean`). Columns of the dictionary may leave the type out; a type given
            counts for this report alone. Without any the file is read by its header.
        parameters: the parameters the type takes. None means those of the nearest version the catalogue
            knows, and where it knows none, an interval and `columns`. Bounds of an interval are required
            wherever they are taken; so is `payout`, and `connected_account` together with it.

    Raises ConfigurationError naming an id, column, type or parameter that cannot be, and the nearest.
    """
    if not _ID.fullmatch(report_type):
        raise ConfigurationError(f"{report_type!r} is not a report type; an id looks like payouts.itemized.3")
    if not isinstance(columns, Mapping):
        raise ConfigurationError(
            f"columns of {report_type} are names with their types, such as amount: money, not {columns!r}"
        )
    blank = _blank(report_type)
    described = tuple(_described(blank, name, given) for name, given in columns.items())
    spec = _understood(blank, described)
    return spec if parameters is None else _taking(spec, parameters)


def with_columns(spec: ReportSpec, columns: Mapping[str, str | None]) -> ReportSpec:
    """A report of the catalogue with columns it does not have, or reads otherwise; all else stays as it is.

    Args:
        columns: names with their types. A name without one is a column of the report as the catalogue has it.

    Raises what `custom_report` raises, also for a column without a type that is not one of the report's.
    """
    own = tuple(name for name, given in columns.items() if not given)
    if own:
        columns_of(spec, own)
    described = tuple(_described(spec, str(name), given) for name, given in columns.items() if given)
    names = {entry.name for entry in described}
    known = tuple(each for each in columns_of(spec, spec.columns) if each.name not in names)
    found = _understood(spec, (*known, *described))
    return replace(
        found,
        columns=(*spec.columns, *(entry.name for entry in described if entry.name not in spec.columns)),
        default_columns=spec.default_columns,
        own_columns=(*described, *(each for each in spec.own_columns if each.name not in names)),
    )


def _blank(report_type: str) -> ReportSpec:
    """A spec without columns; the rest is taken from the nearest version, if there is one."""
    blank = ReportSpec(
        id=report_type,
        title=report_type,
        about="A report type described by the configuration.",
        granularity=Granularity.OTHER,
        required=INTERVAL,
        optional=("columns",),
        columns=(),
        default_columns=(),
        source=_SOURCE,
    )
    known = _nearest_version(blank)
    return replace(
        known or blank,
        id=report_type,
        status=Status.CUSTOM,
        status_note=_note(report_type, known),
        metadata_prefixes=(),
        columns_complete=False,
        stripe_defaults=None,
    )


def _note(report_type: str, known: ReportSpec | None) -> str:
    """Which type of the catalogue this one follows, or was perhaps meant."""
    if known is not None:
        return f"What its rows mean is taken from {known.id}."
    meant = nearest(report_type, REPORTS, count=1, likeness=_SLIP)
    return f"The catalogue has {meant[0]}." if meant else ""


def _nearest_version(spec: ReportSpec) -> ReportSpec | None:
    """The type itself, or else the newest version of it, one that Stripe documents if there is any."""
    versions = [known for known in REPORTS.values() if known.name == spec.name and known.columns]
    return max(
        versions,
        key=lambda known: (known.id == spec.id, known.status is Status.DOCUMENTED, known.version),
        default=None,
    )


def _understood(spec: ReportSpec, described: tuple[Column, ...]) -> ReportSpec:
    """The spec with these columns; of the rows' meaning, what these columns can show.

    A sum needs numbers and a day a time: what the configuration made text of is neither.
    """
    names = tuple(entry.name for entry in described)
    present = set(names)
    numbers = {entry.name for entry in described if entry.type in _NUMBERS}
    times = {entry.name for entry in described if entry.type in _TIMES}
    texts = {entry.name for entry in described if entry.type is ColumnType.TEXT}
    kinds = spec.row_kinds if spec.row_kinds and spec.row_kinds.column in texts else None
    return replace(
        spec,
        columns=names,
        default_columns=names,
        own_columns=described,
        row_key=spec.row_key if present.issuperset(spec.row_key) else (),
        day_column=spec.day_column if spec.day_column in times else None,
        amount_column=spec.amount_column if spec.amount_column in numbers else None,
        net_columns=spec.net_columns if spec.net_columns and numbers.issuperset(spec.net_columns) else None,
        row_kinds=kinds,
    )


def _described(spec: ReportSpec, name: str, given: str | None) -> Column:
    """The column of that name; its type as configured, or else as the report or the dictionary has it."""
    report_type = spec.id
    if not _COLUMN.fullmatch(str(name)):
        raise ConfigurationError(f"{report_type}: {name!r} is not a valid column name")
    known = meant(spec, name) if is_known(name) else None
    if not given:
        if known is None:
            raise ConfigurationError(
                f"{report_type}: column {name!r} is not in the catalogue, so it needs a type, "
                f"such as text or money{hint(name, COLUMNS)}"
            )
        return known
    type_ = _type(report_type, name, given)
    if known is not None and known.type is type_:
        return known
    return Column(
        name,
        type_,
        known.about if known else "As configured.",
        unit=_UNIT if type_ is ColumnType.MONEY else None,
        local=type_ is ColumnType.TIMESTAMP and not name.endswith("_utc"),
        personal=known.personal if known else sounds_personal(name),
        free_text=known.free_text if known else type_ is ColumnType.TEXT and sounds_free(name),
    )


def _type(report_type: str, name: str, given: str) -> ColumnType:
    types = {each.value: each for each in ColumnType}
    if str(given) not in types:
        raise ConfigurationError(
            f"{report_type}: {given!r} is not a type for column {name!r}{hint(str(given), types)}"
        )
    return types[str(given)]


def _taking(spec: ReportSpec, parameters: Sequence[str]) -> ReportSpec:
    """The spec with these parameters in place of its own."""
    if isinstance(parameters, str):
        raise ConfigurationError(f"parameters of {spec.id} are a list of names, not the text {parameters!r}")
    for name in parameters:
        slips = nearest(str(name), PARAMETERS, likeness=_SLIP)
        if name not in PARAMETERS and (slips or not _PARAMETER.fullmatch(str(name))):
            raise ConfigurationError(f"{spec.id}: {name!r} is not a parameter{hint(str(name), PARAMETERS)}")
    needed = {*INTERVAL, "payout", *(("connected_account",) if "payout" in parameters else ())}
    taken = tuple(dict.fromkeys(parameters))
    return replace(
        spec,
        required=tuple(name for name in taken if name in needed),
        optional=tuple(name for name in taken if name not in needed),
    )
