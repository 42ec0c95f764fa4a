"""The simulated Stripe as one object: a function from request to response, with a clock of its own.

It has no threads, opens nothing and reads no environment; `server` puts it behind a port.
"""

import re
import threading
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import httpx

from connector.clock import Clock, SystemClock
from connector.simulator.api.endpoints import Stripe, dressed, respond
from connector.simulator.api.keys import Keyring
from connector.simulator.api.rate_limits import Limiter
from connector.simulator.books.entries import Entry, Owner
from connector.simulator.books.ledger import Ledger
from connector.simulator.books.seeded_random import token, unit
from connector.simulator.faults import Faults, RequestContext, Stage
from connector.simulator.protocol import httpx_transport as transport
from connector.simulator.protocol.messages import Call, Outcome, Reply, Sleep
from connector.simulator.report_runs import Run, Runs
from connector.simulator.report_types.observed import REPORT_TYPES
from connector.simulator.report_types.report_type import ReportType, prepared

OPENING = date(2023, 1, 1)
"""The first day with data, unless another is given."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it was dealt with.

    `status` is the one answered, None where no answer was delivered; `run` and `report_type` are what the
    request was about, empty where that is not known. `body` is the form as sent. The API key is not kept.
    """

    method: str
    path: str
    query: str
    status: int | None
    time: datetime
    request_id: str
    run: str
    report_type: str
    idempotency_key: str | None
    account: str | None
    version: str | None
    range: str | None
    body: str


class Simulator:
    """A Stripe for tests, demo and development.

    >>> sim = Simulator(seed=1, run_seconds=0)
    >>> http = httpx.Client(transport=httpx.MockTransport(sim.handle), auth=(SIMULATED_KEY, ""))

    Its world begins on `opening` and is known up to the clock's now.

    Args:
        clock: time; the machine's own by default.
        seed: the same seed tells the same story, in any process.
        run_seconds: how long runs take, or the bounds to draw from; 0 answers the POST with `succeeded`.
        reuse: an identical request is answered at once with an earlier file that is no older than this.
        opening: the first UTC day with data, for every account.
        volume: usual number of sales a day.
        account: the account that keys belong to; made up from the seed by default.
        keys: the keys accepted, each with its permissions (`keys.REPORTS_READ`, …); by default every
            well-formed key with all of them.
        connected_accounts: the accounts connected to `account`, each with books of its own, and what
            `Stripe-Account` may name; by default three are connected, and it may name any.
        report_types: what exists; by default what is documented, and the three in `observed_types`.
        extra_categories: balance summaries carry the categories seen in exports of 2026.
        payouts_without_currency: payout rows of balance summaries have no currency.
        limiter: rate limits; none by default.
        max_pending_runs: more pending runs than this are refused with 429.
        log_length: how many requests `requests` remembers.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        run_seconds: float | tuple[float, float] = (5.0, 15.0),
        reuse: timedelta | None = None,
        opening: date = OPENING,
        volume: int = 25,
        account: str | None = None,
        keys: Mapping[str, Collection[str]] | None = None,
        connected_accounts: Collection[str] | None = None,
        report_types: Collection[ReportType] = REPORT_TYPES,
        extra_categories: bool = False,
        payouts_without_currency: bool = False,
        limiter: Limiter | None = None,
        max_pending_runs: int | None = None,
        log_length: int = 1_000_000,
    ) -> None:
        self.seed = seed
        self.faults = Faults(seed)
        self.account = account or f"acct_1{token(15, seed, 'account')}"
        self.connected_accounts = tuple(_made_up(seed) if connected_accounts is None else connected_accounts)
        self.keyring = Keyring(self.account, keys, connected_accounts)
        self._clock = clock or SystemClock()
        self._opening, self._volume = opening, volume
        self._ledgers: dict[Owner, Ledger] = {}
        self._log: deque[Seen] = deque(maxlen=log_length)
        self._count = 0
        self._lock = threading.Lock()
        self._stripe = Stripe(
            seed=seed,
            keyring=self.keyring,
            report_types={report_type.id: report_type for report_type in report_types},
            ledger=self.ledger,
            connected=self.connected_accounts,
            run_seconds=lambda number: _duration(run_seconds, seed, number),
            reuse=None if reuse is None else reuse.total_seconds(),
            runs=Runs(seed),
            faults=self.faults,
            limiter=limiter,
            max_pending_runs=max_pending_runs,
            summary_options={
                "extra_categories": extra_categories,
                "payouts_without_currency": payouts_without_currency,
            },
        )

    @property
    def runs(self) -> list[Run]:
        """Every run made, for all accounts and modes, oldest first."""
        return self._stripe.runs.everything()

    @property
    def requests(self) -> list[Seen]:
        """Every request seen, in the order answered."""
        with self._lock:
            return list(self._log)

    def now(self) -> datetime:
        """The simulator's time, UTC."""
        return self._clock.now()

    def ledger(self, owner: Owner | None = None) -> Ledger:
        """The books of an account in one mode; by default of the keys' own account in test mode."""
        owner = owner or Owner(self.account, livemode=False)
        with self._lock:
            if owner not in self._ledgers:
                self._ledgers[owner] = Ledger(
                    owner, seed=self.seed, opening=self._opening, volume=self._volume
                )
            return self._ledgers[owner]

    def end(self, run_id: str) -> None:
        """Let a pending run end now, as its fate has it: also one that would have hung for ever."""
        self._stripe.runs.end(run_id, now=self._clock.now())

    def set_available_until(self, report_type: str, end: datetime | None) -> None:
        """Hold `data_available_end` of a type at `end`, before or after its own; None lets it go."""
        if end is None:
            self._stripe.ends.pop(report_type, None)
        else:
            self._stripe.ends[report_type] = int(end.timestamp())

    def book_late(self, entry: Entry, *, owner: Owner | None = None) -> None:
        """Add a row to a closed day, known from now on: runs made after the next preparation show it."""
        now = int(self._clock.now().timestamp())
        self.ledger(owner).book_late([replace(entry, known_from=now)])

    def csv(self, report_type: str, *, owner: Owner | None = None, **parameters: Any) -> bytes:
        """The truth to compare with: what the file of such a run, made now, says. Faults do not touch it.

        `parameters` are typed as Stripe echoes them; columns and zone have their defaults.
        """
        known = self._stripe.report_types[report_type]
        usual = {"columns": list(known.default_columns)} if known.default_columns else {}
        complete = {**usual, **parameters}
        as_of = prepared(int(self._clock.now().timestamp()))
        return self._stripe.write(known, complete, owner or Owner(self.account, livemode=False), as_of)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer as Stripe would; for `httpx.MockTransport`.

        Raises:
            httpx.TransportError: a fault took the answer away, as the network would.
        """
        return transport.exchange(self, request, self._clock.sleep)

    def answer(
        self, method: str, url: httpx.URL, headers: httpx.Headers, body: bytes, *, sleep: Sleep
    ) -> Reply:
        """The answer, and how it travels, whatever the transport. Delays are slept with `sleep`."""
        call = self._call(method, url, headers, body)
        occasion = self._occasion(call)
        reply: Reply | None = None
        for fault in self.faults.striking(Stage.BEFORE, occasion):
            sleep(fault.delay())
            call = fault.arrive(call)
            reply = fault.reply(call, None)
            if reply is not None:
                break
        if reply is None:
            reply = self._executed(replace(call, at=self._clock.now()), occasion, sleep)
        else:
            reply = dressed(reply, call)
        self._note(call, occasion, reply)
        return replace(reply, body=b"") if method == "HEAD" else reply

    def _executed(self, call: Call, occasion: RequestContext, sleep: Sleep) -> Reply:
        reply = respond(self._stripe, call, sleep)
        for fault in self.faults.striking(Stage.AFTER, _with_new_run(occasion, reply)):
            sleep(fault.delay())
            reply = fault.reply(call, reply) or reply
        return reply

    def _call(self, method: str, url: httpx.URL, headers: httpx.Headers, body: bytes) -> Call:
        now = self._clock.now()
        with self._lock:
            self._count += 1
            number = self._count
        return Call(
            method=method,
            origin=f"{url.scheme}://{url.netloc.decode()}",
            host=url.host,
            path=url.path,
            query=url.query.decode(),
            headers=headers,
            body=body,
            request_id=f"req_{token(14, self.seed, 'request', number, int(now.timestamp()))}",
            at=now,
        )

    def _occasion(self, call: Call) -> RequestContext:
        if call.method == "POST":
            return RequestContext(call.method, call.path, _report_type_in(call.body), call=call)
        match = re.search(r"/((?:frr|file)_\w+)", call.path)
        run = self._stripe.runs.about(match[1]) if match else None
        if run is None:
            return RequestContext(call.method, call.path, call=call)
        return RequestContext(call.method, call.path, run.report_type, run.id, call)

    def _note(self, call: Call, occasion: RequestContext, reply: Reply) -> None:
        about = _with_new_run(occasion, reply)
        delivered = reply.delivery.outcome is Outcome.DELIVERED
        seen = Seen(
            call.method,
            call.path,
            call.query,
            reply.status if delivered else None,
            call.at,
            call.request_id,
            about.run,
            about.report_type,
            call.headers.get("Idempotency-Key"),
            call.headers.get("Stripe-Account"),
            call.headers.get("Stripe-Version"),
            call.headers.get("Range"),
            call.body.decode("utf-8", "replace"),
        )
        with self._lock:
            self._log.append(seen)


def _made_up(seed: int) -> list[str]:
    """The accounts connected to one's own, unless others are given."""
    return [f"acct_1{token(15, seed, 'connected', number)}" for number in range(3)]


def _duration(bounds: float | tuple[float, float], seed: int, number: int) -> float:
    if not isinstance(bounds, tuple):
        return float(bounds)
    low, high = bounds
    return low + (high - low) * unit(seed, "duration", number)


def _report_type_in(body: bytes) -> str:
    match = re.search(rb"(?:^|&)report_type=([\w.]+)", body)
    return match[1].decode() if match else ""


def _with_new_run(occasion: RequestContext, reply: Reply) -> RequestContext:
    """The occasion, aware of the run that a POST has just made."""
    match = re.search(rb'"id": "(frr_\w+)"', reply.body) if occasion.method == "POST" else None
    return replace(occasion, run=match[1].decode()) if match else occasion
