"""Mistakes of each kind, put where the decision is, to see that the machine finds them."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import dagster as dg

from assets.automation import newest_partition
from assets.dagster_runs import launches
from assets.dagster_runs.asked import AskAgain, ask_again
from assets.dagster_runs.launch import Launch, covered
from assets.dagster_runs.run_requests import RangeRunRequest
from assets.materialize import wish
from assets.materialize.event_recorder import EventRecorder
from assets.sensors import availability_plan, availability_sensor, late_sensor, tick
from connector.dataset import places
from connector.dataset.finder import Finder
from connector.dataset.pins import Pin
from connector.dataset.store import Store
from tests.model.planting import put


def _asked_is_done() -> Any:
    def once(*about: Any, **more: Any) -> AskAgain:
        found = ask_again(*about, **more)
        return AskAgain({key: each for key, each in found.attempts.items() if each.number == 1}, ())

    return put(availability_plan, "ask_again", once)


def _well_is_continued() -> Any:
    every = frozenset({*wish._ENDED_BADLY, dg.DagsterRunStatus.SUCCESS})
    return put(wish, "_ENDED_BADLY", every)


def _unknown_stays_unknown() -> Any:
    return put(availability_plan, "find_unknown", lambda *_, **__: [])


def _in_hand_is_asked_for() -> Any:
    return put(launches.Launches, "in_hand", lambda *_: frozenset())


def _cancelled_comes_back() -> Any:
    return put(launches, "find_put_down", lambda *_: frozenset())


def _tick_without_end() -> Any:
    stack = ExitStack()
    patient = replace(tick.TICK_RETRY, client_lasts=3600.0)
    for module in (availability_sensor, late_sensor, newest_partition):
        stack.enter_context(put(module, "TICK_RETRY", patient))
    return stack


def _reading_proves_nothing() -> Any:
    """Neither the table's pin nor each file's own word is compared: either alone refuses."""
    stack = ExitStack()
    stack.enter_context(put(Finder, "_hold_to", lambda _, dataset, *__: Pin(dataset, None, None)))
    stack.enter_context(put(places, "explain_foreign", lambda *_, **__: None))
    return stack


def _brought_back_is_recorded_already() -> Any:
    honest = EventRecorder.__init__

    def init(self: Any, *about: Any, files: Any, events: Any, **more: Any) -> None:
        honest(self, *about, files=files, events=[e for e in events if e.partition in files], **more)

    return put(EventRecorder, "__init__", init)


def _backfills_are_overlooked() -> Any:
    def in_hand(self: Any, grid: Any) -> frozenset[str]:
        return covered(self._unfinished, grid)

    return put(launches.Launches, "in_hand", in_hand)


def _cancelled_backfill_comes_back() -> Any:
    honest, overlooked = launches.Launches._backfills, launches._CANCELLED_BACKFILL

    def backfills(self: Any, statuses: Any) -> Any:
        return [] if statuses is overlooked else honest(self, statuses)

    return put(launches.Launches, "_backfills", backfills)


def _run_key_of_any_asset() -> Any:
    def run_key(self: Any) -> str:
        return f"stripe-{sorted(self.keys)}-{self.reason}"

    return put(RangeRunRequest, "run_key", property(run_key))


def _runs_of_any_asset() -> Any:
    honest = Launch.partitions
    return put(Launch, "partitions", lambda self, grid: honest(replace(self, assets=None), grid))


def _other_configuration_is_asked_for() -> Any:
    return put(Store, "explain_refusal", lambda *_, **__: None)


#: Each puts the mistake there while its context lasts.
PLANTED: Mapping[str, Callable[[], Any]] = {
    "whoever reads is not held to the table's configuration": _reading_proves_nothing,
    "what was asked for once is not asked for again": _asked_is_done,
    "re-executing a run that ended well continues it": _well_is_continued,
    "a file that Dagster does not know is not recorded": _unknown_stays_unknown,
    "a file that was brought back has its event already": _brought_back_is_recorded_already,
    "what is in hand is asked for": _in_hand_is_asked_for,
    "an unfinished backfill is overlooked": _backfills_are_overlooked,
    "what a person cancelled comes back": _cancelled_comes_back,
    "a cancelled backfill comes back": _cancelled_backfill_comes_back,
    "a run key does not name its asset": _run_key_of_any_asset,
    "runs of another location's asset count": _runs_of_any_asset,
    "a sensor asks for a table of another configuration": _other_configuration_is_asked_for,
    "a tick waits for Stripe without end": _tick_without_end,
}
