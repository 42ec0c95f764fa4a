"""One evaluation of a sensor, and the runs it requests, executed as the daemon would."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import dagster as dg

from assets.dagster_runs.tags import RANGE_END, RANGE_START
from tests.support.dagster import Orchestra


@dataclass(frozen=True)
class Tick:
    """The result of one evaluation."""

    requests: Sequence[dg.RunRequest]
    skipped: str
    cursor: str | None

    @property
    def partitions(self) -> list[str]:
        """What was requested: a key, or `first..last`."""
        return [span(request) for request in self.requests]


@dataclass
class Daemon:
    """Evaluates one sensor, stores its events and starts the runs it requests, never two with one run key."""

    orchestra: Orchestra
    assets: Sequence[dg.AssetsDefinition]
    sensor: dg.SensorDefinition
    cursor: str | None = None
    seen: set[str] = field(default_factory=set)

    def tick(self, *, last: float | None = None) -> Tick:
        """One evaluation; the cursor is saved for the next.

        Args:
            last: when the daemon's last tick was, in unix seconds; None for an evaluation by hand.
        """
        context = dg.build_sensor_context(
            instance=self.orchestra.instance,
            cursor=self.cursor,
            resources=self.orchestra.resources,
            definitions=dg.Definitions(
                assets=self.assets, sensors=[self.sensor], resources=self.orchestra.resources
            ),
            sensor_name=self.sensor.name,
        )
        # Dagster's function has no argument for it.
        context._last_tick_completion_time = last
        # As Dagster's daemon does: a request of one payout is looked up among them.
        with context, dg.partition_loading_context(dynamic_partitions_store=self.orchestra.instance):
            data = self.sensor.evaluate_tick(context)
        self.cursor = data.cursor
        for event in data.asset_events:
            self.orchestra.instance.report_runless_asset_event(event)
        for added in data.dynamic_partitions_requests or ():
            self.orchestra.instance.add_dynamic_partitions(
                added.partitions_def_name, list(added.partition_keys)
            )
        return Tick(list(data.run_requests or ()), data.skip_message or "", data.cursor)

    def tick_and_run(self) -> Tick:
        """One evaluation, and every run it requests that was not requested before."""
        tick = self.tick()
        for request in tick.requests:
            if request.run_key not in self.seen:
                self.seen.add(str(request.run_key))
                carry_out(self.orchestra, self.assets, request)
        return tick


def carry_out(
    orchestra: Orchestra, assets: Sequence[dg.AssetsDefinition], request: dg.RunRequest
) -> dg.ExecuteInProcessResult:
    """The run a request is for."""
    chosen = [asset for asset in assets if asset.key in set(request.asset_selection or ())]
    first = request.partition_key or request.tags[RANGE_START]
    last = None if request.partition_key else request.tags[RANGE_END]
    return orchestra.launch(chosen, first, last, tags=request.tags)


def span(request: dg.RunRequest) -> str:
    """The partitions of a request as people read them."""
    return request.partition_key or f"{request.tags[RANGE_START]}..{request.tags[RANGE_END]}"
