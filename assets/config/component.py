"""The project's one configuration format: `defs.yaml`, as a Dagster component.

A mistake in the file is reported with its line, its field and the nearest right name, before Stripe is
called. Python users call `ConfiguredReport` and `build_report_asset` instead.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Annotated, Any

import dagster as dg
from dagster.components.utils.translation import TranslationFn, TranslationFnResolver
from pydantic import BaseModel, create_model

from assets.analytics.definitions import build_analytics
from assets.automation.automation import Automation
from assets.automation.newest_partition import log_newest_partition
from assets.config.models import Attributes, AutomationFields, ConnectionModel, ReportModel
from assets.config.resolution import resolve_connection, resolve_reports
from assets.config.scaffolding import ReportsScaffolder
from assets.config.taken_names import TakenNames
from assets.io_manager import report_reader
from assets.materialize.asset import build_report_asset, materialize_report, report_asset_spec
from assets.materialize.event_recorder import Output
from assets.reports.configured import ConfiguredReport
from assets.resources import StripeReporting
from connector.catalogue.together import advise_together
from connector.errors import ConfigurationError
from connector.project.defs_yaml import refuse_unreadable
from connector.text import get_logger

_log = get_logger(__name__)

#: Sensors, schedules and steps are named after what is given; Dagster takes no other characters.
_NAME = re.compile(r"[A-Za-z0-9_]+")


@dg.scaffold_with(ReportsScaffolder)
@dataclass
class StripeReportsComponent(dg.Component, dg.Resolvable):
    """Stripe's financial reports as partitioned assets in typed Parquet, kept up to date by sensors.

    Attributes:
        reports: one asset each, in the order of the file.
        connection: the account they are pulled from, and where they are stored.
        analytics: whether there are assets behind the reports, with numbers and pictures.
        resource_key: the key of the `StripeReporting` resource; give each account its own.
        prefix: what precedes the tables' names in asset keys, `/` between its parts; the resource's key
            when None.
        automation: the sensors, schedules and checks that keep them up to date.
        translation: how the assets appear in Dagster, on top of `report_asset_spec`.
    """

    reports: Annotated[
        Sequence[ConfiguredReport],
        dg.Resolver.from_model(
            lambda context, model: resolve_reports(context, model.reports, model.defaults),
            model_field_type=list[ReportModel],
        ),
    ]
    connection: Annotated[
        StripeReporting,
        dg.Resolver(resolve_connection, model_field_type=ConnectionModel, inject_before_resolve=False),
    ] = field(default_factory=lambda: resolve_connection(None, ConnectionModel()))
    analytics: bool = False
    resource_key: str = "stripe"
    prefix: str | None = None
    automation: Annotated[
        Automation,
        dg.Resolver(
            lambda _, given: Automation(**given),
            model_field_type=AutomationFields,
            inject_before_resolve=False,
        ),
    ] = field(default_factory=Automation)
    translation: Annotated[
        TranslationFn[ConfiguredReport] | None,
        TranslationFnResolver[ConfiguredReport](lambda report: {"report": report}),
    ] = None

    @classmethod
    def model(cls) -> type[BaseModel]:
        """The fields of the file.

        Dagster's own derivation from the fields above also allows a text in place of each of them, so that
        every mistake is reported twice and at the wrong line. It is used for fields that a subclass adds.
        """
        added = {each.name for each in fields(cls)} - Attributes.model_fields.keys()
        if not added:
            return Attributes
        derived = super().model().model_fields
        own: dict[str, Any] = {name: (derived[name].annotation, derived[name]) for name in sorted(added)}
        return create_model(cls.__name__, __base__=Attributes, **own)

    def get_asset_spec(self, report: ConfiguredReport) -> dg.AssetSpec:
        """How a report's asset appears in Dagster. Override it where `translation` in the file is not enough.

        The key cannot be changed here: it is made of the `prefix` and the report's `name`.
        """
        spec = report_asset_spec(report)
        return self.translation(spec, report) if self.translation else spec

    def execute(self, context: dg.AssetExecutionContext, report: ConfiguredReport) -> Iterator[Output]:
        """What materializing a report does. Override it to do something before or after."""
        yield from materialize_report(context, report)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The assets, what keeps them up to date, the resource and the reader.

        Does not call Stripe, and needs no key.
        """
        if not _NAME.fullmatch(self.resource_key):
            raise ConfigurationError(
                f"resource_key {self.resource_key!r}: use only letters, digits and underscores"
            )
        if not all(map(_NAME.fullmatch, self._prefix)):
            raise ConfigurationError(f"prefix {self.prefix!r}: use only letters, digits and underscores")
        refuse_unreadable(context.path)
        _taken_names(context, self).refuse_clashes(self)
        account = self.connection.account
        for report in self.reports:
            # A variable that is not set here is read when a run starts, and refused there.
            report.query.refuse_acting_for(account.get_value() if isinstance(account, dg.EnvVar) else account)
            advice = advise_together(report.query.spec, report.query.window, len(report.connected_accounts))
            if advice:
                _log.warning("%s.", advice)
        of_this_account = self.automation.looking_after(
            [self._of_this_account(report) for report in self.reports]
        )
        reports = [report.compared_with(of_this_account) for report in of_this_account]
        # The names of sensors and schedules are unique in a code location; so is the resource's key.
        automation = self.automation.definitions(reports, prefix=self.resource_key)
        resources: Mapping[str, Any] = {
            self.resource_key: self.connection,
            f"{self.resource_key}_parquet": report_reader(self.resource_key),
        }
        specs = {report.key: self.get_asset_spec(report) for report in reports}
        pulled = dg.Definitions(
            assets=[
                build_report_asset(
                    report, spec=specs[report.key], execute=self.execute, look=log_newest_partition
                )
                for report in reports
            ],
            resources=resources,
        )
        if not self.analytics:
            return dg.Definitions.merge(pulled, automation)
        analytics = build_analytics(reports, specs=specs, prefix=self.resource_key)
        return dg.Definitions.merge(pulled, automation, analytics)

    def _of_this_account(self, report: ConfiguredReport) -> ConfiguredReport:
        return report.using(
            resource=self.resource_key, io_manager=f"{self.resource_key}_parquet", prefix=self._prefix
        )

    @property
    def _prefix(self) -> tuple[str, ...]:
        return tuple((self.prefix or self.resource_key).split("/"))


def _taken_names(context: dg.ComponentLoadContext, component: StripeReportsComponent) -> TakenNames:
    """The names that the files of this kind in the code location take, found once for all of them. Outside
    of a project, as in Dagster's test helpers, there is only this one."""
    if not _newest[0].covers(component):
        try:
            files = context.component_tree.get_all_components(StripeReportsComponent)
        except ModuleNotFoundError:
            files = [component]
        _newest.append(TakenNames(files))
    return _newest[0]


#: Of the code location that was loaded last: a component belongs to one state of one.
_newest = deque([TakenNames(())], maxlen=1)
