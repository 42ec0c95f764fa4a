"""What `defs.yaml` says of checks: once for all reports, and where one differs."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

import dagster as dg
from pydantic import Field

from assets.config.errors import Place, StrictModel, probe_at
from assets.reports.check_rules import CheckOptions
from assets.reports.configured import ConfiguredReport
from connector.checks import Severity


class ChecksModel(StrictModel):
    """Which checks are evaluated, and what follows from them. What a report says here comes before what all
    have in common, field by field."""

    # Not called `off`, which YAML takes for a boolean.
    skip: list[str] = Field(default_factory=list, description="Checks that are not evaluated.")
    severity: dict[str, Literal["error", "warn"]] = Field(
        default_factory=dict, description="How grave a failure is, by the check's name."
    )
    blocking: list[str] | None = Field(
        default=None,
        description="Exactly those whose failure keeps what depends on the report from starting in the same "
        "run, as an error; [] for none. Left out, all errors that one file shows by itself.",
    )


def with_checks(
    context: dg.ResolutionContext | None,
    reports: Sequence[ConfiguredReport],
    said: Sequence[ChecksModel],
    common: ChecksModel,
) -> list[ConfiguredReport]:
    """The reports with what the file says of their checks; which there are depends on all of its reports.

    Raises ResolutionException naming line and field of a name that is no check, or of a contradiction.
    """
    compared = [report.compared_with(reports) for report in reports]
    known = [report.checkable for report in compared]
    _refuse_slips(context, ("defaults",), common, frozenset().union(*known))
    for number, (own, names) in enumerate(zip(said, known, strict=True)):
        _refuse_slips(context, ("reports", number), own, names)
    return [
        replace(report, checks=_options(_merged(own, common)).among(names))
        for report, own, names in zip(compared, said, known, strict=True)
    ]


def _refuse_slips(
    context: dg.ResolutionContext | None, path: Place, model: ChecksModel, known: Collection[str]
) -> None:
    """A name that is no check is refused where it stands; then what contradicts itself."""
    for field in ("skip", "severity", "blocking"):
        only = _options(ChecksModel.model_construct(**{field: getattr(model, field)}))
        probe_at(context, (*path, "checks", field), partial(only.refuse_slips, known))
    probe_at(context, (*path, "checks"), partial(_options(model).refuse_slips, known))


def _merged(own: ChecksModel, common: ChecksModel) -> ChecksModel:
    inherited = common.model_fields_set - own.model_fields_set
    return own.model_copy(update={name: getattr(common, name) for name in inherited})


def _options(model: ChecksModel) -> CheckOptions:
    return CheckOptions(
        skip=frozenset(model.skip),
        severity={name: Severity(each) for name, each in model.severity.items()},
        blocking=None if model.blocking is None else frozenset(model.blocking),
    )
