"""One command: an ensure, a refresh, or an ensure by run id. It dies or has company at a call of HTTP."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from connector.api.client import StripeClient
from connector.dataset.provenance import Provenance
from connector.errors import ReportingError
from connector.pipeline.collect import Event, collect
from connector.runs.adoption import WaitPolicy
from connector.simulator import SIMULATED_KEY
from connector.simulator.report_runs import Run
from tests.model.world import BY_KEY, QUERIES, World
from tests.support.workers import InlineWorkers

PATIENCE = WaitPolicy(wait_timeout=timedelta(minutes=10))

#: Seconds that a call takes.
_CALL = 0.2


class Killed(BaseException):
    """The process is gone. Nothing of ours may catch it."""


@dataclass(frozen=True)
class Command:
    """What somebody asks for.

    Attributes:
        root: whose files.
        keys: the partitions.
        refresh: whether a new file is wanted (`--force`).
        run_ids: runs to take by id, by partition.
        columns: the choice of columns, a key of `QUERIES`.
        api_key: whose account.
    """

    root: int
    keys: Sequence[str]
    refresh: bool = False
    run_ids: dict[str, str] = field(default_factory=dict)
    columns: str = "all"
    api_key: str = SIMULATED_KEY


@dataclass(frozen=True)
class Interruption:
    """Something happens at the n-th call, or download, before Stripe has it or after it has answered."""

    call: int
    before: bool
    what: str
    download: bool = False


@dataclass
class Execution:
    """A command under way, and afterwards what became of it. Times are Stripe's, in unix seconds.

    Attributes:
        before: what could be read of the root's files when it began.
        floors: for each partition, what the file of an ensure must not be older than.
        adoptable: partitions for which a finished run was there that had to be adopted.
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
    calls: int = 0
    interruption_over: bool = False

    def __post_init__(self) -> None:
        world, command = self.world, self.command
        self.account = world.account_of(command.api_key)
        self.query = QUERIES[command.columns]
        self.began = world.simulator.now().timestamp()
        self.ended = self.began
        self.before: dict[str, Provenance] = world.held(command.root)
        self.floors = {key: world.floor(BY_KEY[key], self.account) for key in command.keys}
        self.available_until = world.available_until()
        self.known_runs = {
            key: world.same_runs(self.query.request(BY_KEY[key]), self.account) for key in command.keys
        }
        self.had_pending = {
            key
            for key, runs in self.known_runs.items()
            if any(run.status(world.simulator.now()) == "pending" for run in runs)
        }
        self.adoptable = {key for key, runs in self.known_runs.items() if any(map(self._finished(key), runs))}
        self.calm = self.interruption is None and not world.simulator.faults._active

    def _finished(self, key: str) -> Callable[[Run], bool]:
        """Whether a run has a file that an ensure has to adopt."""
        now, there = self.world.simulator.now(), self.before.get(key)

        def adoptable(run: Run) -> bool:
            made = run.file.created
            return (
                run.has_file(now)
                and run.created >= now.timestamp() - timedelta(days=7).total_seconds() + 60
                and made >= self.floors[key]
                and (there is None or (run.created > there.run_created.timestamp()))
            )

        return adoptable

    def carry_out(self) -> None:
        """Until it has ended, or died."""
        world, command = self.world, self.command
        http = httpx.Client(transport=httpx.MockTransport(self._handle), timeout=80.0)
        with http:
            client = StripeClient(command.api_key, http=http, clock=world.local_clock(), draw=lambda: 0.5)
            events = collect(
                client,
                world.stores[command.root],
                self.query,
                [BY_KEY[key] for key in command.keys],
                refresh=command.keys if command.refresh else (),
                run_ids=command.run_ids,
                wait_policy=PATIENCE,
                senders=InlineWorkers(),
                converters=InlineWorkers(),
                draw=lambda: 0.5,
            )
            try:
                for event in events:
                    self.events.append(event)
            except Killed:
                self.killed = True
            except ReportingError as error:
                self.error = error
            finally:
                events.close()
        self.ended = world.simulator.now().timestamp()

    def _handle(self, request: httpx.Request) -> httpx.Response:
        at = self.interruption
        self.calls += at is None or not at.download or request.url.path.endswith("/contents")
        self._maybe_interrupted(before=True)
        simulator = self.world.simulator
        runs = len(simulator.runs) if request.method == "POST" else 0
        response = simulator.handle(request)
        if request.method == "POST":
            self.made += simulator.runs[runs:]
            if response.headers.get("Idempotent-Replayed") == "true":
                response = self._note_replay(response)
        self.world.clock.sleep(_CALL)
        self._maybe_interrupted(before=False)
        return response

    def _note_replay(self, response: httpx.Response) -> httpx.Response:
        content = response.read()
        body = response.json()
        if body.get("object") == "reporting.report_run" and body["created"] < int(self.began):
            self.replays.append(body["id"])
        return httpx.Response(
            response.status_code, headers=response.headers, content=content, request=response.request
        )

    def _maybe_interrupted(self, *, before: bool) -> None:
        if self.killed:
            raise Killed
        at = self.interruption
        if at is not None and not self.interruption_over and at.call == self.calls and at.before is before:
            self.interruption_over = True
            if at.what == "kill":
                self.killed = True
                raise Killed
            self.interrupt(self)
