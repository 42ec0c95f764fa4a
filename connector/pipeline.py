"""Many partitions of one report, from question to published Parquet: the whole way, in one loop.

A partition whose kept file answers the same question needs nothing. For the others report runs are
adopted or created and watched together; each one that finishes is fetched, converted and published at
once by a few threads, while the loop goes on watching the rest.
"""

import logging
import random
import threading
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from connector import journal
from connector.adoption import Patience, Wanted
from connector.client import StripeClient
from connector.conversion import convert_report
from connector.dataset import Dataset
from connector.errors import (
    ConfigurationError,
    DownloadError,
    InvalidRequestError,
    ReportingError,
    StoreError,
)
from connector.events import Asked, Done, Event, Finished, Missed, Started, Unfinished, Verdict
from connector.extract import Fetched, fetch
from connector.fields import printable
from connector.hosts import Mode
from connector.models import ReportRequest
from connector.provenance import Provenance
from connector.published import Published
from connector.query import Partition, ReportQuery
from connector.runs import RunBatch
from connector.store import Store
from connector.workers import DaemonWorkers, Workers

__all__ = ["Asked", "Done", "Event", "Missed", "Verdict", "collect"]

_log = logging.getLogger(__name__)

_SENDERS, _CONVERTERS = 8, 2
_LARGE = 64 << 20


def collect(
    client: StripeClient,
    store: Store,
    query: ReportQuery,
    partitions: Sequence[Partition],
    *,
    refresh: Collection[str] = (),
    run_ids: Mapping[str, str] | None = None,
    patience: Patience | None = None,
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
    wanted: list[Wanted] = []
    for found in _there_or_wanted(
        store, dataset, query, by_key.values(), refresh=refresh, run_ids=run_ids or {}
    ):
        if isinstance(found, Wanted):
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
            patience=patience,
            draw=draw,
        )
        landing = _Landing(client, store, query, dataset, staging, draw)
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
) -> Iterator[Done | Wanted]:
    """Of each partition, that its kept file answers, or what to want of Stripe."""
    for partition in partitions:
        key, request = partition.key, query.request(partition)
        kept = store.kept(dataset, key)
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
) -> Wanted | None:
    """What to want of Stripe for a partition; None when the kept file is the answer."""
    if kept is None or kept.request != request:
        return Wanted(partition.key, request, partition.interval, None, run_id, anew=refresh)
    if refresh if run_id is None else kept.run_id != run_id:
        return Wanted(partition.key, request, partition.interval, kept.kept, run_id)
    return None


def _drive(
    client: StripeClient,
    batch: RunBatch,
    landing: "_Landing",
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


def _landed(landing: "_Landing", partition: Partition, event: Finished) -> Callable[[], Done]:
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


@dataclass(slots=True)
class _Landing:
    """From a finished report run to a published file."""

    client: StripeClient
    store: Store
    query: ReportQuery
    dataset: Dataset
    staging: Path
    draw: Callable[[], float]
    told: set[str] = field(default_factory=set)

    def land(self, partition: Partition, finished: Finished) -> Done:
        """Fetch, convert, publish. Raises the errors of each; nothing half-made is left."""
        file = finished.run.result
        if file is None:
            raise DownloadError(f"report run {finished.run.id} succeeded without a file")
        began = self.client.clock.monotonic()
        csv = self.staging / f"{threading.get_ident()}.csv"
        parquet = csv.with_suffix(".parquet")
        try:
            fetched = fetch(self.client, file, csv, draw=self.draw)
            journal.tell_downloaded(self.query, finished, fetched, self.client.clock.monotonic() - began)
            if file.size > _LARGE:
                # Two large conversions at once would take twice the memory, and no less time.
                with _one_large:
                    provenance = self._convert(partition, finished, fetched, parquet)
            else:
                provenance = self._convert(partition, finished, fetched, parquet)
        except OSError as error:
            raise StoreError(f"could not read {csv}: {error.strerror or error}; ask again") from None
        finally:
            csv.unlink(missing_ok=True)
        published = self.store.publish(parquet, self.dataset, provenance)
        before = finished.wanted.kept
        return Done(
            partition,
            published,
            fetched=True,
            reused=before is not None and before.as_of == provenance.as_of and not published.outdated,
            origin=finished.origin,
            waited=finished.waited,
            converted=self.client.clock.monotonic() - began,
        )

    def _convert(
        self, partition: Partition, finished: Finished, fetched: Fetched, parquet: Path
    ) -> Provenance:
        made = convert_report(
            parquet,
            fetched,
            dataset=self.dataset,
            query=self.query,
            partition=partition,
            request=finished.wanted.request,
            run=finished.run,
            now=self.client.now(),
        )
        self._tell_of_drift(made)
        return made

    def _tell_of_drift(self, made: Provenance) -> None:
        """Once for each column, however many files have it."""
        added = [name for name in made.added_columns if name not in self.told]
        withheld = [name for name in made.withheld_columns if name not in self.told]
        self.told.update(added, withheld)
        if added:
            _log.warning(
                "%s: Stripe sends columns that were not asked for, kept as text: %s",
                made.table,
                ", ".join(map(printable, added)),
            )
        if withheld:
            _log.warning(
                "%s: not stored, as they may be personal data and were not asked for: %s. "
                "Name them in `columns` where they are wanted.",
                made.table,
                ", ".join(map(printable, withheld)),
            )


_one_large = threading.Lock()


def _threads(stack: ExitStack, count: int, name: str) -> DaemonWorkers:
    workers = DaemonWorkers(count, name)
    stack.callback(workers.close)
    return workers
