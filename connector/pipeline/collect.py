"""Many partitions of one report, from request to published Parquet: the whole way, in one loop.

A partition whose published file answers the same request needs nothing. For the others report runs are
adopted or created and polled together; each one that finishes is fetched, converted and published at once
by a few threads, while the loop goes on with the rest.
"""

import random
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial

from connector.api.client import StripeClient
from connector.api.models import Mode
from connector.dataset.provenance import Provenance, Published
from connector.dataset.shape import FileState
from connector.dataset.store import Store
from connector.errors import (
    ConfigurationError,
    DownloadError,
    InvalidRequestError,
    ReportingError,
)
from connector.partitions import Partition
from connector.pipeline.events import Asked, Done, Event, Finished, Missed, Outcome
from connector.pipeline.landing import PartitionWriter
from connector.pipeline.log import StepLog
from connector.pipeline.ownership import confirm_owner
from connector.pipeline.reconversion import ConfiguredShape, Reconversion, converted_again
from connector.query import ReportQuery
from connector.runs.adoption import PartitionRequest, WaitPolicy
from connector.runs.batch import RunBatch
from connector.runs.threads import DaemonWorkers, Workers

__all__ = ["Asked", "Done", "Event", "Missed", "Outcome", "collect"]


_SENDERS, _CONVERTERS = 8, 2


def collect(
    client: StripeClient,
    store: Store,
    query: ReportQuery,
    partitions: Sequence[Partition],
    *,
    refresh: Collection[str] = (),
    published: Mapping[str, Provenance | None] | None = None,
    run_ids: Mapping[str, str] | None = None,
    drop_columns: Collection[str] | None = None,
    reconvert: bool = True,
    wait_policy: WaitPolicy | None = None,
    senders: Workers | None = None,
    converters: Workers | None = None,
    draw: Callable[[], float] = random.random,
) -> Generator[Event, None, None]:
    """Bring every partition into the dataset; yields what happens as it happens.

    Each partition ends in exactly one `Done` or `Missed`. A partition is published before its `Done` is
    yielded, so that after a kill in between the next attempt finds its file. Closing the iterator stops the
    work; runs at Stripe go on and are adopted by the next attempt.

    Args:
        refresh: keys of partitions that get a new report run although a published file or a finished run
            answers.
        published: keys to what `store.provenance` has for them, where the caller has read that already.
        run_ids: keys to report runs to take by id, whatever their age.
        drop_columns: keys of partitions whose file may be replaced by one that lacks columns; those to
            `refresh` when None.
        reconvert: convert published files again whose columns or types are not those configured now.
        senders, converters: where requests and conversions are carried out; threads when None.

    Raises:
        ConfigurationError: the report type exists in live mode alone, and the key is a test key.
        DatasetMismatchError: the table is of another report configuration or of another account, or a file
            would be replaced by one that lacks columns. Nothing was requested.
        ReportingError: the shared reads failed, so that nothing is known of any partition.
    """
    if query.spec.live_only and client.mode is Mode.TEST:
        raise ConfigurationError(
            f"{query.spec.id} needs a live-mode key: Stripe has it in live mode alone, and this is a test key"
        )
    dataset = query.dataset(mode=client.mode, account=client.account)
    store.check(dataset)
    log = StepLog(query)
    distinct = {partition.key: partition for partition in partitions}
    if published is None:
        published = store.provenances(dataset, distinct)
    there = [(partition, published.get(key)) for key, partition in distinct.items()]
    states = _states(query, there, droppable=refresh if drop_columns is None else drop_columns)
    wanted: list[PartitionRequest] = []
    older: list[Reconversion] = []
    for partition, file in there:
        key, state = partition.key, states.get(partition.key)
        run_id = (run_ids or {}).get(key)
        need = _wanted(query, partition, file, state, refresh=key in refresh, run_id=run_id)
        if need:
            wanted.append(need)
        elif file and state is FileState.OLDER_SHAPE and reconvert:
            older.append(Reconversion(partition, file))
        elif file:
            uri = store.uri(dataset, key)
            done = Done(partition, Published(uri, file, None, outdated=False), fetched=False)
            log(done)
            yield done
    if not wanted and not older:
        return
    if wanted:
        confirm_owner(client, store, dataset)
    with ExitStack() as stack:
        staging = stack.enter_context(store.staging())
        writer = PartitionWriter(client, store, query, dataset, staging, draw, log)
        workers = converters or _threads(stack, _CONVERTERS, "convert")
        for end in converted_again(client, writer, workers, older):
            log(end)
            yield end
        if not wanted:
            return
        batch = RunBatch(
            client,
            wanted,
            creators=senders or _threads(stack, _SENDERS, "create"),
            pollers=senders or _threads(stack, 1, "poll"),
            wait_policy=wait_policy,
            draw=draw,
        )
        for event in _drive(client, batch, writer, workers):
            log(event)
            if not isinstance(event, Finished):
                yield event


def _states(
    query: ReportQuery,
    there: Iterable[tuple[Partition, Provenance | None]],
    *,
    droppable: Collection[str],
) -> dict[str, FileState]:
    """How published files stand to what is configured now, by key.

    Raises DatasetMismatchError where a file would be replaced by one that lacks columns.
    """
    shape, states = ConfiguredShape(query), {}
    for partition, file in there:
        if file is not None:
            found = shape.compare(partition, file)
            if partition.key not in droppable:
                shape.refuse_loss(partition, file, found)
            states[partition.key] = found.state
    return states


def _wanted(
    query: ReportQuery,
    partition: Partition,
    published: Provenance | None,
    state: FileState | None,
    *,
    refresh: bool,
    run_id: str | None,
) -> PartitionRequest | None:
    """What to request of Stripe for a partition; None when the published file answers."""
    request = query.request(partition)
    if published is None or state in {FileState.OTHER_REQUEST, FileState.LACKING_COLUMNS}:
        return PartitionRequest(partition, request, None, run_id, refresh=refresh)
    if refresh if run_id is None else published.run_id != run_id:
        return PartitionRequest(partition, request, published, run_id)
    return None


def _drive(
    client: StripeClient, batch: RunBatch, writer: PartitionWriter, converters: Workers
) -> Iterator[Event | Finished]:
    """The waiting loop: report runs and conversions end in any order."""
    converting: dict[Future[Done], Finished] = {}
    events = batch.open()
    while True:
        for event in events:
            yield event
            if isinstance(event, Finished):
                converting[converters.submit(partial(writer.write, event))] = event
        for future in [each for each in converting if each.done()]:
            finished = converting.pop(future)
            if (end := _end(future, finished, batch)) is not None:
                yield end
        if batch.done and not converting:
            return
        if not any(future.done() for future in converting):
            client.clock.wait([*batch.futures, *converting], batch.due_in())
        events = batch.step()


def _end(future: Future[Done], finished: Finished, batch: RunBatch) -> Done | Missed | None:
    """What became of a finished run's file; None when another run is created instead."""
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, ReportingError):
        raise error
    gone = isinstance(error, InvalidRequestError) and error.status in {404, 410}
    if (gone or isinstance(error, DownloadError)) and batch.reject(finished, error):
        return None
    return Missed(finished.wanted.partition, error, finished.run.id)


def _threads(stack: ExitStack, count: int, name: str) -> DaemonWorkers:
    workers = DaemonWorkers(count, name)
    stack.callback(workers.close)
    return workers
