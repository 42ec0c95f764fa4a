"""One asset for each configured report: its definition, and what happens when it is materialized.

All reports share this body. Pure functions elsewhere decide what to request and how to word the outcome.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence

import dagster as dg

from assets.dagster_runs.gone import gone_tags
from assets.dagster_runs.history import read_materializations
from assets.dagster_runs.tags import (
    ATTEMPTS_TAG,
    OUTCOME_TAG,
    READS_NOTHING,
    REFUSED_TAG,
    REPORT_RUNS_TAG,
    Intent,
    allowed,
    tagged,
)
from assets.materialize.check_events import check_specs
from assets.materialize.check_recorder import CheckRecorder, log_unread
from assets.materialize.completeness import completeness_evaluation, completeness_spec
from assets.materialize.event_recorder import EventRecorder, Output, is_awaited
from assets.materialize.failures import (
    failure_without_answer,
    incomplete_failure,
    outcome_of,
    worst_outcome,
)
from assets.materialize.launched import describe_outside, launched_for, unreadable_failure
from assets.materialize.open_log import event_log_open
from assets.materialize.refresh_plan import plan_refresh
from assets.materialize.run_log import log_to_dagster
from assets.materialize.wish import Wish
from assets.reports.configured import ConfiguredReport
from assets.reports.freshness import freshness_policy
from assets.reports.metadata import asset_metadata
from assets.reports.partitions import too_many
from assets.resources import stripe_resource
from assets.shown import shown, shown_metadata
from connector.errors import ConfigurationError, ReportingError
from connector.pipeline.collect import Asked, Done, Event, Missed, Outcome, collect

#: For errors that may pass, such as Stripe being out of reach when a run begins.
RETRY_POLICY = dg.RetryPolicy(
    max_retries=2, delay=30, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)

Execute = Callable[[dg.AssetExecutionContext, ConfiguredReport], Iterator[Output]]
Look = Callable[[dg.AssetExecutionContext, ConfiguredReport], None]


#: Dagster takes no longer text as the value of a tag.
_LONGEST_TAG = 63


def _shortened(id: str) -> str:
    """A report type's id as a tag: where it is too long, how it begins and ends. Metadata have it whole."""
    return id if len(id) <= _LONGEST_TAG else f"{id[: _LONGEST_TAG - 13]}...{id[-10:]}"


def report_asset_spec(report: ConfiguredReport) -> dg.AssetSpec:
    """The asset of a report as the UI shows it; change it with `replace_attributes` and the like."""
    spec = report.query.spec
    tags = {
        "stripe/report_type": _shortened(spec.id),
        "stripe/window": report.query.window,
        "stripe/granularity": spec.granularity.value,
    }
    if any(column.personal for column in report.query.columns):
        tags["stripe/personal_data"] = ""
    return dg.AssetSpec(
        report.key,
        description=shown(
            "\n\n".join(
                filter(None, (spec.about, spec.caution, f"Stripe's report `{spec.id}`: {spec.source}"))
            )
        ),
        group_name="stripe",
        kinds={"stripe", "parquet"},
        tags=tags,
        metadata=shown_metadata(asset_metadata(report)),
        code_version=report.code_version,
        freshness_policy=freshness_policy(report),
    )


def build_report_asset(
    report: ConfiguredReport,
    *,
    spec: dg.AssetSpec | None = None,
    retry_policy: dg.RetryPolicy | None = RETRY_POLICY,
    execute: Execute | None = None,
    look: Look | None = None,
) -> dg.AssetsDefinition:
    """The asset of one configured report, partitioned by its windows. Nothing is requested from Stripe here.

    It needs the resources named by `report.resource` and `report.io_manager`.

    Args:
        report: its checks are evaluated while it is materialized, those against reports `beside` it too.
        spec: how the UI shows it; `report_asset_spec` unless given. Its key has to be the report's.
        retry_policy: for errors that may pass; single partitions that failed are never retried by it.
        execute: what materializing does; `materialize_report` unless given.
        look: called when a run has ended from which Dagster leaves out a step that hangs on the asset without
            reading it; `log_newest_partition` does that step's work.
    """
    report.checks.refuse_slips(report.checkable)
    whole = _spec_of(report, spec or report_asset_spec(report))
    if crowded := too_many(report.partitions):
        warnings.warn(shown(f"{report.key.to_user_string()} has {crowded}."), stacklevel=2)
    complete = completeness_spec(report.key)
    checks = [*check_specs(report.key, report.partitions, report.rules), complete]

    @dg.multi_asset(
        name="__".join(report.key.path),
        # Skippable, because partitions are recorded one by one and then no output is left to give.
        specs=[whole.replace_attributes(skippable=True)],
        check_specs=checks,
        partitions_def=report.partitions,
        backfill_policy=_backfill_policy(report.max_partitions_per_run),
        required_resource_keys={report.resource},
        pool=report.pool,
    )
    def stripe_report(context: dg.AssetExecutionContext) -> Iterator[Output | dg.Output[None]]:
        with event_log_open(context.instance, context.run.run_id):
            try:
                yield from _run_step(context, report, checks, execute or materialize_report, retry_policy)
            except dg.Failure:
                if look and _is_awaited(context, without_reading=True):
                    look(context, report)
                raise
            if look and _is_awaited(context, without_reading=True) and not _is_awaited(context):
                look(context, report)

    return stripe_report


def _spec_of(report: ConfiguredReport, spec: dg.AssetSpec) -> dg.AssetSpec:
    """The spec with the report's I/O manager. Raises ConfigurationError where it is another asset's."""
    if spec.key != report.key:
        raise ConfigurationError(
            f"the spec of {report.key.to_user_string()} has the key {spec.key.to_user_string()}; "
            "set the report's `name` or prefix instead"
        )
    return spec.with_io_manager_key(report.io_manager)


def _run_step(
    context: dg.AssetExecutionContext,
    report: ConfiguredReport,
    checks: Sequence[dg.AssetCheckSpec],
    execute: Execute,
    retry_policy: dg.RetryPolicy | None,
) -> Iterator[Output | dg.Output[None]]:
    """Materialize, and say whether the step has done all that it was launched for, however it ends."""
    try:
        with log_to_dagster(context):
            yield from execute(context, report)
        _log_completeness(context, report)
        # The evaluations are written already; steps that a check can block wait for these outputs.
        for check in checks:
            name = context.assets_def.get_output_name_for_asset_check_key(check.key)
            yield dg.Output(None, output_name=name)
    except dg.Failure as failure:
        # Not left to Dagster: a step with a policy is also retried when somebody terminates its run.
        if retry_policy and failure.allow_retries and context.retry_number < retry_policy.max_retries:
            delay = retry_policy.calculate_delay(context.retry_number + 1)
            raise dg.RetryRequested(retry_policy.max_retries, delay) from failure
        _log_completeness(context, report, failure)
        _tag_outcome(context, failure)
        raise
    except BaseException as error:
        # Also when somebody terminates the run; only a process that is killed leaves this out.
        if not isinstance(error, dg.RetryRequested):
            _log_completeness(context, report, error)
        raise


def _log_completeness(
    context: dg.AssetExecutionContext, report: ConfiguredReport, ended: BaseException | None = None
) -> None:
    launched = launched_for(context, report)
    wanted = len(launched.keys) + len(launched.missed)
    context.log_event(completeness_evaluation(report.key, wanted, ended))


def materialize_report(context: dg.AssetExecutionContext, report: ConfiguredReport) -> Iterator[Output]:
    """Publish the run's partitions, however many, and write an event for each.

    Yields one output where another step of the run waits for it, else nothing: the events are written
    already then.

    Raises:
        dg.Failure: some partitions have no new data, or a check that blocks has failed, or Stripe answered
            for none.
    """
    stripe = stripe_resource(context.resources, report.resource)
    recorder: EventRecorder | None = None
    if report.query.spec.caution:
        context.log.warning(shown(report.query.spec.caution))
    launched = launched_for(context, report)
    if launched.missed:
        raise incomplete_failure(report, (), launched.missed)
    if launched.outside:
        context.log.info(shown(describe_outside(launched.outside)))
    try:
        partitions = [report.partition(key) for key in launched.keys]
        store = stripe.store()
        with stripe.client() as client:
            dataset = report.query.dataset(mode=client.mode, account=client.account)
            # Both are read here once, for everything below.
            published, _ = store.readable(dataset, [each.key for each in partitions])
            report_runs = {key: found.run_id for key, found in published.items() if found}
            # Also of files that are gone: what brings one back is another materialization.
            events = list(read_materializations(context.instance, report.key, launched.keys))
            wish = Wish.of(context.run, context.instance.get_run_record_by_id)
            plan = plan_refresh(context.partition_keys, report_runs, events, wish=wish)
            recorder = EventRecorder(
                context,
                report,
                store,
                dataset,
                CheckRecorder(context, report, store, dataset),
                gather=_is_awaited(context),
                recorded=plan.recorded,
                files=report_runs.keys(),
                events=events,
            )
            happened = collect(
                client,
                store,
                report.query,
                partitions,
                refresh=plan.refresh,
                published=published,
                run_ids=tagged(wish.tags.get(REPORT_RUNS_TAG)),
                # Sensors and retries ensure; what has other columns is converted again for a person alone.
                reconvert=wish.intent is not Intent.ENSURE,
                wait_policy=allowed(wish.tags.get(ATTEMPTS_TAG), report.wait_policy),
            )
            missed = _record(happened, recorder)
    except ReportingError as error:
        if recorder is None:
            log_unread(context, report)
        # The error says everything; its traceback through our modules would only hide it.
        raise failure_without_answer(report, error, recorder.flush() if recorder else ()) from None
    blocked = recorder.blocked
    _tag_gone(context, report, missed)
    if missed or blocked:
        raise incomplete_failure(report, recorder.flush(), missed, blocked)
    if launched.outside and _is_awaited(context):
        raise unreadable_failure(report.key.to_user_string(), recorder.flush(), launched.outside)
    yield from recorder.output()


def _record(events: Iterable[Event], recorder: EventRecorder) -> list[Missed]:
    """Write down what happens to each partition; those that have no new data."""
    missed = []
    for event in events:
        match event:
            case Asked():
                recorder.asked(event)
            case Done():
                recorder.done(event)
            case Missed():
                missed.append(event)
    return missed


def _tag_gone(context: dg.AssetExecutionContext, report: ConfiguredReport, missed: Sequence[Missed]) -> None:
    """Name on the run the partitions whose account Stripe does not know."""
    name = report.key.to_user_string()
    if found := [(name, each.partition) for each in missed if each.outcome is Outcome.GONE]:
        run = context.instance.get_run_by_id(context.run.run_id) or context.run
        context.instance.add_run_tags(context.run.run_id, gone_tags(found, run.tags))


def _is_awaited(context: dg.AssetExecutionContext, *, without_reading: bool = False) -> bool:
    """Whether a step of this run reads what this one yields; or hangs on it without reading anything."""
    step = context.op_execution_context.op_handle.name
    outputs = context.job_def.dependency_structure.output_to_downstream_inputs_for_node(step)
    readers = {
        reader.node_name
        for inputs in outputs.values()
        for reader in inputs
        if (READS_NOTHING in reader.node.definition.tags) is without_reading
    }
    return is_awaited(step, readers, context.run.step_keys_to_execute)


def _tag_outcome(context: dg.AssetExecutionContext, failure: dg.Failure) -> None:
    """Tag the run with the worst outcome of its steps so far, and with what Stripe refused."""
    run = context.instance.get_run_by_id(context.run.run_id)
    before = run.tags.get(OUTCOME_TAG) if run else None
    worst = worst_outcome([outcome_of(failure), *([before] if before else [])])
    tags = {OUTCOME_TAG: worst} if worst else {}
    if refused := failure.metadata.get(REFUSED_TAG):
        tags[REFUSED_TAG] = str(refused.value)
    if tags:
        context.instance.add_run_tags(context.run.run_id, tags)


def _backfill_policy(at_once: int | None) -> dg.BackfillPolicy:
    if at_once is None:
        return dg.BackfillPolicy.single_run()
    return dg.BackfillPolicy.multi_run(max_partitions_per_run=at_once)
