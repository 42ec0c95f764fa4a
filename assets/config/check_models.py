"""`checks:` in `defs.yaml`: once for all reports, and where one differs."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import dagster as dg

from assets.config.errors import FieldsOf, Place, probe_at
from assets.reports.check_rules import CheckOptions
from assets.reports.configured import ConfiguredReport

#: `checks:` in the file. Each field that a report sets replaces the one in `defaults`.
CheckFields = Annotated[dict[str, Any], FieldsOf(CheckOptions)]


def with_checks(
    context: dg.ResolutionContext | None,
    reports: Sequence[ConfiguredReport],
    own: Sequence[CheckFields],
    defaults: CheckFields,
) -> list[ConfiguredReport]:
    """The reports with the checks that the file configures; which there are depends on all of its reports.

    Args:
        own: what each report sets.

    Raises ResolutionException naming line and field of an unknown check, or of a contradiction.
    """
    compared = [report.compared_with(reports) for report in reports]
    known = [report.checkable for report in compared]
    _refuse_slips(context, ("defaults",), defaults, frozenset().union(*known))
    for number, (fields, names) in enumerate(zip(own, known, strict=True)):
        _refuse_slips(context, ("reports", number), fields, names)
    return [
        replace(report, checks=CheckOptions(**{**defaults, **fields}).among(names))
        for report, fields, names in zip(compared, own, known, strict=True)
    ]


def _refuse_slips(
    context: dg.ResolutionContext | None, path: Place, fields: CheckFields, known: Collection[str]
) -> None:
    """An unknown name is refused where it stands; then contradictions."""
    for name, value in fields.items():
        only = CheckOptions(**{name: value})
        probe_at(context, (*path, "checks", name), partial(only.refuse_slips, known))
    probe_at(context, (*path, "checks"), partial(CheckOptions(**fields).refuse_slips, known))
