"""What a run of an asset made of views reads: the rows of its days, and of those before that are drawn."""

from collections.abc import Mapping, Sequence

import dagster as dg

from assets.analytics.analysis import Analysis, Days, Row
from assets.analytics.asset import Definition, Found
from assets.analytics.sources import Sources, missing_partitions
from assets.resources import StripeReporting
from connector.sql.warehouse import open_warehouse


def define(analysis: Analysis, sources: Sources) -> Definition:
    """The asset that reads these reports."""
    return Definition(
        name=analysis.name,
        about=analysis.about,
        reports=sources.reports,
        partitions=sources.partitions,
        columns=analysis.columns,
        checks=analysis.checks,
        at_once=sources.main.max_partitions_per_run,
        find=lambda context, stripe: find(context, analysis, sources, stripe),
        window=sources.windows.unit,
        metadata={"stripe/views": ", ".join(analysis.views)},
    )


def find(
    context: dg.AssetExecutionContext, analysis: Analysis, sources: Sources, stripe: StripeReporting
) -> Found:
    """The contents of a run's partitions that have all their data. The newest has the picture, with the
    windows before it."""
    keys = sorted(context.partition_keys)
    missing = _missing(context, sources, stripe, keys)
    good = [key for key in keys if not missing[key]]
    days = _days(analysis, sources, stripe, good) if good else Days((), None)
    contents = {key: analysis.describe(days.between(*sources.span(key))) for key in good}
    pictures = {}
    for key in good[-1:]:
        first, last = sources.span(key)
        pictures[key] = analysis.draw(days.between(sources.drawn_since(first), last))
    return Found(contents, pictures, {key: lacking for key, lacking in missing.items() if lacking})


def _missing(
    context: dg.AssetExecutionContext, sources: Sources, stripe: StripeReporting, keys: Sequence[str]
) -> Mapping[str, Sequence[str]]:
    """By partition, the report's partitions that it needs and that are not there."""
    report = sources.main
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
