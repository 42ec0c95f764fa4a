"""What must hold: at every tick, after every run, and when everything is on and calm."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from itertools import combinations
from typing import Any

from assets import build_availability_sensor, build_report_asset
from assets.dagster_runs.asked import MOST_TIMES
from connector.catalogue import latency_of
from connector.errors import ReportingError
from tests.model.laws import LawBrokenError
from tests.model.location.place import Launched, Place
from tests.support.sensing import Daemon, Tick

#: The files by partition, what Dagster knows by partition, and the cursors.
State = tuple[Mapping[str, str], Mapping[str, str | None], Sequence[str | None]]

#: Dagster cuts a tick off after a minute.
TICK_SECONDS = 45.0

LOOK_BACK = timedelta(days=14)


def tick_holds(place: Place, tick: Tick, seconds: float) -> None:
    """A tick ends in time, and asks for nothing that is in hand or that a person has put down."""
    _expect(seconds <= TICK_SECONDS, f"a tick took {seconds:.0f} s")
    asked = {key for request in tick.requests for key in place.keys_of(request)}
    in_hand = place.in_hand()
    _expect(not asked & in_hand, f"asked for what is in hand: {sorted(asked & in_hand)}")
    outside = sorted(key for key in asked if not place.is_lived(key))
    _expect(not outside, f"asked for days on which the account does not live: {outside}")
    _expect(not asked & place.put_down, f"asked for what was cancelled: {sorted(asked & place.put_down)}")


def run_holds(place: Place, run: Launched, *, fresh: bool, launched: bool = False) -> None:
    """A run that ended well has brought everything it was launched for: of each account the days of its life.

    Args:
        fresh: it was a new wish for what was there already, so what is there now is newer than it.
        launched: it continues no other run, so that Dagster shows each partition as materialized by it.
    """
    if not run.ended_well:
        return
    events = place.events()
    keys = [key for key in run.keys if place.is_lived(key)]
    there = place.store.provenances(place.dataset, keys)
    for key in keys:
        file = there[key]
        if file is None:
            raise LawBrokenError(f"green, and the file of {key} is not there")
        event = events.get(key)
        _expect(event and event.report_run == file.run_id, f"green, and {key} is not known to Dagster")
        _expect(
            not launched or (event and event.dagster_run == run.run_id),
            f"green, and {key} is not shown as materialized by this run",
        )
        if fresh:
            _expect(
                file.run_created >= run.began - timedelta(seconds=1),
                f"green, and {key} is still {file.run_id} of {file.run_created}, before {run.began}",
            )


def reading_is_refused(place: Place, otherwise: Mapping[str, Any], key: str) -> None:
    """A report of another window, zone or filter gets no rows of this table."""
    query = place.query(**otherwise)
    try:
        rows = place.store.arrow_dataset(query.dataset(mode="test", account=None), [key]).count_rows()
    except ReportingError:
        return
    raise LawBrokenError(f"{rows} rows of {key} were read as {dict(otherwise)}")


def changed_definition_is_refused(place: Place, otherwise: Mapping[str, Any]) -> str:
    """The location is loaded with another report of the same name: no run of it ends well, its sensor asks
    for nothing and says so, and the files are as they were.

    Returns the key of the partition that was launched.
    """
    report = place.reports_of(otherwise)
    asset = build_report_asset(report, retry_policy=None)
    keys = place.store.keys(place.dataset)
    before = place.run_ids(keys)
    newest = report.partitions.get_last_partition_key() or ""
    run = place.orchestra.launch([asset], newest)
    tick = Daemon(place.orchestra, [asset], build_availability_sensor([report])).tick()
    _expect(not run.success, f"green as {dict(otherwise)}, in a table of another configuration")
    _expect(not tick.requests, f"asked for {tick.partitions} as {dict(otherwise)}")
    _expect("holds data for a different" in tick.skipped, f"a tick says of the table only: {tick.skipped}")
    _expect(place.run_ids(keys) == before, "files were replaced by those of another configuration")
    return newest


def company_is_unharmed(mine: State, after: State) -> None:
    """What another location on the same Stripe account does changes nothing of this one."""
    _expect(mine == after, f"another location changed {mine} to {after}")


def state_of(place: Place) -> State:
    """The files, what Dagster knows of them, and where the sensors are."""
    return place.run_ids(place.keys()), dict(place.known()), [each.cursor for each in place.daemons]


def run_keys_differ(places: Sequence[Place]) -> None:
    """No two locations ask with the same run key in one Dagster."""
    for one, other in combinations((each for each in places if each.instance is places[0].instance), 2):
        _expect(not one.run_keys & other.run_keys, f"run keys meet: {one.run_keys & other.run_keys}")


def everything_is_there(place: Place) -> None:
    """Each ready day is there, known, and as fresh as its age asks for.

    Not one that a person put down, nor one that was asked for in vain until a person is needed.
    """
    keys = place.keys()
    newest = max(map(place.end_of, keys), default=place.clock.now())
    there = place.store.provenances(place.dataset, keys)
    known, recorded = place.known(), place.recorded()
    for key in keys:
        file, end = there[key], place.end_of(key)
        if key in place.put_down or place.in_vain[key] >= MOST_TIMES:
            continue
        if file is None:
            _expect(end <= newest - LOOK_BACK, f"{key} is ready, and not there")
            continue
        _expect((key, file.run_id) in recorded, f"{key} is there as {file.run_id}, known as {known.get(key)}")
        due = _ages_reached(place, end)
        # A run that hung may have been asked before, and its file made since.
        made = max(file.run_created, file.as_of)
        _expect(
            not due or made >= end + max(due) - timedelta(seconds=1),
            f"{key} is {max(due, default=timedelta()).days} days old, and its file is of {made}",
        )


def _ages_reached(place: Place, end: object) -> Collection[timedelta]:
    """The ages at which a day had to be asked for again, and which it reached within the look-back."""
    now = place.clock.now()
    ages = latency_of(place.report.query.spec.id).refresh_after
    return [age for age in ages if now - LOOK_BACK < end + age <= now]  # type: ignore[operator]


def _expect(so: object, text: str) -> None:
    if not so:
        raise LawBrokenError(text)
