"""How the fields of `defs.yaml` become values, with errors that name line and field."""

from collections.abc import Callable, Mapping, Sequence, Set
from datetime import timedelta
from functools import partial
from typing import Any

import dagster as dg

from assets.config.account_models import refuse_payouts, resolve_accounts
from assets.config.check_models import with_checks
from assets.config.errors import error_at, probe_at
from assets.config.models import ConnectionModel, ReportDefaults, ReportModel
from assets.reports.configured import ConfiguredReport
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
from connector.settings import ROOT, Connection, variable_in


def resolve_connection(context: dg.ResolutionContext | None, model: ConnectionModel) -> StripeReporting:
    """The resource. A field that is only `{{ env.NAME }}` is resolved by Dagster when a run starts."""
    key = variable_in(model.api_key)
    if key is None:
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
        api_key=dg.EnvVar(key),
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
    name = variable_in(value) if value else None
    return dg.EnvVar(name) if name else value
