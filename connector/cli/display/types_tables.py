"""The catalogue as people and programs look at it: which reports there are, and what each can tell."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from connector.catalogue import METADATA, Column, ReportSpec, Status, column
from connector.catalogue.offering import Offering, Standing

_MARKS = "default: asked for unless --columns says otherwise. personal: only when asked for by name."


def by_name(specs: Sequence[ReportSpec]) -> Table:
    """One row for each name: the version it stands for, and which others can be asked for by id."""
    table = _table("name", "stands for", "also", "rows are", "what it tells")
    documented = [spec for spec in specs if spec.status is Status.DOCUMENTED]
    for name in dict.fromkeys(spec.name for spec in documented):
        meant = max((spec for spec in documented if spec.name == name), key=lambda spec: spec.version)
        others = (spec.version for spec in specs if spec.name == name and spec is not meant)
        table.add_row(
            Text(name, style="bold"),
            meant.id,
            " ".join(f".{version}" for version in sorted(others)),
            meant.granularity.value,
            meant.title,
        )
    return table


def every(specs: Iterable[ReportSpec]) -> Table:
    """One row for each id, and how far it is to be trusted."""
    table = _table("Stripe's id", "status", "rows are", "what it tells")
    for spec in specs:
        table.add_row(
            Text(spec.id, style="bold"), spec.status.value, spec.granularity.value, spec.caution or spec.title
        )
    return table


def one(spec: ReportSpec) -> Sequence[Any]:
    """What a report tells, takes and has; of one whose columns are not known, the caution says so."""
    columns = _table("column", "type", "", "what it holds")
    for each in _columns(spec):
        unit = f" In {each.unit}." if each.unit else ""
        columns.add_row(
            Text(each.name), each.type.value, ", ".join(_marks(spec, each)), f"{each.about}{unit}"
        )
    for prefix in spec.metadata_prefixes:
        columns.add_row(Text(f"{prefix}[key]"), "text", "personal", f"`key` in {METADATA[prefix]}.")
    return (
        Text(f"{spec.name}  {spec.id}", style="bold"),
        spec.about,
        *([Text(spec.caution, style="yellow")] if spec.caution else []),
        spec.source,
        "",
        f"Needs {', '.join(spec.required)} (set for each window). Takes {', '.join(spec.optional)}.",
        *((columns, _MARKS) if spec.columns else ()),
    )


def as_json(spec: ReportSpec, *, columns: bool) -> dict[str, Any]:
    """A report as plain JSON values, with its columns if wanted."""
    told: dict[str, Any] = {
        "name": spec.name,
        "report_type": spec.id,
        "title": spec.title,
        "about": spec.about,
        "granularity": spec.granularity.value,
        "status": spec.status.value,
        "caution": spec.caution,
        "live_only": spec.live_only,
        "required": list(spec.required),
        "optional": list(spec.optional),
        "source": spec.source,
    }
    if columns:
        told["metadata_columns"] = [f"{prefix}[key]" for prefix in spec.metadata_prefixes]
        told["columns"] = [
            {
                "name": each.name,
                "stored_name": each.stored_name,
                "type": each.type.value,
                "about": each.about,
                "unit": each.unit,
                "default": each.name in spec.default_columns,
                "personal": each.personal,
            }
            for each in _columns(spec)
        ]
    return told


def offered(offerings: Sequence[Offering]) -> Iterator[Any]:
    """What Stripe has for the key, a row each, and in sentences what it has not."""
    table = _table("Stripe's id", "data from", "data until", "prepared", "beside the catalogue")
    for each in offerings:
        if each.offered:
            table.add_row(
                Text(each.id, style="bold"),
                _shown(each.offered.data_available_start),
                _shown(each.offered.data_available_end),
                _shown(each.offered.updated),
                _beside(each),
            )
    if table.row_count:
        yield table
        yield "Times are UTC."
    absent = [each for each in offerings if each.standing is Standing.NOT_OFFERED and each.spec]
    documented = [each for each in absent if each.spec and each.spec.status is Status.DOCUMENTED]
    groups = {
        "not in the catalogue; it takes their columns and types to configure them": [
            each for each in offerings if each.standing is Standing.UNKNOWN
        ],
        "only with a key of live mode": [each for each in offerings if each.standing is Standing.LIVE_ONLY],
        "documented, and not offered to this key": documented,
        "observed, and not offered to this key": [each for each in absent if each not in documented],
    }
    for words, group in groups.items():
        if group:
            yield Text(f"{len(group)} {words}: {', '.join(each.id for each in group)}")


def offering_as_json(offering: Offering) -> dict[str, Any]:
    """One report type, as Stripe has it beside the catalogue, as plain JSON values; times in ISO 8601."""
    there, spec, difference = offering.offered, offering.spec, offering.difference
    return {
        "report_type": offering.id,
        "name": offering.name,
        "standing": offering.standing.name.lower(),
        "title": there.name if there else None,
        "status": spec.status.value if spec else None,
        "live_only": spec.live_only if spec else None,
        "livemode": there.livemode if there else None,
        "data_available_start": _iso(there.data_available_start) if there else None,
        "data_available_end": _iso(there.data_available_end) if there else None,
        "updated": _iso(there.updated) if there else None,
        "default_columns": list(there.default_columns) if there and there.default_columns else None,
        "catalogue_default_columns": list(spec.stripe_defaults) if spec and spec.stripe_defaults else None,
        "default_columns_added": list(difference.added) if difference else [],
        "default_columns_missing": list(difference.removed) if difference else [],
        "default_columns_reordered": difference.reordered if difference else False,
    }


def _beside(offering: Offering) -> str:
    if offering.spec is None:
        return "not in it"
    said = [] if offering.spec.status is Status.DOCUMENTED else [offering.spec.status.value]
    if offering.difference:
        said.append(f"default columns differ: {offering.difference}")
    return "; ".join(said)


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d}" if at.hour == at.minute == at.second == 0 else f"{at:%Y-%m-%d %H:%M}"


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _columns(spec: ReportSpec) -> list[Column]:
    """The default ones first, in the order of the file."""
    others = [name for name in spec.columns if name not in spec.default_columns]
    return [column(name) for name in (*spec.default_columns, *others)]


def _marks(spec: ReportSpec, each: Column) -> list[str]:
    marks = {"default": each.name in spec.default_columns, "personal": each.personal}
    return [mark for mark, holds in marks.items() if holds]


def _table(*names: str) -> Table:
    table = Table(header_style="bold")
    for name in names:
        table.add_column(Text(name), overflow="fold")
    return table
