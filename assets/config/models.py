"""What may stand in `defs.yaml`, and how it becomes values, with errors that name line and field."""

import re
from collections.abc import Callable, Sequence, Set
from datetime import date, timedelta
from functools import partial
from typing import Any, Literal

import dagster as dg
from pydantic import Field

from assets.automation.automation import Automation
from assets.automation.schedules import TWICE_A_DAY
from assets.config.check_models import ChecksModel, with_checks
from assets.config.errors import StrictModel, error_at, probe_at
from assets.reports.configured import DEFAULT_POOL, DEFAULT_RANGE, ConfiguredReport
from assets.reports.partitions import refuse_lossy
from assets.resources import StripeReporting
from assets.sensors.availability_decisions import REFRESH_AFTER
from assets.sensors.payout_sources import source_of
from connector.errors import ConfigurationError
from connector.partitions import BY_PAYOUT, Windows
from connector.query import CONNECTED_ACCOUNT, ReportQuery
from connector.runs.adoption import WaitPolicy
from connector.settings import API_KEY, Connection

_FROM_ENVIRONMENT = re.compile(r"\s*\{\{\s*env\.(\w+)\s*\}\}\s*")


class ConnectionModel(StrictModel):
    """A Stripe account, and where its reports are stored. What is left out comes from the environment."""

    api_key: str = Field(
        default=f"{{{{ env.{API_KEY} }}}}",
        description="The variable that holds the key, as '{{ env.NAME }}'. It is read when a run begins, so "
        "that definitions load without it, and never shown.",
    )
    api_base: str | None = Field(default=None, description="Another server than Stripe's: STRIPE_API_BASE.")
    account: str | None = Field(default=None, description="A connected account to act for: STRIPE_ACCOUNT.")
    root: str | None = Field(
        default=None,
        description="A path, or a URL such as s3://bucket/prefix: STRIPE_REPORTS_ROOT, or `data`.",
    )
    processes: int = Field(
        default=1, ge=1, description="How many steps use the key at once; the rate limit is divided by it."
    )


class ReportDefaults(StrictModel):
    """What all reports of the file have in common."""

    start: date | None = Field(default=None, description="Where the first window begins.")
    window: str = Field(default="daily", description="hourly, daily, weekly or monthly.")
    zone: str = Field(default="UTC", description="The IANA time zone whose calendar cuts the windows.")
    end_offset: int = Field(
        default=0, description="Windows beyond the last whole one; negative leaves the latest out."
    )
    wait_minutes: float = Field(
        default=30, gt=0, description="How long a report run is waited for before it is left to finish alone."
    )
    abandon_after_hours: float = Field(
        default=6, gt=0, description="A report run pending for longer is replaced by a new one."
    )
    max_partitions_per_run: int | None = Field(
        default=DEFAULT_RANGE, ge=1, description="How a backfill is cut into Dagster runs; null for one run."
    )
    pool: str | None = Field(default=DEFAULT_POOL, description="Dagster's concurrency pool; null for none.")
    checks: ChecksModel = Field(
        default_factory=ChecksModel, description="Checks of the data, and what follows when one fails."
    )


class ReportModel(ReportDefaults):
    """One report: what to ask of Stripe, and what differs from the defaults."""

    report: str = Field(description="Stripe's id (balance.summary.1), or the name without version.")
    name: str | None = Field(
        default=None, description="The table's name, for a second dataset of one report."
    )
    columns: list[str] | dict[str, str | None] | None = Field(
        default=None,
        description="Columns in file order; the catalogue's choice, without personal data. As `name: type` "
        "for a report the catalogue does not know, or a column it knows otherwise; {} goes by the header.",
    )
    parameters: list[str] | None = Field(
        default=None, description="The run parameters such a report takes; those of its nearest version."
    )
    filters: dict[str, str] = Field(
        default_factory=dict, description="Further run parameters: currency, reporting_category, timezone, …"
    )
    connected_accounts: list[str] = Field(
        default_factory=list,
        description="Connected accounts (acct_…) that have partitions of their own. Without any, one run "
        "brings all accounts, with the account as a column where the report has one.",
    )
    payouts_from: str | None = Field(
        default=None,
        description="Of a report about one payout: the table among these that names the payouts. The best "
        "there is when left out; without one, partitions are added by hand.",
    )


class AutomationModel(StrictModel):
    """What happens by itself. Everything can be switched on and off in the UI as well."""

    ask_by: Literal["sensor", "schedule", "hand"] = Field(
        default="sensor",
        description="Who asks for partitions that are ready and missing. Sensor and schedule are both there; "
        "this says which one ships running.",
    )
    cron: str = Field(default=TWICE_A_DAY, description="When the schedule looks, in UTC.")
    look_every_seconds: int = Field(
        default=300,
        ge=5,
        description="How often the sensor looks for what has become ready: one call to Stripe.",
    )
    look_back_days: float = Field(
        default=14, gt=0, description="How far behind the newest ready partition missing ones are asked for."
    )
    refresh_after_days: list[float] = Field(
        default=[age.days for age in REFRESH_AFTER],
        description="Ages at which the sensor asks for a partition again, as Stripe restates; [] for never.",
    )
    pick_up_late: bool = Field(default=True, description="Whether the sensor for late reports ships running.")
    pick_up_every_seconds: int = Field(
        default=30,
        ge=5,
        description="How often that sensor looks; it asks Stripe only when something failed.",
    )
    check_newest: bool = Field(
        default=True,
        description="Whether it is checked twice a day that the newest ready partition is there.",
    )


class Attributes(StrictModel):
    """All that stands under `attributes:`."""

    connection: ConnectionModel = Field(
        default_factory=ConnectionModel, description="The account and the storage."
    )
    defaults: ReportDefaults = Field(
        default_factory=ReportDefaults, description="What the reports have in common."
    )
    reports: list[ReportModel] = Field(description="The reports to pull, one asset each.")
    automation: AutomationModel = Field(
        default_factory=AutomationModel, description="What happens by itself: sensors, schedules, checks."
    )
    resource_key: str = Field(
        default="stripe",
        description="Key of the resource; each account needs one of its own. Names of sensors, schedules and "
        "the pool begin with it.",
    )
    prefix: str | None = Field(
        default=None,
        description="What stands before the tables' names in asset keys, `/` between its parts; the "
        "resource_key when left out.",
    )
    translation: str | dg.AssetAttributesModel | None = Field(  # type: ignore[valid-type] # made at run time
        default=None,
        description="How the assets present themselves beyond the usual: group_name, owners, tags, metadata, "
        "description, … for all of them, with templates such as '{{ report.query.spec.title }}' or "
        "'{{ spec.description }}'.",
    )


def automation_of(context: dg.ResolutionContext | None, model: AutomationModel) -> Automation:  # noqa: ARG001 - as Dagster calls it
    """The sensors and schedules of a file."""
    return Automation(
        ask_by=model.ask_by,
        cron=model.cron,
        look_every=model.look_every_seconds,
        look_back=timedelta(days=model.look_back_days),
        refresh_after=tuple(timedelta(days=age) for age in model.refresh_after_days),
        pick_up_late=model.pick_up_late,
        pick_up_every=model.pick_up_every_seconds,
        check_newest=model.check_newest,
    )


def connection_of(context: dg.ResolutionContext | None, model: ConnectionModel) -> StripeReporting:
    """The resource. A field that is only `{{ env.NAME }}` is resolved by Dagster when a run begins."""
    found = _FROM_ENVIRONMENT.fullmatch(model.api_key)
    if not found:
        message = (
            "name the variable that holds the key, as '{{ env.STRIPE_API_KEY }}'; a key is not for files"
        )
        # The line itself is not shown: it may hold a key.
        raise error_at(context, ("api_key",), message, snippet=False)
    environment = Connection.from_environment()
    return StripeReporting(
        api_key=dg.EnvVar(found[1]),
        api_base=_late(model.api_base) or environment.api_base,
        account=_late(model.account) or environment.account,
        root=_late(model.root) or environment.root,
        processes=model.processes,
    )


def reports_of(
    context: dg.ResolutionContext, models: Sequence[ReportModel], defaults: ReportDefaults
) -> list[ConfiguredReport]:
    """The reports of a file, in its order.

    Raises ResolutionException naming file, line and field of the first thing that cannot be.
    """
    reports = []
    for number, own in enumerate(models):
        inherited = {
            name: getattr(defaults, name) for name in defaults.model_fields_set - own.model_fields_set
        }
        model = own.model_copy(update=inherited)
        path = ("reports", number)
        if model.start is None and not _by_payout(model):
            message = f"{model.report} has no start: say from which day on there are partitions"
            raise error_at(context, path, message)
        if _by_payout(model):
            for name in sorted({"start", "zone", "end_offset"} & own.model_fields_set):
                message = f"{model.report} is about one payout and has no windows of time; leave {name} out"
                raise error_at(context, (*path, name), message)
            model = _without_windows(model, own.model_fields_set)
        for place, probe in _probes(model):
            above: tuple[str | int, ...] = ("defaults",) if place[0] in inherited else path
            probe_at(context, (*above, *place), probe)
        reports.append(_report(model))
    for number, report in enumerate(reports):
        known = reports if report.query.by_payout else ()
        probe_at(context, ("reports", number, "payouts_from"), partial(source_of, report, known))
    said = [model.checks for model in models]
    return with_checks(context, reports, said, defaults.checks)


def _by_payout(model: ReportModel) -> bool:
    """Whether it is about one payout; what no report is called is answered elsewhere."""
    try:
        return ReportQuery.of(model.report, columns=model.columns, parameters=model.parameters).by_payout
    except ConfigurationError:
        return False


def _without_windows(model: ReportModel, said: Set[str]) -> ReportModel:
    """A report about one payout without what only the defaults say of windows."""
    return model.model_copy(
        update={
            name: ReportModel.model_fields[name].default if name != "window" else BY_PAYOUT
            for name in ("start", "window", "zone", "end_offset")
            if name not in said
        }
    )


def _report(model: ReportModel) -> ConfiguredReport:
    query = ReportQuery.of(
        model.report,
        name=model.name,
        columns=model.columns,
        parameters=model.parameters,
        filters=model.filters,
        window=model.window,
        zone=model.zone,
        by_account=bool(model.connected_accounts),
    )
    return ConfiguredReport(
        query,
        start=model.start,
        end_offset=model.end_offset,
        wait_policy=WaitPolicy(
            wait_timeout=timedelta(minutes=model.wait_minutes),
            abandon_after=timedelta(hours=model.abandon_after_hours),
        ),
        max_partitions_per_run=model.max_partitions_per_run,
        pool=model.pool,
        connected_accounts=tuple(model.connected_accounts),
        payouts_from=model.payouts_from,
    )


def _probes(model: ReportModel) -> Sequence[tuple[tuple[str, ...], Callable[[], object]]]:
    """What can be wrong at each place of a report, so that the one at fault can be named."""
    typed = model.columns if isinstance(model.columns, dict) else None
    # A report described by its columns need not be in the catalogue.
    blank: dict[str, str | None] | None = None if typed is None else {}
    asked = partial(ReportQuery.of, model.report)
    described = partial(asked, columns=model.columns, parameters=model.parameters)
    return (
        (("report",), partial(asked, columns=blank)),
        *(
            (("columns", name), partial(asked, columns={name: type_}))
            for name, type_ in (typed or {}).items()
        ),
        (("columns",), partial(asked, columns=model.columns)),
        (("parameters",), described),
        (("filters",), partial(described, filters=model.filters)),
        (("window",), lambda: described(window=model.window).by_payout or Windows(model.window)),
        (("zone",), lambda: None if _by_payout(model) else refuse_lossy(Windows(model.window, model.zone))),
        (("connected_accounts",), lambda: _check_accounts(model, described)),
        (("name",), partial(described, name=model.name)),
    )


def _check_accounts(model: ReportModel, described: Callable[..., ReportQuery]) -> None:
    accounts = model.connected_accounts
    if not accounts:
        return
    query = described(filters=model.filters, window=model.window, by_account=True)
    if query.by_payout:
        raise ConfigurationError(
            f"partitions of {model.report} are payouts; each says whose it is, so leave the accounts out"
        )
    if twice := sorted({each for each in accounts if accounts.count(each) > 1}):
        raise ConfigurationError(f"{', '.join(twice)} is in the list twice")
    for account in accounts:
        described(filters={CONNECTED_ACCOUNT: account})


def _late(value: str | None) -> Any:
    """A variable's name instead of its value, where that is all there is."""
    found = _FROM_ENVIRONMENT.fullmatch(value) if value else None
    return dg.EnvVar(found[1]) if found else value
