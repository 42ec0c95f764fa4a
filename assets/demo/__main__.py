"""`make demo`: a month of reports from a Stripe on this machine, through Dagster, to SQL and to its close.

No account and no key.

    python -m assets.demo

Everything it starts ends with it; the Parquet stays, below `data/simulated` or STRIPE_REPORTS_ROOT.
"""

import base64
import contextlib
import shlex
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import dagster as dg
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from assets.analytics.month_close import NAME as MONTH_CLOSE
from assets.dagster_runs.tags import INTENT_TAG, Intent
from assets.definitions import defs
from assets.demo.books import ACTIVITY, balances, continuity, net_activity, payout, payouts_tie
from assets.resources import StripeReporting
from connector.api.models import Mode
from connector.settings import Connection
from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.server import serve
from connector.sql.warehouse import open_warehouse
from connector.terminal.console import Shown

#: Seconds a report takes here; at Stripe it is minutes.
RUN_SECONDS = (0.5, 3.0)

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

_TRY = f"SELECT currency, reporting_category, sum(net) AS net FROM {ACTIVITY} GROUP BY ALL ORDER BY ALL"  # noqa: S608 - our own table


@dataclass(frozen=True, slots=True)
class Step:
    """One asset and the partitions to materialize, oldest first."""

    asset: dg.AssetsDefinition
    keys: Sequence[str]

    @property
    def table(self) -> str:
        return self.asset.key.path[-1]


Advance = Callable[[Step, str], None]


@dataclass(frozen=True, slots=True)
class Pulled:
    """What became of a demo.

    Attributes:
        days: how many of each report.
        failures: what failed, and why.
        closes: the events of the months that were closed, by the first day.
    """

    days: int
    failures: Sequence[str]
    closes: Mapping[str, dg.AssetMaterialization]


def main() -> int:
    """The exit code: 0 when every partition is there, 1 when not, 130 when interrupted."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # Also where the shell ignores Ctrl-C, as it does for what runs in the background.
        signal.signal(number, _interrupt)
    console = Shown(soft_wrap=True)
    root = str(Path(Connection.from_environment().store().root).absolute())
    try:
        pulled = pull(console, root)
        if pulled.failures:
            console.print(*pulled.failures, sep="\n")
            return 1
        show(console, root, pulled)
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
        console.print("Stopped. Nothing is left running; what was finished stays.")
        return 130
    return 0


def pull(console: Shown, root: str) -> Pulled:
    """Materialize the last whole month of every configured report, and what is made of them."""
    began = time.monotonic()
    with serve(Simulator(run_seconds=RUN_SECONDS)) as url:
        console.print(
            f"A simulated Stripe listens on {url}; each report takes it up to {RUN_SECONDS[1]:.0f} s."
        )
        stripe = StripeReporting(api_key=SIMULATED_KEY, api_base=url, root=root)
        loaded = defs()
        steps = _steps(loaded, stripe)
        job = dg.Definitions(
            assets=loaded.assets, resources=_simulated(loaded.resources or {}, stripe)
        ).resolve_implicit_global_asset_job_def()
        analytics = _analytics(loaded, steps)
        with _dagster() as instance, _progress(console, [*steps, *analytics]) as advance:
            failures = [text for step in steps for text in _materialize(job, instance, step, advance)]
            took = time.monotonic() - began
            if not failures:
                failures = [text for step in analytics for text in _materialize(job, instance, step, advance)]
            closes = _closes(instance, analytics)
    if not failures:
        done, made = (sum(len(step.keys) for step in each) for each in (steps, analytics))
        console.print(f"{done} partitions materialized through Dagster in {took:.0f} s.")
        console.print(f"{made} more were made of them in {time.monotonic() - began - took:.0f} s.\n")
    return Pulled(max((len(step.keys) for step in steps), default=0), failures, closes)


def show(console: Shown, root: str, pulled: Pulled) -> None:
    """Print the month's books, by SQL over the Parquet, and how its close stands."""
    days = pulled.days
    with open_warehouse(root, Mode.SIMULATED.value) as warehouse:
        console.print(net_activity(warehouse))
        console.print(balances(warehouse, days))
        console.print(continuity(warehouse))
        if table := payout(warehouse, days):
            console.print("", table, payouts_tie(warehouse, days), sep="\n")
    command = Path(sys.executable).with_name("stripe-reports")
    shown = command.relative_to(Path.cwd()) if command.is_relative_to(Path.cwd()) else command
    console.print(f"\nThe files: {root}/{Mode.SIMULATED}/<table>/account=default/period=<day>/report.parquet")
    for first, event in pulled.closes.items():
        picture = Path(root, f"month-close-{first[:7]}.png")
        picture.write_bytes(_png(event))
        console.print(f"\nMonth close {first[:7]}: {event.metadata['status'].value}")
        console.print(f"Its picture: {picture}")
    console.print("Next:")
    console.print("  make dev")
    for first in pulled.closes:
        console.print(f"  {shown} close {first[:7]}")
    console.print(f"  {shown} sql {shlex.quote(_TRY)}")


# Through Dagster


def _steps(loaded: dg.Definitions, stripe: StripeReporting) -> list[Step]:
    """Every configured report with its partitions of the last whole month that Stripe has the data for."""
    with stripe.client() as client:
        available = {id: each.data_available_end for id, each in client.report_types().items()}
    steps = []
    for asset in loaded.assets or []:
        if isinstance(asset, dg.AssetsDefinition) and "stripe/report_type" in asset.get_asset_spec().metadata:
            windows = asset.partitions_def
            end = available.get(str(asset.get_asset_spec().metadata["stripe/report_type"]))
            if isinstance(windows, dg.TimeWindowPartitionsDefinition) and end:
                first, after = _last_month(end)
                keys = [key for key in windows.get_partition_keys() if first <= key[:10] < after]
                steps.append(Step(asset, keys))
    return [step for step in steps if step.keys]


def _last_month(end: datetime) -> tuple[str, str]:
    """The first day of the last month that is over by then, and the one after its last."""
    after = end.date().replace(day=1)
    first = (after - timedelta(days=1)).replace(day=1)
    return first.isoformat(), after.isoformat()


def _analytics(loaded: dg.Definitions, pulled: Sequence[Step]) -> list[Step]:
    """What is made of the reports: the same days, and the months that they make up."""
    keys = {step.asset.key: step.keys for step in pulled}
    steps = []
    for asset in loaded.assets or []:
        if isinstance(asset, dg.AssetsDefinition) and isinstance(
            asset.partitions_def, dg.TimeWindowPartitionsDefinition
        ):
            read = set(asset.dependency_keys)
            windows = asset.partitions_def
            if read and read <= keys.keys():
                there = {key for each in read for key in keys[each]}
                steps.append(Step(asset, [key for key in windows.get_partition_keys() if key in there]))
    return [step for step in steps if step.keys]


def _closes(instance: dg.DagsterInstance, analytics: Sequence[Step]) -> dict[str, dg.AssetMaterialization]:
    """The events of months that were closed, by the first day."""
    return {
        str(record.partition_key): record.asset_materialization
        for step in analytics
        if step.table == MONTH_CLOSE
        for record in instance.fetch_materializations(step.asset.key, limit=len(step.keys)).records
        if record.asset_materialization
    }


def _png(event: dg.AssetMaterialization) -> bytes:
    """The picture of an event, out of its Markdown."""
    return base64.b64decode(str(event.metadata["picture"].value).rpartition("base64,")[2].rstrip(")"))


def _simulated(resources: Mapping[str, Any], stripe: StripeReporting) -> dict[str, Any]:
    """The code location's resources, with the simulator in place of every Stripe."""
    return {
        key: stripe if isinstance(resource, StripeReporting) else resource
        for key, resource in resources.items()
    }


def _dagster() -> dg.DagsterInstance:
    """An instance whose history is in memory: nobody will look at it, and writing it is half the work."""
    return dg.DagsterInstance.ephemeral(settings={"telemetry": {"enabled": False}})


def _materialize(
    job: dg.JobDefinition, instance: dg.DagsterInstance, step: Step, advance: Advance
) -> list[str]:
    """One Dagster run over all partitions of a report; returns the text of its failure, if it fails."""

    def watch(entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event and event.is_step_materialization:
            advance(step, event.step_materialization_data.materialization.partition or "")

    run_id = str(uuid.uuid4())
    instance.add_event_listener(run_id, watch)
    result = job.execute_in_process(
        run_config=_QUIET,
        instance=instance,
        asset_selection=[step.asset.key],
        run_id=run_id,
        tags={
            "dagster/asset_partition_range_start": step.keys[0],
            "dagster/asset_partition_range_end": step.keys[-1],
            # Files of an earlier demo must not make this one look faster than it is.
            INTENT_TAG: Intent.REFRESH.value,
        },
        raise_on_error=False,
    )
    failures = [event for event in result.all_events if event.is_step_failure]
    if any(_is_interrupt(event) for event in failures):
        # Dagster handles an interrupt itself: it ends the run in good order, and goes on.
        raise KeyboardInterrupt
    return [_failure_text(event) for event in failures]


def _is_interrupt(event: dg.DagsterEvent) -> bool:
    error = event.step_failure_data.error
    return error is not None and error.cls_name == dg.DagsterExecutionInterruptedError.__name__


def _failure_text(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    description = data.user_failure_data.description if data.user_failure_data else None
    return description or (data.error.message if data.error else None) or "a step failed without saying why"


@contextlib.contextmanager
def _progress(console: Shown, steps: Sequence[Step]) -> Iterator[Advance]:
    """A bar for each report on a terminal; elsewhere a line for every ten partitions."""
    counts = {step.table: 0 for step in steps}
    if not console.is_terminal:

        def line(step: Step, _: str) -> None:
            counts[step.table] += 1
            if counts[step.table] % 10 == 0 or counts[step.table] == len(step.keys):
                console.print(f"{step.table}: {counts[step.table]} of {len(step.keys)} partitions")

        yield line
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[partition]}"),
    )
    with Progress(*columns, console=console) as bars:
        tasks = {
            step.table: bars.add_task(step.table, total=len(step.keys), partition="", start=False)
            for step in steps
        }

        def bar(step: Step, partition: str) -> None:
            bars.start_task(tasks[step.table])
            bars.update(tasks[step.table], advance=1, partition=partition)

        yield bar


def _interrupt(*_: object) -> NoReturn:
    """Ctrl-C and SIGTERM end the demo with everything it started."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
