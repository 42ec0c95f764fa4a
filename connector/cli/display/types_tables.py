"""The catalogue for people and for programs: the reports, their parameters and their columns."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.padding import Padding
from rich.text import Text

from connector.catalogue import METADATA, Column, ReportSpec, Status, columns_of
from connector.catalogue.offering import Offering, Standing
from connector.catalogue.together import advise_together, covers_all
from connector.query import ReportQuery
from connector.terminal.tables import table
from connector.text import iso

_MARKS = "default: pulled unless --columns is given. personal: pulled only when --columns names it."


def by_name(specs: Sequence[ReportSpec]) -> Iterator[Any]:
    """Each name: the version it stands for, and which others can be pulled by id."""
    documented = [spec for spec in specs if spec.status is Status.DOCUMENTED]
    for name in dict.fromkeys(spec.name for spec in documented):
        newest = max((spec for spec in documented if spec.name == name), key=lambda spec: spec.version)
        others = sorted(spec.version for spec in specs if spec.name == name and spec is not newest)
        also = f" (also {', '.join(f'.{version}' for version in others)})" if others else ""
        yield from _entry(name, f"{newest.id}{also}: {newest.title}")


def every(specs: Iterable[ReportSpec]) -> Iterator[Any]:
    """Each id, and whether it is documented."""
    for spec in specs:
        about = f"{spec.status.value}, {spec.granularity.value}: {spec.caution or spec.title}"
        yield from _entry(spec.id, about)


def _entry(name: str, about: str) -> Iterator[Any]:
    """A name to be copied, on a line of its own, and what there is to say about it."""
    yield Text(name, style="bold")
    yield Padding(Text(about), (0, 0, 0, 4), expand=False)


def configured(file: Path, query: ReportQuery) -> str:
    """A table as a file configures it: which report it is, in which windows, and the columns it chooses."""
    spec, names = query.spec, tuple(each.name for each in query.columns)
    windows = "a partition for each payout" if query.by_payout else f"{query.window} windows of {query.zone}"
    chosen = f"; columns {', '.join(names)}" if names not in {(), spec.default_columns} else ""
    return f"{query.name} is {spec.id} as {file} configures it: {windows}{chosen}"


def one(spec: ReportSpec) -> Sequence[Any]:
    """Description, parameters and columns of a report; where the columns are unknown, its caution says so."""
    columns = table("column", "type", "", "description", whole=["column"])
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
        *([_together(spec)] if covers_all(spec) else []),
        spec.source,
        "",
        f"Needs {', '.join(spec.required)} (set for each window). Takes {', '.join(spec.optional)}.",
        *((columns, _MARKS) if spec.columns else ()),
    )


def _together(spec: ReportSpec) -> str:
    """What a platform with many accounts should know, by the example of sixty."""
    return f"Without --connected-accounts one run covers all. {advise_together(spec, 'daily', 60)}."


def as_json(spec: ReportSpec, *, columns: bool) -> dict[str, Any]:
    """A report as plain JSON values, with its columns if wanted."""
    found: dict[str, Any] = {
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
        found["metadata_columns"] = [f"{prefix}[key]" for prefix in spec.metadata_prefixes]
        found["columns"] = [
            {
                "name": each.name,
                "stored_name": each.stored_name,
                "type": each.type.value,
                "about": each.about,
                "unit": each.unit,
                "default": each.name in spec.default_columns,
                "personal": each.personal,
                "may_be_personal": each.free_text,
            }
            for each in _columns(spec)
        ]
    return found


def offered(offerings: Sequence[Offering]) -> Iterator[Any]:
    """What Stripe offers the key, and in sentences what it does not."""
    for each in offerings:
        if there := each.offered:
            span = f"{_shown(there.data_available_start)} to {_shown(there.data_available_end)} UTC"
            about = (span, f"prepared {_shown(there.updated)}", _difference(each))
            yield from _entry(each.id, "; ".join(filter(None, about)))
    yield ""
    absent = [each for each in offerings if each.standing is Standing.NOT_OFFERED and each.spec]
    documented = [each for each in absent if each.spec and each.spec.status is Status.DOCUMENTED]
    groups = {
        "not in the catalogue; configure them with their columns and types": [
            each for each in offerings if each.standing is Standing.UNKNOWN
        ],
        "only with a live key": [each for each in offerings if each.standing is Standing.LIVE_ONLY],
        "documented, and not offered to this key": documented,
        "observed, and not offered to this key": [each for each in absent if each not in documented],
    }
    for words, group in groups.items():
        if group:
            yield Text(f"{len(group)} {words}: {', '.join(each.id for each in group)}")


def offering_as_json(offering: Offering) -> dict[str, Any]:
    """One report type as Stripe and as the catalogue have it, as plain JSON values; times in ISO 8601."""
    there, spec, difference = offering.offered, offering.spec, offering.difference
    return {
        "report_type": offering.id,
        "name": offering.name,
        "standing": offering.standing.name.lower(),
        "title": there.name if there else None,
        "status": spec.status.value if spec else None,
        "live_only": spec.live_only if spec else None,
        "livemode": there.livemode if there else None,
        "data_available_start": iso(there.data_available_start) if there else None,
        "data_available_end": iso(there.data_available_end) if there else None,
        "updated": iso(there.updated) if there else None,
        "default_columns": list(there.default_columns) if there and there.default_columns else None,
        "catalogue_default_columns": list(spec.stripe_defaults) if spec and spec.stripe_defaults else None,
        "default_columns_added": list(difference.added) if difference else [],
        "default_columns_missing": list(difference.removed) if difference else [],
        "default_columns_reordered": difference.reordered if difference else False,
    }


def _difference(offering: Offering) -> str:
    if offering.spec is None:
        return "not in the catalogue"
    found = [] if offering.spec.status is Status.DOCUMENTED else [offering.spec.status.value]
    if offering.difference:
        found.append(f"default columns differ: {offering.difference}")
    return "; ".join(found)


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d}" if at.hour == at.minute == at.second == 0 else f"{at:%Y-%m-%d %H:%M}"


def _columns(spec: ReportSpec) -> list[Column]:
    """The default ones first, in the order of the file."""
    others = [name for name in spec.columns if name not in spec.default_columns]
    return [*columns_of(spec, (*spec.default_columns, *others))] if spec.columns else []


def _marks(spec: ReportSpec, each: Column) -> list[str]:
    marks = {
        "default": each.name in spec.default_columns,
        "personal": each.personal,
        "may be personal": each.free_text,
    }
    return [mark for mark, holds in marks.items() if holds]
