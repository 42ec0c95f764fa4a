"""The fields of `defs.yaml`."""

from datetime import date, timedelta
from typing import Annotated, Any

import dagster as dg
from pydantic import Field

from assets.automation.automation import Automation
from assets.config.account_models import AccountsField
from assets.config.check_models import CheckFields
from assets.config.errors import FieldsOf, StrictModel
from assets.reports.configured import DEFAULT_POOL, DEFAULT_RANGE
from connector.runs.adoption import WaitPolicy
from connector.settings import API_KEY


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
        default="UTC", description="The IANA time zone in which days begin, such as America/New_York."
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
