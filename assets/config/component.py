"""The project's one configuration format: `defs.yaml`, as a Dagster component.

What is wrong in the file is said with its line, its field and the nearest right name, before anything is
asked of Stripe. Python users call `ConfiguredReport` and `build_report_asset` instead.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

import dagster as dg
from dagster.components.utils.translation import TranslationFn, TranslationFnResolver
from pydantic import BaseModel

from assets.automation.automation import Automation
from assets.config.models import (
    Attributes,
    AutomationModel,
    ConnectionModel,
    ReportModel,
    automation_of,
    connection_of,
    reports_of,
)
from assets.config.scaffolding import ReportsScaffolder
from assets.io_manager import report_reader
from assets.materialize.asset import build_report_asset, materialize_report, report_asset_spec
from assets.materialize.event_recorder import Output
from assets.reports.configured import ConfiguredReport
from assets.resources import StripeReporting
from connector.errors import ConfigurationError
from connector.settings import expanded

#: Sensors, schedules and steps are named after what is given; Dagster takes no other characters.
_NAME = re.compile(r"[A-Za-z0-9_]+")


@dg.scaffold_with(ReportsScaffolder)
@dataclass
class StripeReportsComponent(dg.Component, dg.Resolvable):
    """Stripe's financial reports as partitioned assets in typed Parquet.

    Attributes:
        reports: one asset each, in the order of the file.
        connection: the account they are pulled from, and where they are stored.
        resource_key: the key of the `StripeReporting` resource; give each account one of its own.
        prefix: what stands before the tables' names in asset keys, `/` between its parts; the resource's key
            when None.
        automation: what happens by itself.
        translation: how the assets present themselves, beyond what `report_asset_spec` says.
    """

    reports: Annotated[
        Sequence[ConfiguredReport],
        dg.Resolver.from_model(
            lambda context, model: reports_of(context, model.reports, model.defaults),
            model_field_type=list[ReportModel],
        ),
    ]
    connection: Annotated[
        StripeReporting,
        dg.Resolver(connection_of, model_field_type=ConnectionModel, inject_before_resolve=False),
    ] = field(default_factory=lambda: connection_of(None, ConnectionModel()))
    resource_key: str = "stripe"
    prefix: str | None = None
    automation: Annotated[
        Automation,
        dg.Resolver(automation_of, model_field_type=AutomationModel, inject_before_resolve=False),
    ] = field(default_factory=Automation)
    translation: Annotated[
        TranslationFn[ConfiguredReport] | None,
        TranslationFnResolver[ConfiguredReport](lambda report: {"report": report}),
    ] = None

    @classmethod
    def model(cls) -> type[BaseModel]:
        """What may stand in the file.

        Dagster derives it from the fields above, and then lets a text stand for each of them, so that
        every slip is reported twice and at the wrong line. A subclass with fields of its own gets that.
        """
        known = {each.name for each in fields(cls)} <= Attributes.model_fields.keys()
        return Attributes if known else super().model()

    def get_asset_spec(self, report: ConfiguredReport) -> dg.AssetSpec:
        """How a report's asset presents itself. Override it where `translation` in the file is not enough.

        The key stays the report's: its `name` and the `prefix` make it.
        """
        spec = report_asset_spec(report)
        return self.translation(spec, report) if self.translation else spec

    def execute(self, context: dg.AssetExecutionContext, report: ConfiguredReport) -> Iterator[Output]:
        """What materializing a report does. Override it to do something before or after."""
        yield from materialize_report(context, report)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The assets, what keeps them up to date, the resource and the reader.

        Asks nothing of Stripe, and needs no key.
        """
        if not _NAME.fullmatch(self.resource_key):
            raise ConfigurationError(
                f"resource_key {self.resource_key!r}: use letters, digits and underscores"
            )
        if not all(map(_NAME.fullmatch, self._prefix)):
            raise ConfigurationError(f"prefix {self.prefix!r}: use letters, digits and underscores")
        refuse_twins(self, _all_there_are(context))
        of_this_account = [self._of_this_account(report) for report in self.reports]
        reports = [report.compared_with(of_this_account) for report in of_this_account]
        # The names of sensors and schedules are unique in a code location; so is the resource's key.
        kept_up = self.automation.definitions(reports, prefix=self.resource_key)
        resources: Mapping[str, Any] = {
            self.resource_key: self.connection,
            f"{self.resource_key}_parquet": report_reader(self.resource_key),
        }
        pulled = dg.Definitions(
            assets=[
                build_report_asset(report, spec=self.get_asset_spec(report), execute=self.execute)
                for report in reports
            ],
            resources=resources,
        )
        return dg.Definitions.merge(pulled, kept_up)

    def _of_this_account(self, report: ConfiguredReport) -> ConfiguredReport:
        return report.using(
            resource=self.resource_key, io_manager=f"{self.resource_key}_parquet", prefix=self._prefix
        )

    @property
    def _prefix(self) -> tuple[str, ...]:
        return tuple((self.prefix or self.resource_key).split("/"))


def _all_there_are(context: dg.ComponentLoadContext) -> Sequence[StripeReportsComponent]:
    """The components of this kind in the code location; none for one that is built outside of a project, as
    Dagster's test helpers do."""
    try:
        return context.component_tree.get_all_components(StripeReportsComponent)
    except ModuleNotFoundError:
        return ()


def refuse_twins(component: StripeReportsComponent, all_there_are: Iterable[StripeReportsComponent]) -> None:
    """Two reports with one table would write into each other's files, of two accounts most of all: what
    partitions are called says nothing of whose money they are about.

    Raises ConfigurationError naming what to change.
    """
    names = [report.query.name for report in component.reports]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"two reports are called {name}; give one of them a `name` of its own")
    for other in all_there_are:
        if other is component:
            continue
        if other.resource_key == component.resource_key:
            raise ConfigurationError(
                f"two files have the resource_key {component.resource_key}; give each account one of its own"
            )
        if clashing := sorted({*_keys(component)} & {*_keys(other)}):
            raise ConfigurationError(
                f"two files have an asset {clashing[0]}; give one of them a `prefix` of its own"
            )
        shared = sorted({*names} & {report.query.name for report in other.reports})
        if shared and _root(component) == _root(other):
            keys = " and ".join(sorted((component.resource_key, other.resource_key)))
            raise ConfigurationError(
                f"{keys} would both write to the table {shared[0]} below {_root(component)}; give each "
                "account a `root` of its own under `connection`, or one of the reports a `name` of its own"
            )


def _keys(component: StripeReportsComponent) -> list[str]:
    """The assets it will have, as people read them."""
    prefix = component.prefix or component.resource_key
    return [f"{prefix}/{report.query.name}" for report in component.reports]


def _root(component: StripeReportsComponent) -> str:
    """Where it writes: a place, or the variable that names it."""
    root = component.connection.root
    if isinstance(root, dg.EnvVar):
        return f"${root.env_var_name}"
    return root.rstrip("/") if "://" in root else str(Path(expanded(root)).resolve())
