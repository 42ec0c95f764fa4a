"""The fields of `defs.yaml`, and how they become values, with errors that name line and field."""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import date, timedelta
from functools import partial
from typing import Annotated, Any

import dagster as dg
from pydantic import Field

from assets.automation.automation import Automation
from assets.config.account_models import AccountsField, refuse_payouts, resolve_accounts
from assets.config.check_models import CheckFields, with_checks
from assets.config.errors import FieldsOf, StrictModel, error_at, probe_at
from assets.reports.configured import DEFAULT_POOL, DEFAULT_RANGE, ConfiguredReport
from assets.reports.partitions import refuse_lossy
from assets.resources import StripeReporting
from assets.sensors.payout_sources import find_source
from connector.accounts import AccountLives
from connector.dataset.filesystem.access import Access
from connector.dataset.filesystem.place import Place
from connector.errors import ConfigurationError
from connector.partitions import BY_PAYOUT, Windows
from connector.project.account_list import ACTING, CONNECTED
from connector.query import ReportQuery
from connector.runs.adoption import WaitPolicy
from connector.settings import API_KEY, ROOT, Connection

_FROM_ENVIRONMENT = re.compile(r"\s*\{\{\s*env\.(\w+)\s*\}\}\s*")


class ConnectionModel(StrictModel):
    """A Stripe account, and where its reports are stored. What is left out comes from the environment."""

    api_key: str = Field(
        default=f"{{{{ env.{API_KEY} }}}}",
        description="The environment variable that holds the key, as '{{ env.NAME }}'. It is read when a run "
        "starts, so definitions load without it, and never shown.",
    )
    api_base: str | None = Field(
        default=None,
        description="The API's address, for another server than Stripe's; by default STRIPE_API_BASE.",
    )
    account: str | None = Field(
        default=None,
        description="A connected account (acct_…) to act for, sent as `Stripe-Account`; by default "
        "STRIPE_ACCOUNT.",
    )
    root: str | None = Field(
        default=None,
        description="Where the files are stored: a path, or a URL such as s3://bucket/prefix; by default "
        "STRIPE_REPORTS_ROOT, or `data`.",
    )
    endpoint: str | None = Field(
        default=None,
        description="Where the bucket's server is, if it is not the cloud's own: https, or http on this "
        "machine; by default as AWS_ENDPOINT_URL says, or the variable of another cloud.",
    )
    region: str | None = Field(default=None, description="The region of an S3 bucket; by default AWS_REGION.")
    anonymous: bool = Field(
        default=False, description="Send no credentials to the bucket: enough to read what is public."
    )
    processes: int | None = Field(
        default=None,
        ge=1,
        description="How many Dagster steps use the key at once; Stripe's rate limit is divided by it; by "
        "default STRIPE_PROCESSES, or 1.",
    )
    share: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="How much of Stripe's rate limit they take together: 0.5 leaves half to checkout and "
        "others; by default STRIPE_SHARE, or 1.",
    )


#: `automation:` in the file.
AutomationFields = Annotated[dict[str, Any], FieldsOf(Automation)]

_WAIT = WaitPolicy()

#: As for the command's option: longer than any report takes, and short enough for every clock.
_LONGEST_WAIT = timedelta(days=365)


class ReportDefaults(StrictModel):
    """What all reports of the file have in common. A report may set each of these fields itself."""

    start: date | None = Field(
        default=None,
        description="The day on which the first partition begins. Required in `defaults` or in the report, "
        "except for reports about one payout.",
    )
    window: str = Field(
        default="daily",
        description="How long a partition is: `hourly`, `daily`, `weekly` or `monthly`. The key of a week or "
        "month is its first day.",
    )
    zone: str = Field(
        default="UTC",
        description="The IANA time zone in which days begin, such as America/New_York.",
    )
    end_offset: int = Field(
        default=0,
        description="How many partitions there are after the last whole one; a negative number leaves out "
        "the latest.",
    )
    wait_minutes: float = Field(
        default=_WAIT.wait_timeout / timedelta(minutes=1),
        gt=0,
        le=_LONGEST_WAIT / timedelta(minutes=1),
        description="How long a Dagster run waits for a report run. Then the run fails, and the sensor "
        "for late reports picks the report up.",
    )
    abandon_after_hours: float = Field(
        default=_WAIT.abandon_after / timedelta(hours=1),
        gt=0,
        le=_LONGEST_WAIT / timedelta(hours=1),
        description="A report run that has been pending for longer is replaced by a new one.",
    )
    max_partitions_per_run: int | None = Field(
        default=DEFAULT_RANGE,
        ge=1,
        description="How many partitions of a backfill go into one Dagster run; null for all of them.",
    )
    pool: str | None = Field(
        default=DEFAULT_POOL,
        description="Dagster's concurrency pool of the steps that call Stripe; null for none. With another "
        "`resource_key` the default is `<resource_key>_reporting`.",
    )
    checks: CheckFields = Field(
        default_factory=dict, description="Which checks are evaluated, and what a failure does."
    )


class ReportModel(ReportDefaults):
    """One report: what to request from Stripe, and what differs from the defaults."""

    report: str = Field(
        description="The report type: Stripe's id (balance.summary.1), or its name without version "
        "(balance_summary)."
    )
    name: str | None = Field(
        default=None,
        description="The name of the table and asset; by default the report's. A second table of the same "
        "report needs its own.",
    )
    columns: list[str] | dict[str, str | None] | None = Field(
        default=None,
        description="The columns, in file order; by default those of the catalogue without personal data. A "
        "mapping of names to types describes columns that the catalogue does not know; {} takes "
        "what the file's header has.",
    )
    parameters: list[str] | None = Field(
        default=None,
        description="For a report type that the catalogue does not know: the run parameters it takes; by "
        "default those of its nearest version.",
    )
    filters: dict[str, str | list[str]] = Field(
        default_factory=dict,
        description="Run parameters that select rows: currency, reporting_category, timezone and others.",
    )
    connected_accounts: AccountsField = Field(
        default=[],
        description="Connected accounts that get their own partitions: a list of ids (acct_…) and of "
        "`{account, start, until}`, with an account's first and last day; or a text with ids, such as "
        "'{{ env.ACCOUNTS }}'; or '@accounts.yaml', a file beside this one. Without any, one report run "
        "covers all accounts.",
    )
    acting_accounts: AccountsField = Field(
        default=[],
        description="Accounts that get their own partitions, asked for in the name of each "
        "(`Stripe-Account`): those with a Dashboard of their own. Of a report about one payout, those whose "
        "payouts are pulled. In the same forms as `connected_accounts`; not together with "
        "`connection.account` or STRIPE_ACCOUNT, which are for tables of one account.",
    )
    payouts_from: str | None = Field(
        default=None,
        description="For a report about one payout: the table in this file whose rows name the payouts. By "
        "default the best there is; without one, partitions are added by hand.",
    )


class Attributes(StrictModel):
    """All fields under `attributes:`."""

    connection: ConnectionModel = Field(
        default_factory=ConnectionModel, description="The Stripe account, and where its files are stored."
    )
    defaults: ReportDefaults = Field(
        default_factory=ReportDefaults, description="What the reports have in common."
    )
    reports: list[ReportModel] = Field(description="The reports to pull; each becomes one asset.")
    automation: AutomationFields = Field(
        default_factory=dict,
        description="Sensors, schedules and checks that keep the reports up to date. They can be switched on "
        "and off in the UI too.",
    )
    analytics: bool = Field(
        default=False,
        description="Whether there are assets behind the reports: activity, balances and fees by window, "
        "and a close of each month, each with a picture, a table and checks. They "
        "follow the reports by themselves.",
    )
    resource_key: str = Field(
        default="stripe",
        description="The key of the Dagster resource; each account needs its own. Names of sensors, "
        "schedules and the pool begin with it.",
    )
    prefix: str | None = Field(
        default=None,
        description="What precedes the table's name in the asset key, `/` between parts; by default the "
        "resource_key.",
    )
    translation: str | dg.AssetAttributesModel | None = Field(  # type: ignore[valid-type] # made at run time
        default=None,
        description="How the assets appear in Dagster: group_name, owners, tags, metadata, description, … of "
        "all of them, with templates such as '{{ report.query.spec.title }}' or '{{ spec.description }}'.",
    )


def resolve_connection(context: dg.ResolutionContext | None, model: ConnectionModel) -> StripeReporting:
    """The resource. A field that is only `{{ env.NAME }}` is resolved by Dagster when a run starts."""
    found = _FROM_ENVIRONMENT.fullmatch(model.api_key)
    if not found:
        message = (
            "expected the name of the variable that holds the key, as '{{ env.STRIPE_API_KEY }}'; a key must "
            "not be in a file"
        )
        # The line itself is not shown: it may hold a key.
        raise error_at(context, ("api_key",), message, snippet=False)
    if not isinstance(_variable(model.endpoint), dg.EnvVar):
        try:
            Access(model.endpoint)
        except ConfigurationError as error:
            # It may hold credentials.
            raise error_at(context, ("endpoint",), str(error), snippet=False) from None
    environment = Connection.from_environment()
    processes, share = environment.division()
    return StripeReporting(
        api_key=dg.EnvVar(found[1]),
        api_base=_variable(model.api_base) or environment.api_base,
        account=_variable(model.account) or environment.account,
        root=_variable(model.root) or _root_of(environment),
        endpoint=_variable(model.endpoint),
        region=_variable(model.region),
        anonymous=model.anonymous,
        processes=processes if model.processes is None else model.processes,
        share=share if model.share is None else model.share,
    )


def resolve_reports(
    context: dg.ResolutionContext, models: Sequence[ReportModel], defaults: ReportDefaults
) -> list[ConfiguredReport]:
    """The reports of a file, in its order.

    Raises ResolutionException naming file, line and field of the first mistake.
    """
    reports: list[ConfiguredReport] = []
    for number, own in enumerate(models):
        inherited = {
            name: getattr(defaults, name) for name in defaults.model_fields_set - own.model_fields_set
        }
        model = own.model_copy(update=inherited)
        path = ("reports", number)
        if model.start is None and not _by_payout(model):
            message = f"{model.report} has no start: set the day on which its first partition begins"
            raise error_at(context, path, message)
        if _by_payout(model):
            for name in sorted({"start", "zone", "end_offset"} & own.model_fields_set):
                message = f"{model.report} is about one payout and has no windows of time; remove {name}"
                raise error_at(context, (*path, name), message)
            model = _without_windows(model, own.model_fields_set)
        accounts = {
            name: resolve_accounts(context, (*path, name), getattr(model, name))
            for name in (CONNECTED, ACTING)
        }
        for place, probe in _probes(model, accounts):
            above: tuple[str | int, ...] = ("defaults",) if place[0] in inherited else path
            probe_at(context, (*above, *place), probe)
        report = _report(model, accounts)
        if report.query.name in {each.query.name for each in reports}:
            raise error_at(context, path, describe_duplicate(report))
        reports.append(report)
    for number, report in enumerate(reports):
        known = reports if report.query.by_payout else ()
        probe_at(context, ("reports", number, "payouts_from"), partial(find_source, report, known))
    return with_checks(context, reports, [model.checks for model in models], defaults.checks)


def describe_duplicate(report: ConfiguredReport) -> str:
    """The error for a second report with the same table."""
    name, window = report.query.name, report.query.window
    return f"two reports write to the table {name}; give one of them its own, such as `name: {name}_{window}`"


def _by_payout(model: ReportModel) -> bool:
    """Whether it is about one payout. An unknown report is refused elsewhere."""
    try:
        return ReportQuery.of(model.report, columns=model.columns, parameters=model.parameters).by_payout
    except ConfigurationError:
        return False


def _without_windows(model: ReportModel, own: Set[str]) -> ReportModel:
    """A report about one payout without what it inherits about windows.

    Args:
        own: the fields that the report itself sets.
    """
    return model.model_copy(
        update={
            name: ReportModel.model_fields[name].default if name != "window" else BY_PAYOUT
            for name in ("start", "window", "zone", "end_offset")
            if name not in own
        }
    )


def _report(model: ReportModel, accounts: Mapping[str, AccountLives]) -> ConfiguredReport:
    query = ReportQuery.of(
        model.report,
        name=model.name,
        columns=model.columns,
        parameters=model.parameters,
        filters=model.filters,
        window=model.window,
        zone=model.zone,
        by_account=bool(accounts[CONNECTED]),
        acting=bool(accounts[ACTING]),
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
        connected_accounts=accounts[CONNECTED],
        acting_accounts=accounts[ACTING],
        payouts_from=model.payouts_from,
    )


def _probes(
    model: ReportModel, accounts: Mapping[str, AccountLives]
) -> Sequence[tuple[tuple[str, ...], Callable[[], object]]]:
    """What is checked at each place of a report, so that an error can name the place."""
    typed = model.columns if isinstance(model.columns, dict) else None
    # A report described by its columns need not be in the catalogue.
    blank: dict[str, str | None] | None = None if typed is None else {}
    query = partial(ReportQuery.of, model.report)
    described = partial(query, columns=model.columns, parameters=model.parameters)
    asked = partial(described, filters=model.filters, window=model.window)
    by_account, acting = bool(accounts[CONNECTED]), bool(accounts[ACTING])
    return (
        (("report",), partial(query, columns=blank)),
        *(
            (("columns", name), partial(query, columns={name: type_}))
            for name, type_ in (typed or {}).items()
        ),
        (("columns",), partial(query, columns=model.columns)),
        (("parameters",), described),
        (("filters",), partial(described, filters=model.filters)),
        (("window",), lambda: described(window=model.window).by_payout or Windows(model.window)),
        (("zone",), lambda: None if _by_payout(model) else refuse_lossy(Windows(model.window, model.zone))),
        ((CONNECTED,), lambda: refuse_payouts(accounts[CONNECTED], partial(asked, by_account=True))),
        ((ACTING,), lambda: acting and asked(by_account=by_account, acting=True)),
        (("name",), partial(described, name=model.name)),
    )


def _root_of(environment: Connection) -> Any:
    """The root of the environment; its variable where it holds credentials: Dagster shows literals."""
    return dg.EnvVar(ROOT) if Place.of(environment.root).secrets else environment.root


def _variable(value: str | None) -> Any:
    """The variable itself instead of its value, if the text is only `{{ env.NAME }}`."""
    found = _FROM_ENVIRONMENT.fullmatch(value) if value else None
    return dg.EnvVar(found[1]) if found else value
