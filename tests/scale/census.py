"""What is there in the end, in the bucket, at Dagster and at Stripe; and what is wrong with it, in words."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import obstore
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connector.simulator import Simulator
from connector.simulator.report_runs import Run
from tests.e2e.census import repeated_requests
from tests.e2e.console import Asset, Console, Materialization
from tests.support.buckets import Bucket

#: The only objects that belong below the root: a table's identity, and one file for each partition.
_BELONGS = re.compile(
    r"reports/simulated/(?:_datasets/\w+\.json"
    r"|(?P<table>\w+)/account=[^/]+/period=(?P<period>[^/]+)/report\.parquet)"
)


@dataclass(frozen=True)
class Partition:
    """One window of one report."""

    table: str
    day: str

    @classmethod
    def of(cls, run: Run) -> "Partition":
        day = datetime.fromtimestamp(run.parameters["interval_start"], UTC).date()
        return cls(run.report_type.rpartition(".")[0].replace(".", "_"), f"{day}")

    def __str__(self) -> str:
        return f"{self.table} {self.day}"


def partitions_asked_for(simulator: Simulator) -> dict[Partition, Run]:
    """Every window Stripe was asked for, with its newest run."""
    return {Partition.of(run): run for run in simulator.runs}


def what_is_wrong(
    simulator: Simulator,
    console: Console,
    bucket: Bucket,
    assets: Sequence[Asset],
    wanted: Sequence[str],
) -> Iterator[str]:
    """What speaks against it, one line each.

    Args:
        wanted: the days there have to be of each asset; others may be there too, and are looked at likewise.
    """
    asked = partitions_asked_for(simulator)
    yield from (f"{request}: {count} report runs" for request, count in repeated_requests(simulator))
    for asset in assets:
        missing = [day for day in wanted if Partition(asset[-1], day) not in asked]
        yield from (f"{asset[-1]} {day}: never requested" for day in missing)
    objects = bucket.objects()
    yield from (f"{key}: does not belong there" for key in objects if not _BELONGS.fullmatch(key))
    files = {Partition(found["table"], found["period"]): key for key, found in _files(objects)}
    yield from (f"{partition}: a file nobody asked for" for partition in files.keys() - asked.keys())
    events = {asset: console.materializations(asset, _days(asked, asset)) for asset in assets}
    green = {
        Partition(asset[-1], day)
        for asset in assets
        for day, status in console.partition_statuses(asset, _days(asked, asset)).items()
        if status == "MATERIALIZED"
    }
    recorded = _by_partition(events)
    for partition, run in sorted(asked.items(), key=str):
        key, found = files.get(partition), recorded.get(partition, [])
        problems = _wrong_with(simulator, bucket, run, key, found, green=partition in green)
        yield from (f"{partition}: {each}" for each in problems)


def _wrong_with(
    simulator: Simulator,
    bucket: Bucket,
    run: Run,
    key: str | None,
    events: Sequence[Materialization],
    *,
    green: bool,
) -> Iterator[str]:
    if len(events) != 1:
        yield f"{len(events)} materializations"
    if not green:
        yield "Dagster does not show it as materialized"
    if key is None:
        yield "no file" + (", and Dagster says it is there" if green else "")
        return
    try:
        table = pq.read_table(io.BytesIO(bytes(obstore.get(bucket.store(), key).bytes())))
    except (pa.ArrowException, OSError) as error:
        yield f"the file cannot be read: {error}"
        return
    truth = simulator.csv(run.report_type, **run.parameters)
    rows = list(csv.DictReader(io.StringIO(truth.decode())))
    if table.num_rows != len(rows):
        yield f"{table.num_rows} rows, and {len(rows)} in the books"
    for name in _amounts(table):
        ours, theirs = pc.sum(table[name]).as_py() or Decimal(0), _sum(rows, name)
        if ours != theirs:
            yield f"{name} adds up to {ours}, and to {theirs} in the books"
    if (found := set(table["_report_run_id"].to_pylist())) - {run.id}:
        yield f"rows of {found}, and Stripe's run is {run.id}"
    if (said := {each.metadata.get("stripe/report_run_id") for each in events}) - {run.id}:
        yield f"Dagster names the report run {said}, and Stripe's is {run.id}"


def _amounts(table: pa.Table) -> list[str]:
    return [field.name for field in table.schema if pa.types.is_decimal(field.type)]


def _sum(rows: Sequence[Mapping[str, str]], name: str) -> Decimal:
    return sum((Decimal(row[name]) for row in rows if row[name]), Decimal(0))


def _files(objects: Sequence[str]) -> Iterator[tuple[str, "re.Match[str]"]]:
    for key in objects:
        found = _BELONGS.fullmatch(key)
        if found and found["period"]:
            yield key, found


def _days(asked: Mapping[Partition, Run], asset: Asset) -> list[str]:
    return sorted(each.day for each in asked if each.table == asset[-1])


def _by_partition(
    events: Mapping[Asset, Sequence[Materialization]],
) -> dict[Partition, list[Materialization]]:
    found: dict[Partition, list[Materialization]] = {}
    for asset, all_of_it in events.items():
        for event in all_of_it:
            found.setdefault(Partition(asset[-1], event.partition), []).append(event)
    return found


def requests_by_method(asked: Sequence[str]) -> str:
    """Such as `GET 120, PUT 60`; listings apart."""
    kinds = Counter("LIST" if "list-type=" in each else each.partition(" ")[0] for each in asked)
    return ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
