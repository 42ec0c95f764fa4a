"""The project's one configuration format: `defs.yaml`, as a Dagster component.

A mistake in the file is reported with its line, its field and the nearest right name, before Stripe is
called. Python users call `ConfiguredReport` and `build_report_asset` instead.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

import dagster as dg
from dagster.components.utils.translation import TranslationFn, TranslationFnResolver
from pydantic import BaseModel, create_model

from assets.automation.automation import Automation
from assets.config.models import (
    Attributes,
    AutomationFields,
    ConnectionModel,
    ReportModel,
    describe_duplicate,
    resolve_connection,
    resolve_reports,
)
from assets.config.scaffolding import ReportsScaffolder
from assets.io_manager import report_reader
from assets.materialize.asset import build_report_asset, materialize_report, report_asset_spec
from assets.materialize.event_recorder import Output
from assets.reports.configured import ConfiguredReport
from assets.resources import StripeReporting
from connector.catalogue.together import advise_together
from connector.dataset.filesystem.place import Place
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
        reject_duplicate_tables(self, _find_components(context))
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
        pulled = dg.Definitions(
            assets=[
                build_report_asset(report, spec=self.get_asset_spec(report), execute=self.execute)
                for report in reports
            ],
            resources=resources,
        )
        return dg.Definitions.merge(pulled, automation)

    def _of_this_account(self, report: ConfiguredReport) -> ConfiguredReport:
        return report.using(
            resource=self.resource_key, io_manager=f"{self.resource_key}_parquet", prefix=self._prefix
        )

    @property
    def _prefix(self) -> tuple[str, ...]:
        return tuple((self.prefix or self.resource_key).split("/"))


def _find_components(context: dg.ComponentLoadContext) -> Sequence[StripeReportsComponent]:
    """The components of this kind in the code location; none outside of a project, as in Dagster's test
    helpers."""
    try:
        return context.component_tree.get_all_components(StripeReportsComponent)
    except ModuleNotFoundError:
        return ()


def reject_duplicate_tables(
    component: StripeReportsComponent, components: Iterable[StripeReportsComponent]
) -> None:
    """Two reports with one table would write into each other's files. With two accounts nobody would notice:
    a file's path does not name the account.

    Raises ConfigurationError naming what to change.
    """
    names = [report.query.name for report in component.reports]
    for report in component.reports:
        if names.count(report.query.name) > 1:
            raise ConfigurationError(describe_duplicate(report))
    for other in components:
        if other is component:
            continue
        if other.resource_key == component.resource_key:
            raise ConfigurationError(
                f"two defs.yaml files have the resource_key {component.resource_key}; set another "
                "`resource_key` in one of them"
            )
        if clashing := sorted({*_keys(component)} & {*_keys(other)}):
            raise ConfigurationError(
                f"two defs.yaml files have an asset {clashing[0]}; set another `prefix` in one of them"
            )
        pairs = zip(_names(component), _names(other), strict=True)
        for changed, (own, others) in zip(("resource_key", "prefix"), pairs, strict=True):
            if taken := sorted(own & others):
                raise ConfigurationError(
                    f"two defs.yaml files give the name {taken[0]} in Dagster; set another `{changed}` in "
                    "one of them"
                )
        shared = sorted({*names} & {report.query.name for report in other.reports})
        if shared and _root(component) == _root(other):
            keys = " and ".join(sorted((component.resource_key, other.resource_key)))
            raise ConfigurationError(
                f"{keys} would both write to the table {shared[0]} below {_root(component)}; set another "
                "`root` under `connection` in one of them, or another `name` for one of the reports"
            )


def _names(component: StripeReportsComponent) -> tuple[set[str], set[str]]:
    """What else it names in Dagster: after its `resource_key`, and after its prefix.

    `stripe` and `stripe_late` would both have a `stripe_late_reports`, `a/b` and `a__b` the same steps.
    """
    key = component.resource_key
    resources = {f"resource {key}{end}" for end in ("", "_parquet")}
    ticking = {
        f"{key}_{end}" for end in ("late_reports", "availability", "payouts", "reports", "newest_partitions")
    }
    return resources | ticking, {name.replace("/", "__") for name in _keys(component)}


def _keys(component: StripeReportsComponent) -> list[str]:
    """The assets it will have, as people read them."""
    prefix = component.prefix or component.resource_key
    return [f"{prefix}/{report.query.name}" for report in component.reports]


def _root(component: StripeReportsComponent) -> str:
    """Where it writes: a path or URL, or the variable that names it."""
    root = component.connection.root
    if isinstance(root, dg.EnvVar):
        given = root.get_value()
        if not given:
            return f"${root.env_var_name}"
        root = given
    place = Place.of(root)
    return str(place).rstrip("/") if "://" in place.real else str(Path(place.real).resolve())
