"""What happens when an asset of analytics is materialized: rows of views become events with pictures.

Nothing is stored but the events: the views give the same rows at any time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
import duckdb

from assets.analytics.analysis import Analysis, Content, Days, Row, metadata, table
from assets.analytics.sources import Sources, missing_partitions
from assets.automation.follow import follow_reports
from assets.materialize.check_events import without_preview_warning
from assets.materialize.event_recorder import combined_version
from assets.reports.configured import ConfiguredReport
from assets.resources import StripeReporting, stripe_resource
from assets.shown import shown, shown_metadata
from connector.errors import ReportingError
from connector.pictures import Picture
from connector.sql.warehouse import open_warehouse
from connector.text import join_names

#: Changes when the same files would give other numbers.
CODE_VERSION = "1"

Made = dg.MaterializeResult[None] | dg.Output[None]


def analysis_spec(
    analysis: Analysis, sources: Sources, *, specs: Mapping[dg.AssetKey, dg.AssetSpec]
) -> dg.AssetSpec:
    """An asset of analytics as the UI shows it.

    Args:
        specs: of the reports by their keys; the asset is in the group of the one it is made of, and has the
            owners of all that it reads.
    """
    read = [specs[report.key] for report in sources.reports if report.key in specs]
    return dg.AssetSpec(
        dg.AssetKey([*sources.main.prefix, analysis.name]),
        deps=[report.key for report in sources.reports],
        description=shown(analysis.about),
        group_name=read[0].group_name if read else "stripe",
        owners=sorted({owner for spec in read for owner in spec.owners}),
        kinds={"stripe", "duckdb"},
        tags={"stripe/window": sources.windows.unit},
        metadata=shown_metadata(
            {
                "dagster/column_schema": dg.TableSchema(list(analysis.columns)),
                "stripe/views": ", ".join(analysis.views),
                "stripe/tables": ", ".join(report.query.name for report in sources.reports),
            }
        ),
        code_version=CODE_VERSION,
        automation_condition=follow_reports(by_account=sources.by_account),
    )


def build_analysis(
    analysis: Analysis, sources: Sources, *, specs: Mapping[dg.AssetKey, dg.AssetSpec] | None = None
) -> dg.AssetsDefinition:
    """An asset of analytics; it needs the resource of the reports it reads, and calls nobody."""
    spec, main = analysis_spec(analysis, sources, specs=specs or {}), sources.main
    with without_preview_warning():
        checks = [
            dg.AssetCheckSpec(
                name, asset=spec.key, description=shown(about), partitions_def=sources.partitions
            )
            for name, about in analysis.checks.items()
        ]
    at_once = main.max_partitions_per_run
    policy = (
        dg.BackfillPolicy.multi_run(max_partitions_per_run=at_once)
        if at_once
        else dg.BackfillPolicy.single_run()
    )

    @dg.multi_asset(
        name="__".join(spec.key.path),
        specs=[spec],
        check_specs=checks,
        partitions_def=sources.partitions,
        backfill_policy=policy,
        required_resource_keys={main.resource},
    )
    def analyse(context: dg.AssetExecutionContext) -> Iterator[Made]:
        stripe = stripe_resource(context.resources, main.resource)
        try:
            reading = _Reading.of(context, analysis, sources, stripe)
        except ReportingError as error:
            reason = str(error)
        except duckdb.Error as error:
            reason = f"its views cannot be queried: {error}"
        else:
            yield from _record(context, spec.key, checks, reading)
            return
        # Raised here, it does not carry DuckDB's own error, which may quote cells.
        raise dg.Failure(shown(f"{spec.key.to_user_string()}: {reason}"), allow_retries=False)

    return analyse


@dataclass(frozen=True)
class _Reading:
    """What a step has found: the contents of its partitions, and what the others lack.

    Only the newest partition has a picture, which has those before it as well: Dagster stores each for good,
    and reads all of them where it plots a number.
    """

    contents: Mapping[str, Content]
    pictures: Mapping[str, Picture]
    missing: Mapping[str, Sequence[str]]

    @classmethod
    def of(
        cls, context: dg.AssetExecutionContext, analysis: Analysis, sources: Sources, stripe: StripeReporting
    ) -> "_Reading":
        keys = sorted(context.partition_keys)
        missing = _missing(context, sources.main, sources, stripe, keys)
        good = [key for key in keys if not missing[key]]
        days = _days(analysis, sources, stripe, good) if good else Days((), None)
        contents = {key: analysis.describe(days.between(*sources.span(key))) for key in good}
        pictures = {}
        for key in good[-1:]:
            first, last = sources.span(key)
            pictures[key] = analysis.draw(days.between(sources.drawn_since(first), last))
        return cls(contents, pictures, {key: found for key, found in missing.items() if found})


def _missing(
    context: dg.AssetExecutionContext,
    report: ConfiguredReport,
    sources: Sources,
    stripe: StripeReporting,
    keys: Sequence[str],
) -> dict[str, list[str]]:
    """By partition, the report's partitions that it needs and that are not there."""
    store = stripe.store()
    dataset = report.query.dataset(mode=stripe.mode(), account=stripe.account)
    # What is missing is told by name; what belongs to another report is refused.
    store.check(dataset)
    stored = set(store.keys(dataset))
    found = {}
    for key in keys:
        window = sources.partitions.time_window_for_partition_key(key)
        windows = report.windows.get_partition_keys_in_time_window(window)
        found[key] = missing_partitions(report, dataset, windows, stored=stored, instance=context.instance)
    return found


def _days(analysis: Analysis, sources: Sources, stripe: StripeReporting, keys: Sequence[str]) -> Days:
    """The rows of these partitions, and of the windows before them that are drawn with them."""
    spans = [sources.span(key) for key in keys]
    first, last = min(each for each, _ in spans), max(each for _, each in spans)
    since = sources.drawn_since(first)
    store, mode = stripe.store(), stripe.mode()
    datasets = [report.query.dataset(mode=mode, account=stripe.account) for report in sources.reports]
    read = [each for each in datasets if store.holds(each)]
    with open_warehouse(stripe.root, mode, query=" ".join(analysis.views), only=read) as warehouse:
        rows = analysis.read(warehouse, sources.main.query.name, since, last)
        beside: Sequence[Row] | None = None
        if (
            analysis.read_beside
            and sources.beside
            and sources.beside.query.name in {each.table for each in read}
        ):
            beside = analysis.read_beside(warehouse, sources.beside.query.name, since, last)
    return Days(rows, beside)


def _record(
    context: dg.AssetExecutionContext,
    key: dg.AssetKey,
    checks: Sequence[dg.AssetCheckSpec],
    reading: _Reading,
) -> Iterator[Made]:
    """One event for each partition that is there, and its checks; a failure that names the others."""
    if reading.missing:
        for partition, content in reading.contents.items():
            context.log_event(_event(key, partition, content, reading.pictures.get(partition)))
            _log_checks(context, key, partition, content)
        lacking = sorted({each for found in reading.missing.values() for each in found})
        raise dg.Failure(
            shown(
                f"{key.to_user_string()}: no data for {join_names(lacking)} yet; materialize those first. "
                f"{len(reading.contents)} of {len(context.partition_keys)} partitions are recorded."
            ),
            metadata=shown_metadata({"stripe/missing": dg.MetadataValue.json(dict(reading.missing))}),
            allow_retries=False,
        )
    for partition, content in reading.contents.items():
        found = metadata(content, reading.pictures.get(partition))
        context.add_asset_metadata(shown_metadata(found), asset_key=key, partition_key=partition)
    version = combined_version({name: each.version for name, each in reading.contents.items()})
    yield dg.MaterializeResult(asset_key=key, data_version=dg.DataVersion(version))
    for partition, content in reading.contents.items():
        _log_checks(context, key, partition, content)
    for check in checks:
        name = context.assets_def.get_output_name_for_asset_check_key(check.key)
        yield dg.Output(None, output_name=name)


def _event(
    key: dg.AssetKey, partition: str, content: Content, picture: Picture | None
) -> dg.AssetMaterialization:
    tags = {
        "dagster/data_version": content.version,
        "dagster/data_version_is_user_provided": "true",
        "dagster/code_version": CODE_VERSION,
    }
    return dg.AssetMaterialization(
        key, partition=partition, metadata=shown_metadata(metadata(content, picture)), tags=tags
    )


def _log_checks(
    context: dg.AssetExecutionContext, key: dg.AssetKey, partition: str, content: Content
) -> None:
    for name, verdict in content.verdicts.items():
        context.log_event(
            dg.AssetCheckEvaluation(
                asset_key=key,
                check_name=name,
                passed=not verdict.wrong,
                severity=dg.AssetCheckSeverity.ERROR,
                partition=partition,
                description=shown(verdict.reason),
                metadata=shown_metadata(
                    {
                        "stripe/result": verdict.result,
                        **({"stripe/wrong": table(verdict.wrong)} if verdict.wrong else {}),
                    }
                ),
            )
        )
