"""The project's one configuration format: `defs.yaml`, as a Dagster component.

What is wrong in the file is said with its line, its field and the nearest right name, before anything is
asked of Stripe. Python users call `ConfiguredReport` and `build_report_asset` instead.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Annotated, Any

import dagster as dg
from pydantic import BaseModel

from assets.configured import ConfiguredReport
from assets.defs_yaml import (
    Attributes,
    AutomationModel,
    ConnectionModel,
    ReportModel,
    automation_of,
    connection_of,
    reports_of,
)
from assets.io_manager import report_reader
from assets.recording import Output
from assets.reports import build_report_asset, materialize_report, report_asset_spec
from assets.resources import StripeReporting
from assets.upkeep import Automation
from connector.errors import ConfigurationError


@dataclass
class StripeReportsComponent(dg.Component, dg.Resolvable):
    """Stripe's financial reports as partitioned assets in typed Parquet.

    Attributes:
        reports: one asset each, in the order of the file.
        connection: the account they are pulled from, and where they are stored.
        resource_key: the key of the `StripeReporting` resource; give each account one of its own.
        automation: what happens by itself.
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
    automation: Annotated[
        Automation,
        dg.Resolver(automation_of, model_field_type=AutomationModel, inject_before_resolve=False),
    ] = field(default_factory=Automation)

    @classmethod
    def model(cls) -> type[BaseModel]:
        """What may stand in the file.

        Dagster derives it from the fields above, and then lets a text stand for each of them, so that
        every slip is reported twice and at the wrong line. A subclass with fields of its own gets that.
        """
        known = {each.name for each in fields(cls)} <= Attributes.model_fields.keys()
        return Attributes if known else super().model()

    def get_asset_spec(self, report: ConfiguredReport) -> dg.AssetSpec:
        """How a report's asset presents itself. Override it to add owners, tags, another group."""
        return report_asset_spec(report)

    def execute(self, context: dg.AssetExecutionContext, report: ConfiguredReport) -> Iterator[Output]:
        """What materializing a report does. Override it to do something before or after."""
        yield from materialize_report(context, report)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - the base's signature
        """The assets, what keeps them up to date, the resource and the reader.

        Asks nothing of Stripe, and needs no key.
        """
        _refuse_twins(self.reports)
        reports = [self._with_resources(report) for report in self.reports]
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

    def _with_resources(self, report: ConfiguredReport) -> ConfiguredReport:
        return report.using(resource=self.resource_key, io_manager=f"{self.resource_key}_parquet")


def _refuse_twins(reports: Sequence[ConfiguredReport]) -> None:
    """Two reports with one table would write into each other's files."""
    names = [report.query.name for report in reports]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"two reports are called {name}; give one of them a `name` of its own")
