"""Many partitions of one report, from question to published Parquet: the whole way, in one loop.

A partition whose kept file answers the same question needs nothing. For the others report runs are
adopted or created and watched together; each one that finishes is fetched, converted and published at
once by a few threads, while the loop goes on watching the rest.
"""

import random
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack

from connector.api.client import StripeClient
from connector.api.models import Mode, ReportRequest
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance, Published
from connector.dataset.store import Store
from connector.errors import (
    ConfigurationError,
    DownloadError,
    InvalidRequestError,
    ReportingError,
)
from connector.partitions import Partition
from connector.pipeline import log as journal
from connector.pipeline.events import Asked, Done, Event, Missed, Outcome
from connector.pipeline.landing import PartitionWriter
from connector.query import ReportQuery
from connector.runs.adoption import PartitionRequest, WaitPolicy
from connector.runs.batch import RunBatch
from connector.runs.events import Finished, Started, Unfinished
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
    run_ids: Mapping[str, str] | None = None,
    wait_policy: WaitPolicy | None = None,
    senders: Workers | None = None,
    converters: Workers | None = None,
    draw: Callable[[], float] = random.random,
) -> Generator[Event, None, None]:
    """Bring every partition into the dataset; yields what happens as it happens.

    Each partition ends in exactly one `Done` or `Missed`. A partition is published before its `Done` is
    yielded, so whoever is killed in between finds it kept the next time. Closing the iterator stops the
    work; runs at Stripe go on and are adopted by the next attempt.

    Args:
        refresh: keys of partitions to ask anew although a kept file or a finished run answers.
        run_ids: keys to report runs to take by id, whatever their age.
        senders, converters: where requests and conversions are carried out; threads when None.

    Raises:
        ConfigurationError: the report type exists in live mode alone, and the key is a test key.
        DatasetMismatchError: the table was made from another question. Nothing was sent.
        ReportingError: the shared reads failed, so that nothing can be said of any partition.
    """
    if query.spec.live_only and client.mode is Mode.TEST:
        raise ConfigurationError(
            f"{query.spec.id} needs a live-mode key: Stripe has it in live mode alone, and this is a test key"
        )
    dataset = query.dataset(mode=client.mode, account=client.account)
    store.check(dataset)
    by_key = {partition.key: partition for partition in partitions}
    wanted: list[PartitionRequest] = []
    for found in _there_or_wanted(
        store, dataset, query, by_key.values(), refresh=refresh, run_ids=run_ids or {}
    ):
        if isinstance(found, PartitionRequest):
            wanted.append(found)
        else:
            yield journal.told(query, found)
    if not wanted:
        return
    with ExitStack() as stack:
        staging = stack.enter_context(store.staging())
        batch = RunBatch(
            client,
            wanted,
            workers=senders or _threads(stack, _SENDERS, "stripe"),
            wait_policy=wait_policy,
            draw=draw,
        )
        landing = PartitionWriter(client, store, query, dataset, staging, draw)
        workers = converters or _threads(stack, _CONVERTERS, "convert")
        for event in _drive(client, batch, landing, workers, by_key):
            yield journal.told(query, event)


def _there_or_wanted(
    store: Store,
    dataset: Dataset,
    query: ReportQuery,
    partitions: Iterable[Partition],
    *,
    refresh: Collection[str],
    run_ids: Mapping[str, str],
) -> Iterator[Done | PartitionRequest]:
    """Of each partition, that its kept file answers, or what to want of Stripe."""
    for partition in partitions:
        key, request = partition.key, query.request(partition)
        kept = store.provenance(dataset, key)
        wanted = _wanted(request, partition, kept, refresh=key in refresh, run_id=run_ids.get(key))
        if wanted:
            yield wanted
        elif kept:
            there = Published(store.uri(dataset, key), kept, None, outdated=False)
            yield Done(partition, there, fetched=False)


def _wanted(
    request: ReportRequest,
    partition: Partition,
    kept: Provenance | None,
    *,
    refresh: bool,
    run_id: str | None,
) -> PartitionRequest | None:
    """What to want of Stripe for a partition; None when the kept file is the answer."""
    if kept is None or kept.request != request:
        return PartitionRequest(partition.key, request, partition.interval, None, run_id, anew=refresh)
    if refresh if run_id is None else kept.run_id != run_id:
        return PartitionRequest(partition.key, request, partition.interval, kept.kept, run_id)
    return None


def _drive(
    client: StripeClient,
    batch: RunBatch,
    landing: "PartitionWriter",
    converters: Workers,
    by_key: Mapping[str, Partition],
) -> Iterator[Event]:
    """The waiting loop: report runs and conversions end in any order."""
    converting: dict[Future[Done], Finished] = {}
    events = batch.open()
    while True:
        for event in events:
            partition = by_key[event.wanted.key]
            match event:
                case Started():
                    yield Asked(partition, event.run.id, event.origin)
                case Unfinished():
                    yield Missed(partition, event.error, event.run_id)
                case Finished():
                    journal.tell_ready(landing.query, event)
                    converting[converters.submit(_landed(landing, partition, event))] = event
        for future in [each for each in converting if each.done()]:
            finished = converting.pop(future)
            if (outcome := _outcome(future, finished, by_key, batch)) is not None:
                yield outcome
        if batch.done and not converting:
            return
        if not any(future.done() for future in converting):
            client.clock.wait([*batch.futures, *converting], batch.due_in())
        events = batch.step()


def _landed(landing: "PartitionWriter", partition: Partition, event: Finished) -> Callable[[], Done]:
    return lambda: landing.land(partition, event)


def _outcome(
    future: "Future[Done]", finished: Finished, by_key: Mapping[str, Partition], batch: RunBatch
) -> Done | Missed | None:
    """What became of a finished run's file; None when another run is asked for instead."""
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, ReportingError):
        raise error
    gone = isinstance(error, InvalidRequestError) and error.status in {404, 410}
    if (gone or isinstance(error, DownloadError)) and batch.reject(finished, error):
        return None
    return Missed(by_key[finished.wanted.key], error, finished.run.id)


def _threads(stack: ExitStack, count: int, name: str) -> DaemonWorkers:
    workers = DaemonWorkers(count, name)
    stack.callback(workers.close)
    return workers
