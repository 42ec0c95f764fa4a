"""How an asset of analytics is defined, and what is recorded when it is materialized.

Nothing is stored but the events: views and files give the same numbers at any time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import duckdb

from assets.analytics.analysis import Content, metadata, table
from assets.automation.follow import follow_reports
from assets.materialize.check_events import without_preview_warning
from assets.materialize.event_recorder import combined_version
from assets.reports.configured import ConfiguredReport
from assets.resources import StripeReporting, stripe_resource
from assets.shown import shown, shown_metadata
from connector.errors import ReportingError
from connector.pictures import Picture
from connector.text import join_names

#: Changes when the same files would give other numbers.
CODE_VERSION = "1"

Made = dg.MaterializeResult[None] | dg.Output[None]


@dataclass(frozen=True)
class Found:
    """What a step has found, by partition.

    Attributes:
        pictures: of few partitions: Dagster stores each for good, and reads all of them where it plots a
            number.
        missing: what those lack that are not in `contents`.
    """

    contents: Mapping[str, Content]
    pictures: Mapping[str, Picture]
    missing: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Definition:
    """An asset of analytics.

    Attributes:
        name: the last part of its key.
        reports: those it reads, first the one it is made of.
        columns: of its table.
        checks: what each verifies, by name.
        at_once: how many partitions go into one run; None for all.
        find: what a run of some partitions finds; it may raise ReportingError.
        metadata: what is known of it beforehand.
    """

    name: str
    about: str
    reports: Sequence[ConfiguredReport]
    partitions: dg.TimeWindowPartitionsDefinition
    columns: Sequence[dg.TableColumn]
    checks: Mapping[str, str]
    at_once: int | None
    find: Callable[[dg.AssetExecutionContext, StripeReporting], Found]
    window: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


def asset_spec(definition: Definition, specs: Mapping[dg.AssetKey, dg.AssetSpec]) -> dg.AssetSpec:
    """An asset of analytics as the UI shows it.

    Args:
        specs: of the reports by their keys; the asset is in the group of the one it is made of, and has the
            owners of all that it reads.
    """
    reports = definition.reports
    read = [specs[report.key] for report in reports if report.key in specs]
    return dg.AssetSpec(
        dg.AssetKey([*reports[0].prefix, definition.name]),
        deps=[report.key for report in reports],
        description=shown(definition.about),
        group_name=read[0].group_name if read else "stripe",
        owners=sorted({owner for spec in read for owner in spec.owners}),
        kinds={"stripe", "duckdb"},
        tags={"stripe/window": definition.window},
        metadata=shown_metadata(
            {
                "dagster/column_schema": dg.TableSchema(list(definition.columns)),
                "stripe/tables": ", ".join(report.query.name for report in reports),
                **definition.metadata,
            }
        ),
        code_version=CODE_VERSION,
        automation_condition=follow_reports(by_account=any(report.accounts for report in reports)),
    )


def build_asset(
    definition: Definition, specs: Mapping[dg.AssetKey, dg.AssetSpec] | None = None
) -> dg.AssetsDefinition:
    """The asset; it needs the resource of the reports it reads, and calls nobody."""
    spec, resource = asset_spec(definition, specs or {}), definition.reports[0].resource
    with without_preview_warning():
        checks = [
            dg.AssetCheckSpec(
                name, asset=spec.key, description=shown(about), partitions_def=definition.partitions
            )
            for name, about in definition.checks.items()
        ]
    at_once = definition.at_once
    policy = (
        dg.BackfillPolicy.multi_run(max_partitions_per_run=at_once)
        if at_once
        else dg.BackfillPolicy.single_run()
    )

    @dg.multi_asset(
        name="__".join(spec.key.path),
        specs=[spec],
        check_specs=checks,
        partitions_def=definition.partitions,
        backfill_policy=policy,
        required_resource_keys={resource},
    )
    def analyse(context: dg.AssetExecutionContext) -> Iterator[Made]:
        try:
            found = definition.find(context, stripe_resource(context.resources, resource))
        except ReportingError as error:
            reason = str(error)
        except duckdb.Error as error:
            reason = f"its views cannot be queried: {error}"
        else:
            yield from _record(context, spec.key, checks, found)
            return
        # Raised here, it does not carry DuckDB's own error, which may quote cells.
        raise dg.Failure(shown(f"{spec.key.to_user_string()}: {reason}"), allow_retries=False)

    return analyse


def _record(
    context: dg.AssetExecutionContext,
    key: dg.AssetKey,
    checks: Sequence[dg.AssetCheckSpec],
    found: Found,
) -> Iterator[Made]:
    """One event for each partition that is there, and its checks; a failure that names the others."""
    if found.missing:
        for partition, content in found.contents.items():
            context.log_event(_event(key, partition, content, found.pictures.get(partition)))
            _log_checks(context, key, partition, content)
        lacking = sorted({each for lacking in found.missing.values() for each in lacking})
        raise dg.Failure(
            shown(
                f"{key.to_user_string()}: no data for {join_names(lacking)} yet; materialize those first. "
                f"{len(found.contents)} of {len(context.partition_keys)} partitions are recorded."
            ),
            metadata=shown_metadata({"stripe/missing": dg.MetadataValue.json(dict(found.missing))}),
            allow_retries=False,
        )
    for partition, content in found.contents.items():
        about = metadata(content, found.pictures.get(partition))
        context.add_asset_metadata(shown_metadata(about), asset_key=key, partition_key=partition)
    version = combined_version({name: each.version for name, each in found.contents.items()})
    yield dg.MaterializeResult(asset_key=key, data_version=dg.DataVersion(version))
    for partition, content in found.contents.items():
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
