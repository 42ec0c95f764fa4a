"""What must hold after a command, whatever came before it and whatever happened meanwhile."""

import csv
import hashlib
import io
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from connector.api.models import epoch
from connector.dataset.provenance import Provenance
from connector.dataset.shape import ask_the_same
from connector.errors import DatasetMismatchError
from connector.pipeline.collect import Asked, Done, Missed, Outcome
from connector.simulator.report_runs import Run
from tests.model.commands import PATIENCE, Execution

_SLACK = 1.0


class LawBrokenError(AssertionError):
    """What must hold does not."""


def hold_to_the_laws(execution: Execution, before: dict[str, Provenance]) -> None:
    """Raise LawBrokenError.

    Args:
        before: what could be read of the root's files when anybody last looked at them.
    """
    files_hold(execution, before)
    _each_ended_once(execution)
    _windows_lie_in_lives(execution)
    _gone_are_those_that_left(execution)
    _refreshed_as_of_now(execution)
    _no_run_too_many(execution)
    _nothing_fetched_in_vain(execution)
    _picked_up_soon(execution)
    _nothing_is_left_due(execution)
    _dates_are_the_windows(execution)
    _fair_weather(execution)


def files_hold(execution: Execution, before: dict[str, Provenance]) -> dict[str, Provenance]:
    """The files that this command has replaced since `before`; returns what is there now."""
    world, command = execution.world, execution.command
    now = world.held(command.root)
    for key, old in before.items():
        _expect(key in now, f"{key}: the file of {old.run_id} was lost")
    for key, new in now.items():
        there = before.get(key)
        if there == new:
            continue
        _expect(key in command.keys, f"{key} was not asked for, and is replaced")
        if there is not None:
            _is_newer(key, there, new)
            lost = set(there.columns) - set(new.columns)
            _expect(command.refresh or not lost, f"{key}: lost the columns {sorted(lost)}")
        _is_the_truth(execution, key, new)
    owners = {world.run(each.run_id).owner.account for each in now.values()}
    _expect(len(owners) <= 1, f"files of {owners} lie in one table")
    return now


def _is_newer(key: str, old: Provenance, new: Provenance) -> None:
    """A published file is only ever replaced by a newer answer, or by the same one in another shape."""
    if new.run_id == old.run_id:
        _expect(new.csv_sha256 == old.csv_sha256, f"{key}: the file of {new.run_id} has become another")
        return
    # For other columns Stripe may have had a file from before; it says that nothing has changed since.
    alike = ask_the_same(old.request, new.request)
    then, now = ((each.as_of if alike else each.run_created, each.run_created) for each in (old, new))
    _expect(now >= then, f"{key}: {old.run_id} of {then} was replaced by the older {new.run_id} of {now}")


def _is_the_truth(execution: Execution, key: str, new: Provenance) -> None:
    """A file just published says what the ledger said, no earlier than the command allows."""
    world, run = execution.world, execution.world.run(new.run_id)
    if new.run_id in {each.run_id for each in execution.before.values() if each.period == key}:
        since = 0.0  # converted again
    elif _is_reused(run) and run.created >= int(execution.began):
        since = 0.0  # Stripe's answer to a run of ours is Stripe's word
    elif world.table.partitions[key].interval is None and key not in execution.refreshed:
        # It never settles: of one that takes long it is enough that its file was made since.
        _expect(run.file.created >= execution.floors[key], f"{key}: {run.id} is from before the preparation")
        since = float(run.created)
    else:
        since = execution.began if key in execution.refreshed else float(execution.floors[key])
    _expect(
        run.owner.account == execution.account,
        f"{key}: {run.id} is of {run.owner.account}, and the key of {execution.account}",
    )
    header = new.header
    truths = world.truths(key, header, execution.account, since, world.simulator.now().timestamp())
    found = {hashlib.sha256(each).hexdigest(): each for each in truths}
    earlier = world.truths(key, header, execution.account, 0, since)
    _expect(
        new.csv_sha256 in found,
        f"{key}: {new.run_id} of {new.run_created} is published, "
        + (
            f"which is short: as of a moment before {datetime.fromtimestamp(since, UTC)}"
            if new.csv_sha256 in {hashlib.sha256(each).hexdigest() for each in earlier}
            else f"which never was the truth: {run.report_type} {dict(run.parameters)}"
        ),
    )
    _rows_are(execution, key, new, found[new.csv_sha256])


def _is_reused(run: Run) -> bool:
    return run.file.run_id != run.id


def _rows_are(execution: Execution, key: str, new: Provenance, truth: bytes) -> None:
    path = execution.world.path(execution.command.root, key)
    rows = pq.ParquetFile(path).read().to_pylist()
    expected = list(csv.DictReader(io.StringIO(truth.decode(), newline="")))
    _expect(len(rows) == len(expected), f"{key}: {len(rows)} rows where there are {len(expected)}")
    for row, line in zip(rows, expected, strict=True):
        _expect(row["_report_run_id"] == new.run_id, f"{key}: a row of {row['_report_run_id']}")
        other = {name for name, cell in line.items() if not _same(row[name], cell)}
        _expect(not other, f"{key}: {row} where the ledger has {line}")


def _same(value: Any, cell: str) -> bool:
    if value is None:
        return cell == ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}" == cell
    return Decimal(cell) == value if isinstance(value, Decimal) else str(value) == cell


def _each_ended_once(execution: Execution) -> None:
    ends = [event for event in execution.events if isinstance(event, Done | Missed)]
    count = Counter(end.partition.key for end in ends)
    _expect(set(count.values()) <= {1}, f"ended more than once: {count}")
    _expect(count.keys() <= set(execution.wanted), f"not asked for: {count}")
    if not execution.killed and execution.error is None:
        _expect(count.keys() == set(execution.wanted), f"ended: {count} of {execution.wanted}")


def _windows_lie_in_lives(execution: Execution) -> None:
    """Only what lies in the life of its account is asked for."""
    for run in execution.made:
        about = [key for key in execution.command.keys if _asks(run, execution, key)]
        _expect(set(about) <= set(execution.wanted), f"{run.id} is about {about}, outside of the life")
        _expect(about, f"{run.id} is about nothing wanted: {dict(run.parameters)}")


def _gone_are_those_that_left(execution: Execution) -> None:
    """Gone is an outcome of an account that Stripe refuses, and of no other; nothing else is made of it."""
    for event in execution.events:
        if isinstance(event, Missed):
            key, gone = event.partition.key, event.outcome is Outcome.GONE
            _expect(not gone or execution.refuses(key), f"{key}: {event.error!r}, and Stripe refuses nobody")


def _refreshed_as_of_now(execution: Execution) -> None:
    """What a refresh calls done is the truth as of a moment since it began."""
    world, now = execution.world, execution.world.held(execution.command.root)
    for event in execution.events:
        if not isinstance(event, Done):
            continue
        key = event.partition.key
        _expect(key in now, f"{key} is called done and cannot be read")
        there = now[key]
        if key not in execution.refreshed:
            continue
        asked = [e.run_id for e in execution.events if isinstance(e, Asked) and e.partition.key == key]
        run = world.run(asked[-1] if asked else there.run_id)
        if _is_reused(run):
            # Nothing newer came of it: that is said.
            older = execution.answered(key) and run.file.created <= epoch(execution.before[key].as_of)
            _expect(event.reused or not older, f"{key}: {run.id} has the file of {run.file.run_id}")
            continue
        header = there.header
        truths = world.truths(
            key, header, execution.account, execution.began, world.simulator.now().timestamp()
        )
        hashes = {hashlib.sha256(each).hexdigest() for each in truths}
        _expect(
            there.csv_sha256 in hashes,
            f"{key}: refreshed, and {there.run_id} of {there.run_created} is from before",
        )


def _no_run_too_many(execution: Execution) -> None:
    command = execution.command
    for key in command.keys:
        made = [run for run in execution.made if _asks(run, execution, key)]
        # With an earlier run's file one does for a refresh only where it is known to be the command's own,
        # which it is not where the answer to its creation was lost.
        lame = sum(
            _came_to_nothing(run) or (key in execution.refreshed and _is_reused(run))
            for run in execution.world.same_runs(execution.request(key), execution.account)
        )
        _expect(len(made) <= 1 + lame, f"{key}: one command made {len(made)} runs, {lame} came to nothing")
        if execution.calm:
            _expect(
                not made or _hung(execution, key) < PATIENCE.attempts,
                f"{key}: {[run.id for run in made]} was made, and {PATIENCE.attempts} hang",
            )
        if key in execution.refreshed or command.run_ids.get(key):
            continue
        if execution.answered(key):
            _expect(not made, f"{key}: is published, and {[run.id for run in made]} was made")
        elif key in execution.adoptable and execution.calm:
            _expect(not made, f"{key}: {[run.id for run in made]} was made, and one was there to adopt")
    _expect(not execution.replays, f"Stripe was asked with an old key, and answered {execution.replays[:1]}")


def _hung(execution: Execution, key: str) -> int:
    """How many runs that hang were there to see when the command began, none older than what is published:
    those are no attempts to replace it."""
    there = execution.before.get(key)
    oldest, youngest = execution.began - 7 * 86_400 + 60, execution.began - 6 * 3600 - 60
    oldest = max(oldest, there.run_created.timestamp() - 1 if there else 0)
    return sum(
        oldest < run.created < youngest and (run.ends_at is None or run.ends_at > execution.ended)
        for run in execution.known_runs[key]
    )


def _picked_up_soon(execution: Execution) -> None:
    """A command is over soon after the last run it waited for."""
    ends = [event for event in execution.events if isinstance(event, Done | Missed)]
    runs = [
        execution.world.run(event.published.provenance.run_id)
        for event in ends
        if isinstance(event, Done) and event.fetched
    ]
    if execution.calm and runs and len(runs) == len(ends) and not any(r.plan.contents_after for r in runs):
        last = max(max(run.ends_at or 0, execution.began) for run in runs)
        age = max(0.0, last - execution.began)
        lag = execution.ended - last
        _expect(lag <= 10 + 0.2 * age, f"{lag:.0f} s passed after the last run, which took {age:.0f} s")


def _nothing_fetched_in_vain(execution: Execution) -> None:
    """Where nobody came between, what is fetched is newer than what is there."""
    for event in execution.events:
        if isinstance(event, Done) and execution.calm:
            run_id = event.published.provenance.run_id
            _expect(not event.published.outdated, f"{event.partition.key}: fetched, but {run_id} is newer")


def _nothing_is_left_due(execution: Execution) -> None:
    """A pull asks again for what Stripe restates, at the ages of the report type: of the files that it found.
    One that it brings in may be from a run of before, which is asked again by the next pull."""
    for event in execution.events:
        if not (isinstance(event, Done) and execution.command.policy and execution.calm):
            continue
        interval, there = event.partition.interval, event.published.provenance
        if interval is None or event.partition.key not in execution.before:
            continue
        for age in execution.world.table.ages:
            asked = max(there.run_created, there.as_of) >= interval.end + age
            _expect(
                asked or interval.end + age > datetime.fromtimestamp(execution.began, UTC),
                f"{event.partition.key}: pulled, and still as asked before {age.days} days",
            )


def _dates_are_the_windows(execution: Execution) -> None:
    for event in execution.events:
        if isinstance(event, Done) and event.fetched and not execution.killed:
            path = Path(event.published.uri)
            dates = set(pq.ParquetFile(path).read(["_date"]).column("_date").to_pylist())
            interval = event.partition.interval
            window = interval.start.date() if interval else None
            _expect(dates <= {window}, f"{event.partition.key}: dated {dates}")


def _asks(run: Run, execution: Execution, key: str) -> bool:
    """Whether a run is about a partition, whatever columns it has."""
    rows = ((name, value) for name, value in execution.request(key).parameters if name != "columns")
    return run.report_type == execution.world.table.report and all(
        run.parameters.get(name) == value for name, value in rows
    )


def _came_to_nothing(run: Run) -> bool:
    plan = run.plan
    return bool(
        plan.error is not None or _hangs(run) or plan.file_deleted is not None or plan.vanishes is not None
    )


def _hangs(run: Run) -> bool:
    return run.ends_at is None or run.ends_at - run.created > PATIENCE.wait_timeout.total_seconds() - 60


def _fair_weather(execution: Execution) -> None:
    """Where nothing goes wrong, everything that Stripe has is brought; refusals have a reason."""
    command = execution.command
    unreadable = execution.refused and not execution.before
    if execution.error is not None and execution.calm and not unreadable:
        _expect(isinstance(execution.error, DatasetMismatchError), f"raised {execution.error!r}")
        owners = {execution.world.run(each.run_id).owner.account for each in execution.before.values()}
        held = {key: execution.before[key] for key in command.keys if key in execution.before}
        narrower = any(
            set(each.header) - set(execution.request(key).columns or ()) for key, each in held.items()
        )
        _expect(
            owners - {execution.account} or (narrower and not command.refresh), f"refused: {execution.error}"
        )
        return
    if not execution.calm or execution.killed:
        return
    for event in execution.events:
        if isinstance(event, Missed) and event.partition.key in execution.refused:
            continue
        if not isinstance(event, Missed) or command.run_ids.get(event.partition.key):
            continue
        key, interval = event.partition.key, event.partition.interval
        trouble = any(
            _hangs(run) or (_came_to_nothing(run) and not _is_over(run, execution))
            for run in execution.known_runs[key]
        )
        ready = interval is None or interval.end <= execution.available_until
        if ready and not trouble and execution.refuses(key):
            _expect(event.outcome is Outcome.GONE, f"{key}: its account has left, and {event.error!r}")
            continue
        _expect(not ready or trouble, f"{key}: missed in fair weather: {event.error!r}")


def _is_over(run: Run, execution: Execution) -> bool:
    return run.ends_at is not None and run.ends_at < execution.began - _SLACK


def _expect(so: object, text: str) -> None:
    if not so:
        raise LawBrokenError(text)
