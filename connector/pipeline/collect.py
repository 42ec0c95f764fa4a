"""Many partitions of one report, from request to published Parquet: the whole way, in one loop.

A partition whose published file answers the same request needs nothing. For the others report runs are
adopted or created and polled together; each one that finishes is fetched, converted and published at once
by a few threads, while the loop goes on with the rest.
"""

import random
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from connector.api.client import StripeClient
from connector.api.models import Mode
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance, Published
from connector.dataset.store import Store
from connector.errors import ConfigurationError, InternalError, ReportingError
from connector.partitions import Partition
from connector.pipeline.conversion import load_arrow
from connector.pipeline.conversions import Conversions, Unpublished
from connector.pipeline.events import Answered, Asked, Done, Event, Finished, Missed, Outcome
from connector.pipeline.landing import PartitionWriter
from connector.pipeline.log import StepLog
from connector.pipeline.ownership import confirm_owner
from connector.pipeline.plan import FindDue, Plan, Planner
from connector.pipeline.reconversion import ConfiguredShape, Reconversion, converted_again
from connector.query import ReportQuery
from connector.runs.adoption import PartitionRequest, WaitPolicy
from connector.runs.batch import RunBatch
from connector.runs.threads import DaemonWorkers, Workers
from connector.text import get_logger

__all__ = ["Asked", "Done", "Event", "Missed", "Outcome", "collect"]

_log = get_logger(__name__)

#: Twenty files a second may be fetched: so many threads do, where each answer takes 0.4 seconds.
_SENDERS, _CONVERTERS = 8, 8


def collect(
    client: StripeClient,
    store: Store,
    query: ReportQuery,
    partitions: Sequence[Partition],
    *,
    refresh: Collection[str] = (),
    find_due: FindDue | None = None,
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

    What is published and answers is left as it is, however old, unless `refresh` or `find_due` names it. When
    Stripe's restatements make a file due for that is decided in `runs.restatement`: the command `pull` has it
    asked as `find_due`, and the sensors ask there first.

    Each partition ends in exactly one `Done` or `Missed`, whatever goes wrong with another one. It is
    published before its `Done` is yielded, so that after a kill in between the next attempt finds its file.
    Closing the iterator stops the work; runs at Stripe go on and are adopted by the next attempt.

    Args:
        refresh: keys of partitions that get a new report run although a published file or a finished run
            answers.
        find_due: says which others do, of some partitions at a time and by what their published files say of
            themselves. It is called before any report run is created.
        published: keys to what `store.provenance` has for them, as far as the caller has read that already.
        run_ids: keys to report runs to take by id, however long they have been pending.
        drop_columns: keys of partitions whose file may be replaced by one that lacks columns; those to
            `refresh` when None.
        reconvert: convert published files again whose columns or types are not those configured now.
        senders, converters: where requests and conversions are carried out; threads when None.

    Raises:
        ConfigurationError: the report type exists in live mode alone, and the key is a test key; or it takes
            no interval, and the partitions are windows; or they are other windows than the query's.
        DatasetMismatchError: the table is of another report configuration or of another account, or a file
            would be replaced by one that lacks columns. Nothing was requested, and all that ended before was
            there already.
        ReportingError: the shared reads failed, so that nothing is known of any partition that has not ended.
    """
    if query.spec.live_only and client.mode is Mode.TEST:
        raise ConfigurationError(
            f"{query.spec.id} needs a live-mode key: Stripe has it in live mode alone, and this is a test key"
        )
    query.refuse_other_windows(partitions)
    dataset = query.dataset(mode=client.mode, account=client.account)
    money = store.money(dataset)
    wanted = {each.key: each for each in partitions}
    planner = Planner(
        store,
        dataset,
        query,
        ConfiguredShape(query, money),
        published or {},
        frozenset(refresh),
        run_ids or {},
        droppable=frozenset(refresh if drop_columns is None else drop_columns),
        reconvert=reconvert,
        find_due=find_due,
    )
    with ExitStack() as stack:
        pull = _Pull(client, store, query, dataset, money, wait_policy, senders, converters, draw, stack)
        yield from each_ends_once(wanted, pull.events(planner.plans(list(wanted.values()))))


def each_ends_once(wanted: Mapping[str, Partition], events: Iterator[Event]) -> Iterator[Event]:
    """The same events, of which each partition has exactly one that ends it."""
    left = dict(wanted)
    for event in events:
        if isinstance(event, Asked) or left.pop(event.partition.key, None) is not None:
            yield event
        else:
            _log.error("%s ended twice, please report it: %s", event.partition.key, event)
    for key, partition in left.items():
        _log.error("%s has not ended, please report it", key)
        yield Missed(partition, InternalError("it ended without an outcome"), None)


@dataclass(frozen=True, slots=True)
class _Pull:
    """One call of `collect`, carried out."""

    client: StripeClient
    store: Store
    query: ReportQuery
    dataset: Dataset
    money: str
    wait_policy: WaitPolicy | None
    senders: Workers | None
    converters: Workers | None
    draw: Callable[[], float]
    stack: ExitStack

    def events(self, plans: Iterator[Plan]) -> Iterator[Event]:
        """What happens, each step logged."""
        log = StepLog(self.query)
        for event in self._steps(plans, log):
            log(event)
            if not isinstance(event, Finished):
                yield event

    def _steps(self, plans: Iterator[Plan], log: StepLog) -> Iterator[Event | Finished]:
        wanted: list[PartitionRequest] = []
        older: list[Reconversion] = []
        for plan in plans:
            yield from plan.unread
            for partition, published in plan.there:
                yield self._done(partition, published)
            wanted += plan.wanted
            older += plan.older
        if wanted or older:
            staging = self.stack.enter_context(self.store.staging())
            writer = PartitionWriter(
                self.client, self.store, self.query, self.dataset, self.money, staging, self.draw, log
            )
            converters = self.converters or self._threads(_CONVERTERS, "convert")
            if wanted:
                # Before a report run is created for nothing.
                self.store.rehearse()
                yield from self._fetched(wanted, Conversions(writer, converters, self.client.clock))
            yield from converted_again(self.client, writer, converters, older)

    def _fetched(
        self, wanted: Sequence[PartitionRequest], conversions: Conversions
    ) -> Iterator[Event | Finished]:
        """The waiting loop: report runs and conversions end in any order."""
        accounts = len({each.partition.acting_for for each in wanted})
        creators = self.senders or self._threads(_SENDERS, "create")
        creators.submit(load_arrow)
        batch = RunBatch(
            self.client,
            wanted,
            creators=creators,
            pollers=self.senders or self._threads(min(accounts, _SENDERS), "poll"),
            wait_policy=self.wait_policy,
            draw=self.draw,
        )
        events = batch.open()
        # Nothing has been created yet, and a run that the list shows need not be looked up.
        confirm_owner(self.client, self.store, self.dataset, listed=batch.listed)
        while True:
            for event in events:
                if isinstance(event, Answered):
                    yield self._done(event.partition, event.published)
                    continue
                yield event
                if isinstance(event, Finished):
                    conversions.begin(event)
            for ended in conversions.take(self.client.now()):
                if isinstance(ended, Done):
                    yield ended
                elif not (ended.replace and batch.reject(ended.finished, ended.error)):
                    yield _missed(ended)
            if batch.done and conversions.done:
                return
            if not conversions.ended:
                due_in = conversions.due_in(batch.due_in(idle=conversions.idle))
                self.client.clock.wait([*batch.futures, *conversions.futures], due_in)
            conversions.resume()
            events = batch.step()

    def _done(self, partition: Partition, published: Provenance) -> Done:
        """The published file is the answer."""
        uri = self.store.uri(self.dataset, partition.key)
        return Done(partition, Published(uri, published, None, outdated=False), fetched=False)

    def _threads(self, count: int, name: str) -> DaemonWorkers:
        workers = DaemonWorkers(count, name)
        self.stack.callback(workers.close)
        return workers


def _missed(ended: Unpublished) -> Missed:
    error, finished = ended.error, ended.finished
    known = error if isinstance(error, ReportingError) else InternalError.of(error)
    return Missed(finished.wanted.partition, known, finished.run.id)
