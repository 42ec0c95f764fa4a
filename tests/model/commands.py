"""One command: an ensure, a refresh, a pull with its policy, or an ensure by run id.

It dies or has company at a call of HTTP, of the file system or of the clock.
"""

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from connector.accounts import AccountLives
from connector.api.client import StripeClient
from connector.api.models import ReportRequest
from connector.cli.pull import find_refreshes
from connector.dataset.provenance import Provenance
from connector.errors import ConfigurationError, DatasetMismatchError, ReportingError
from connector.partitions import Partition
from connector.pipeline.collect import Event, collect
from connector.query import ReportQuery
from connector.runs.adoption import WaitPolicy
from connector.simulator.report_runs import Run
from tests.model.tables import DAYS
from tests.model.world import OTHER_KEY, OWN_KEY, World
from tests.support.workers import InlineWorkers

PATIENCE = WaitPolicy(wait_timeout=timedelta(minutes=10))

#: Seconds that a call takes.
_CALL = 0.2


#: What Python does to files; Arrow's own reading and writing lies between.
_FILE_CALLS = frozenset(
    {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.scandir", "os.listdir", "shutil.rmtree"}
)
#: Called with each path that the command under way touches; the last one counts.
_watching: list[Callable[[str], None]] = []


def _watch(event: str, args: Sequence[object]) -> None:
    if _watching and event in _FILE_CALLS:
        _watching[-1](str(args[0]))


sys.addaudithook(_watch)


class Killed(BaseException):
    """The process is gone. Nothing of ours may catch it."""


@dataclass(frozen=True)
class Command:
    """What somebody asks for.

    Attributes:
        root: whose files.
        keys: the partitions.
        refresh: whether a new file is wanted (`--force`).
        policy: whether files that are due by the restatement policy are refreshed, as by `pull`.
        spelling: how the root is written, an index of `World.spelled`.
        run_ids: runs to take by id, by partition.
        columns: the choice of columns, a key of the table's `queries`.
        api_key: whose account.
    """

    root: int
    keys: Sequence[str]
    refresh: bool = False
    run_ids: dict[str, str] = field(default_factory=dict)
    columns: str = "all"
    api_key: str = OWN_KEY
    policy: bool = False
    spelling: int = 0


@dataclass(frozen=True)
class Interruption:
    """Something happens at the n-th call of a kind, before it or after it.

    The kinds are `call` (of HTTP), `download`, `file` (of the file system) and `clock`.
    """

    call: int
    before: bool
    what: str
    at: str = "call"


@dataclass
class Execution:
    """A command under way, and afterwards what became of it. Times are Stripe's, in unix seconds.

    Attributes:
        before: what could be read of the root's files when it began.
        seen: the same, and again after each time that somebody came between.
        refused: the partitions whose files the file system refused to read.
        wanted: the keys that are asked for: those whose window lies in the life of its account.
        gone: the connected accounts that Stripe refused, when it began or since.
        floors: for each partition, what the file of an ensure must not be older than.
        adoptable: partitions for which a finished run was there that had to be adopted.
        refreshed: keys of partitions for which a new file is wanted.
        made: the runs it created.
        replays: runs older than the command that Stripe's store of answers brought back.
    """

    world: World
    command: Command
    interrupt: Callable[["Execution"], None]
    interruption: Interruption | None = None
    events: list[Event] = field(default_factory=list)
    made: list[Run] = field(default_factory=list)
    replays: list[str] = field(default_factory=list)
    error: ReportingError | None = None
    killed: bool = False
    calls: Counter[str] = field(default_factory=Counter)
    interruption_over: bool = False

    def __post_init__(self) -> None:
        world, command = self.world, self.command
        self.refreshed = set(command.keys if command.refresh else ())
        self.account = world.account_of(command.api_key)
        self.query = world.table.queries[command.columns]
        self.wanted = [key for key in command.keys if world.in_life(key)]
        self.gone = set(world.left)
        self.began = world.simulator.now().timestamp()
        self.ended = self.began
        self.before: dict[str, Provenance] = world.held(command.root)
        self.seen = [self.before]
        self.refused = world.refused(command.root)
        self.floors = {key: world.floor(key, self.account) for key in command.keys}
        self.available_until = world.available_until()
        self.known_runs = {key: world.same_runs(self.request(key), self.account) for key in command.keys}
        self.adoptable = {key for key, runs in self.known_runs.items() if any(map(self._finished(key), runs))}
        self.calm = self.interruption is None and not world.in_trouble

    def request(self, key: str) -> ReportRequest:
        """What is asked for a partition."""
        return self.query.request(self.world.table.partitions[key])

    def refuses(self, key: str) -> bool:
        """Whether Stripe refuses runs about the account of a partition, or did so meanwhile."""
        account = self.world.connected_account(key)
        return account is not None and (account in self.gone or self.command.api_key == OTHER_KEY)

    def answered(self, key: str) -> bool:
        """Whether a file that answers the request was there all the time: another's pull may have put one
        with other columns in its place, and wanting the former ones takes a run of its own then."""
        request = self.request(key)
        return all(key in held and held[key].request == request for held in self.seen)

    def _finished(self, key: str) -> Callable[[Run], bool]:
        """Whether a run has a file that an ensure has to adopt."""
        now, there = self.world.simulator.now(), self.before.get(key)

        def adoptable(run: Run) -> bool:
            made = run.file.created
            return (
                run.has_file(now)
                and run.created >= now.timestamp() - timedelta(days=7).total_seconds() + 60
                and min(made, run.created) >= self.floors[key]
                and (there is None or (run.created > there.run_created.timestamp()))
            )

        return adoptable

    def carry_out(self) -> None:
        """Until it has ended, or died."""
        world, command = self.world, self.command
        http = httpx.Client(transport=httpx.MockTransport(self._handle), timeout=80.0)
        with http:
            clock = world.local_clock()
            clock.watch = lambda when: self._reached({"clock"}, before=when == "before")
            client = StripeClient(command.api_key, http=http, clock=clock, draw=lambda: 0.5)
            _watching.append(self._touches)
            try:
                self._collect(client)
            except Killed:
                self.killed = True
            except ReportingError as error:
                self.error = error
            finally:
                _watching.pop()
        self.ended = world.simulator.now().timestamp()

    def _collect(self, client: StripeClient) -> None:
        command, store = self.command, self.world.spelled(self.command.root, self.command.spelling)
        partitions = self._partitions()
        if command.policy:
            stored = store.readable(self.world.table.dataset, [each.key for each in partitions])[0]
            published = {key: each for key, each in stored.items() if each}
            self.refreshed = {each.key for each in find_refreshes(client, self.query, partitions, published)}
        events = collect(
            client,
            store,
            self.query,
            partitions,
            refresh=self.refreshed,
            drop_columns=command.keys if command.refresh else (),
            run_ids=command.run_ids,
            wait_policy=PATIENCE,
            senders=InlineWorkers(),
            converters=InlineWorkers(),
            draw=lambda: 0.5,
        )
        with contextlib.closing(events):
            for event in events:
                self.events.append(event)

    def _partitions(self) -> Sequence[Partition]:
        """As `pull` makes them of windows and accounts."""
        table, query = self.world.table, self.query
        if not query.dimensions:
            return [table.partitions[key] for key in self.command.keys]
        lives = AccountLives(tuple(self.world.lives.values()))
        found = {each.key: each for each in query.each_account(DAYS, lives)}
        return [found[key] for key in self.command.keys if key in found]

    def _touches(self, path: str) -> None:
        if str(self.world.place) in path or not path.startswith("/"):
            self._reached({"file"}, before=True)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        kinds = {"call"} | ({"download"} if request.url.path.endswith("/contents") else set())
        self._reached(kinds, before=True)
        simulator = self.world.simulator
        runs = len(simulator.runs) if request.method == "POST" else 0
        response = simulator.handle(request)
        if request.method == "POST":
            self.made += simulator.runs[runs:]
            if response.headers.get("Idempotent-Replayed") == "true":
                response = self._note_replay(response)
        self.world.clock.sleep(_CALL)
        self._reached(kinds, before=False)
        return response

    def _note_replay(self, response: httpx.Response) -> httpx.Response:
        content = response.read()
        body = response.json()
        # What has vanished is in no list, so that only its key can bring it to mind.
        found = body.get("object") == "reporting.report_run" and body["created"] < int(self.began)
        if found and self.world.run(body["id"]).plan.vanishes is None:
            self.replays.append(body["id"])
        return httpx.Response(
            response.status_code, headers=response.headers, content=content, request=response.request
        )

    def _reached(self, kinds: set[str], *, before: bool) -> None:
        if self.killed:
            raise Killed
        if before:
            self.calls.update(kinds)
        at = self.interruption
        if at is None or self.interruption_over or at.at not in kinds:
            return
        if self.calls[at.at] == at.call and at.before is before:
            self.interruption_over = True
            if at.what == "kill":
                self.killed = True
                raise Killed
            watching = _watching.copy()
            _watching.clear()
            try:
                self.interrupt(self)
            finally:
                _watching[:] = watching
            self.seen.append(self.world.held(self.command.root))
            self.gone |= self.world.left


def refused_as_another(
    world: World, root: int, query: ReportQuery, partitions: Sequence[Partition]
) -> ReportingError | None:
    """The refusal of a pull in another configuration; None where there is none."""
    with httpx.Client(transport=httpx.MockTransport(world.simulator.handle)) as http:
        client = StripeClient(OWN_KEY, http=http, clock=world.local_clock())
        try:
            list(collect(client, world.stores[root], query, partitions, senders=InlineWorkers()))
        except (ConfigurationError, DatasetMismatchError) as error:
            return error
    return None
