"""The simulated Stripe as one object: a function from request to response, with a clock as an argument.

It has no threads, opens no connections and reads no environment; `server` puts it behind a port.
"""

import re
import threading
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import httpx

from connector.clock import Clock, SystemClock
from connector.simulator.api.backend import Backend
from connector.simulator.api.endpoints import respond, with_usual_headers
from connector.simulator.api.keys import Keyring
from connector.simulator.api.rate_limits import Limiter
from connector.simulator.books.entries import Entry
from connector.simulator.books.ledger import Ledger
from connector.simulator.books.seeded_random import token, uniform
from connector.simulator.faults import Faults, RequestContext, Stage
from connector.simulator.protocol import httpx_transport as transport
from connector.simulator.protocol.errors import no_access, no_such
from connector.simulator.protocol.messages import Call, Outcome, Reply, Sleep
from connector.simulator.report_runs import Run, Runs
from connector.simulator.report_types.observed import REPORT_TYPES
from connector.simulator.report_types.report_type import ReportType, prepared

#: The first day with data by default.
OPENING = date(2023, 1, 1)

#: How many requests are remembered.
_LOGGED = 1_000_000


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request in the log, without its API key.

    `status` is None where no answer was delivered; `run` and `report_type` are what the request was about,
    empty where that is not known; `body` is the form as sent.
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

    Every account has one set of books, the same for its live and test keys, from `opening` up to the clock's
    now; `livemode` in the answers follows the key.

    Args:
        clock: time; the machine's own by default.
        seed: the same seed gives the same books, in any process.
        run_seconds: how long runs take, or the bounds to draw from; 0 answers the POST with `succeeded`.
        opening: the first UTC day with data, for every account.
        volume: usual number of sales a day.
        account: the account that keys belong to; made up from the seed by default.
        keys: the keys accepted, each with its permissions (`keys.REPORTS_READ`, …); by default every
            well-formed key with all of them.
        connected_accounts: the accounts connected to `account`, each with books of its own, and what
            `Stripe-Account` may name; by default three are connected, and it may name any.
        platform: the account is a platform that takes application fees from the accounts connected to it,
            pays Stripe's fees for them and transfers money to them; by default they share nothing.
        report_types: what exists; by default the documented types and those in `observed`.
        extra_categories: balance summaries have the lines seen in exports; else the four documented ones.
        payouts_without_currency: payout rows of balance summaries have a null currency.
        vat_on_fees: the VAT on a fee in euros is a balance transaction of its own, three seconds after the
            fee and with the same description; by default it is a part of the fee.
        limiter: rate limits; none by default.
        max_pending_runs: with so many pending runs a further one is a 429.
        bounds_excluded: an interval has to begin a second after the data do and end a second before they do,
            as Stripe's reference says; by default it may touch both ends, as in Stripe's guide.

    Attributes:
        account: the account that keys belong to.
        connected_accounts: the accounts connected to it.
        faults: what goes wrong; nothing by default.
        keyring: the keys accepted.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        run_seconds: float | tuple[float, float] = (5.0, 15.0),
        opening: date = OPENING,
        volume: int = 25,
        account: str | None = None,
        keys: Mapping[str, Collection[str]] | None = None,
        connected_accounts: Collection[str] | None = None,
        platform: bool = False,
        report_types: Collection[ReportType] = REPORT_TYPES,
        extra_categories: bool = True,
        payouts_without_currency: bool = False,
        vat_on_fees: bool = False,
        limiter: Limiter | None = None,
        max_pending_runs: int | None = None,
        bounds_excluded: bool = False,
    ) -> None:
        self.seed = seed
        self.faults = Faults(seed)
        self.account = account or f"acct_1{token(15, seed, 'account')}"
        self.connected_accounts = tuple(
            _default_connected_accounts(seed) if connected_accounts is None else connected_accounts
        )
        self.keyring = Keyring(self.account, keys, connected_accounts)
        self._clock = clock or SystemClock()
        self._opening, self._volume, self._vat_on_fees = opening, volume, vat_on_fees
        self._platform = self.connected_accounts if platform else ()
        self._ledgers: dict[str, Ledger] = {}
        self._log: deque[LoggedRequest] = deque(maxlen=_LOGGED)
        self._count = 0
        self._lock = threading.Lock()
        summary_options = {
            "extra_categories": extra_categories,
            "payouts_without_currency": payouts_without_currency,
        }
        self._backend = Backend(
            seed=seed,
            keyring=self.keyring,
            report_types={report_type.id: report_type for report_type in report_types},
            connected=self.connected_accounts,
            ledger=self.ledger,
            books_id=self.books_id,
            run_seconds=lambda number: _duration(run_seconds, seed, number),
            runs=Runs(seed),
            faults=self.faults,
            limiter=limiter,
            max_pending_runs=max_pending_runs,
            bounds_excluded=bounds_excluded,
            summary_options=summary_options,
        )

    @property
    def runs(self) -> list[Run]:
        """Every run created, for all accounts and modes, oldest first."""
        return self._backend.runs.all()

    @property
    def requests(self) -> list[LoggedRequest]:
        """The log of requests, in the order answered."""
        with self._lock:
            return list(self._log)

    def now(self) -> datetime:
        """The simulator's time, UTC."""
        return self._clock.now()

    def add_account(self, key: str, account: str) -> None:
        """Let `key` belong to another account, which has books of its own and nothing connected to it."""
        self.keyring.other_accounts[key] = account

    def leave(self, account: str, *, status: int = 400) -> None:
        """Let a connected account leave: new runs about it are refused. Those about all still have its rows.

        Args:
            status: 400 for "No such account", 403 for `account_invalid`, which `Stripe-Account` gets anyway.
        """
        if status == 403:
            error = no_access(account)
        else:
            error = no_such("account", account, param="parameters[connected_account]", status=400)
        self._backend.left[account] = error
        self.keyring.left.add(account)

    def come_back(self, account: str) -> None:
        """Let an account that has left be connected again, with the books it had."""
        del self._backend.left[account]
        self.keyring.left.discard(account)

    def ledger(self, account: str | None = None) -> Ledger:
        """The books of an account, by default of `self.account`."""
        account = account or self.account
        with self._lock:
            if account not in self._ledgers:
                self._ledgers[account] = Ledger(
                    account,
                    seed=self.seed,
                    opening=self._opening,
                    volume=self._volume,
                    vat_on_fees=self._vat_on_fees,
                    platform=self._platform if account in {self.account, *self._platform} else (),
                )
            return self._ledgers[account]

    def books_id(self, account: str | None = None) -> str:
        """The identity of an account's books, sent as `Simulator-Books`: all that its reports depend on, and
        those of the accounts that it acts for.

        Where it is the same, also in another process, reports are the same, late rows and faults apart.
        """
        account = account or self.account
        connected = self.connected_accounts if account == self.account else ()
        options = [*map(str, self._backend.summary_options.values()), *(["vat"] if self._vat_on_fees else [])]
        options += self._platform
        return token(12, self.seed, "books", account, *connected, f"{self._opening}", self._volume, *options)

    def end(self, run_id: str) -> None:
        """Let a pending run end now, also one that would not end."""
        self._backend.runs.end(run_id, now=self._clock.now())

    def set_available_from(self, report_type: str, start: datetime) -> None:
        """Set `data_available_start` of a type, such as midnight in the account's zone."""
        self._backend.starts[report_type] = int(start.timestamp())

    def set_available_until(self, report_type: str, end: datetime | None) -> None:
        """Set `data_available_end` of a type, before or after its own; None goes back to that."""
        if end is None:
            self._backend.ends.pop(report_type, None)
        else:
            self._backend.ends[report_type] = int(end.timestamp())

    def book_late(self, entry: Entry, *, account: str | None = None) -> None:
        """Add a row to a closed day: runs created after the next preparation of data show it."""
        now = int(self._clock.now().timestamp())
        self.ledger(account).book_late(replace(entry, known_from=now))

    def csv(self, report_type: str, *, account: str | None = None, **parameters: Any) -> bytes:
        """The file of such a run, created now, without any faults: the truth to compare with.

        `parameters` are typed as Stripe echoes them; columns and zone have their defaults.
        """
        known = self._backend.report_types[report_type]
        defaults = {"columns": list(known.default_columns)} if known.default_columns else {}
        as_of = prepared(int(self._clock.now().timestamp()))
        return self._backend.write(known, {**defaults, **parameters}, account or self.account, as_of)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer as Stripe would; for `httpx.MockTransport`.

        Raises:
            httpx.TransportError: a fault broke the connection.
        """
        return transport.exchange(self, request, self._clock.sleep)

    def answer(
        self, method: str, url: httpx.URL, headers: httpx.Headers, body: bytes, *, sleep: Sleep
    ) -> Reply:
        """The answer, and how it is delivered, for any transport. Delays go to `sleep`."""
        call = self._call(method, url, headers, body)
        context = self._context(call)
        reply: Reply | None = None
        for fault in self.faults.acting(Stage.BEFORE, context):
            sleep(fault.delay())
            call = fault.change_request(call)
            reply = fault.reply(call, None)
            if reply is not None:
                break
        if reply is None:
            reply = self._executed(replace(call, at=self._clock.now()), context, sleep)
        else:
            reply = with_usual_headers(self._backend, reply, call)
        self._log_request(call, context, reply)
        return replace(reply, body=b"") if method == "HEAD" else reply

    def _executed(self, call: Call, context: RequestContext, sleep: Sleep) -> Reply:
        reply = respond(self._backend, call, sleep)
        for fault in self.faults.acting(Stage.AFTER, _with_new_run(context, reply)):
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

    def _context(self, call: Call) -> RequestContext:
        if call.method == "POST":
            return RequestContext(call.method, call.path, _report_type_in(call.body), call=call)
        match = re.search(r"/((?:frr|file)_\w+)", call.path)
        run = self._backend.runs.by_id(match[1]) if match else None
        if run is None:
            return RequestContext(call.method, call.path, call=call)
        return RequestContext(call.method, call.path, run.report_type, run.id, call)

    def _log_request(self, call: Call, context: RequestContext, reply: Reply) -> None:
        about = _with_new_run(context, reply)
        delivered = reply.delivery.outcome is Outcome.DELIVERED
        logged = LoggedRequest(
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
            self._log.append(logged)


def _default_connected_accounts(seed: int) -> list[str]:
    return [f"acct_1{token(15, seed, 'connected', number)}" for number in range(3)]


def _duration(bounds: float | tuple[float, float], seed: int, number: int) -> float:
    if not isinstance(bounds, tuple):
        return float(bounds)
    low, high = bounds
    return low + (high - low) * uniform(seed, "duration", number)


def _report_type_in(body: bytes) -> str:
    match = re.search(rb"(?:^|&)report_type=([\w.]+)", body)
    return match[1].decode() if match else ""


def _with_new_run(context: RequestContext, reply: Reply) -> RequestContext:
    """The context with the run that a POST has just created."""
    match = re.search(rb'"id": "(frr_\w+)"', reply.body) if context.method == "POST" else None
    return replace(context, run=match[1].decode()) if match else context
