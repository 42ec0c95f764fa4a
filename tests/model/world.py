"""One Stripe with two accounts and those connected to one, two deployments with a root each, the clocks, and
the truth at any moment."""

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from connector.accounts import AccountLife
from connector.api.models import ReportRequest, epoch, moment
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.errors import StoreError
from connector.simulator import Simulator
from connector.simulator.books.entries import Entry
from connector.simulator.owner import Owner
from connector.simulator.report_runs import Run, RunPlan
from tests.model.tables import (
    ANOTHER_REPORT,
    CONNECTED,
    DAYS,
    OTHER_ACCOUNT,
    OWN_ACCOUNT,
    STRIPES_TYPES,
    Table,
)
from tests.support.clock import NOON, ManualClock

#: Live ones: Stripe has fees in live mode alone.
OWN_KEY = "sk_live_own0000000000000000000000000"
OTHER_KEY = "sk_live_another00000000000000000000"

OPENING = date(2026, 6, 1)
HALF_DAY = 43_200


class ShiftedClock(ManualClock):
    """The same time, read from a clock that is `shift` ahead. `monotonic` is the same."""

    def __init__(self, right: ManualClock, shift: timedelta) -> None:
        super().__init__(right.start)
        self._right = right
        self.shift = shift
        self.watch: Callable[[str], None] = lambda _: None

    def now(self) -> datetime:
        return self._right.now() + self.shift

    def monotonic(self) -> float:
        return self._right.monotonic()

    def sleep(self, seconds: float) -> None:
        self.watch("before")
        self._right.sleep(seconds)
        self.watch("after")


@dataclass
class World:
    """Everything outside the commands.

    Attributes:
        place: an empty directory for the roots.
        clock: Stripe's time.
        table: the report that both deployments bring in.
        stores: one for each deployment.
        columns: the choice of columns that each deployment has configured.
        shift: how far ahead the clocks of the deployments are.
        lives: from which day until which each connected account has reports, as people have configured it.
        left: the connected accounts that Stripe refuses.
    """

    place: Path
    table: Table
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    shift: timedelta = timedelta(0)
    lives: dict[str, AccountLife] = field(
        default_factory=lambda: {each: AccountLife(each) for each in CONNECTED}
    )
    left: set[str] = field(default_factory=set)
    _late: dict[str, list[int]] = field(default_factory=dict)
    _truths: dict[tuple[Any, ...], bytes] = field(default_factory=dict)
    _count: int = 0

    def __post_init__(self) -> None:
        self.simulator = Simulator(
            self.clock,
            seed=5,
            volume=1,
            opening=OPENING,
            run_seconds=(1, 60),
            account=OWN_ACCOUNT,
            connected_accounts=CONNECTED,
            report_types=STRIPES_TYPES,
        )
        self.simulator.add_account(OTHER_KEY, OTHER_ACCOUNT)
        self.stores = [Store(self.place / "first"), Store(self.place / "second")]
        self.columns = ["all", "all"]
        for store in self.stores:
            Path(store.root).mkdir()
            Path(f"{store.root} linked").symlink_to(store.root)

    def account_of(self, key: str) -> str:
        return OTHER_ACCOUNT if key == OTHER_KEY else OWN_ACCOUNT

    def day(self, key: str) -> date:
        """The day that a partition is about; for a snapshot any."""
        interval = self.table.partitions[key].interval or DAYS[0].interval
        assert interval
        return interval.start.date()

    def connected_account(self, key: str) -> str | None:
        """Whose partition it is, where each connected account has its own."""
        return self.table.partitions[key].parameters.get("connected_account")

    def in_life(self, key: str) -> bool:
        """Whether a partition lies in the life of its account."""
        if (account := self.connected_account(key)) is None:
            return True
        life, day = self.lives[account], self.day(key)
        return (life.start or day) <= day <= (life.until or day)

    def local_clock(self) -> ShiftedClock:
        return ShiftedClock(self.clock, self.shift)

    def spelled(self, root: int, spelling: int) -> Store:
        """The files of a deployment, whose root is written in one of four ways."""
        place = self.stores[root].root
        return Store([place, f"{place}/", f"{place} linked", os.path.relpath(place)][spelling])

    # What happens at Stripe without us

    def restate(self, key: str, cents: int) -> None:
        """A row is added to a closed day; reports show it after the next preparation."""
        self._count += 1
        account, day = self.connected_account(key) or OWN_ACCOUNT, self.day(key)
        at = epoch(datetime(day.year, day.month, day.day, tzinfo=UTC)) + 60 * self._count
        gross, fee, name = Decimal(cents) / 100 + 1, Decimal("0.30"), f"txn_late{self._count}"
        late = Entry(name, "charge", at, at, "usd", gross, fee, f"ch_{self._count}", None)
        self.simulator.book_late(late, account=account)
        self._late.setdefault(account, []).append(epoch(self.simulator.now()))

    def leave(self, account: str, status: int) -> None:
        """A connected account leaves, or has not joined yet; Stripe refuses it in one of two ways."""
        self.simulator.leave(account, status=status)
        self.left.add(account)

    def come_back(self, account: str) -> None:
        self.simulator.come_back(account)
        self.left.discard(account)

    def others_run(self, count: int) -> None:
        """Another tool creates runs for hours that nobody here wants. They fail, so that they stay small."""
        owner, now = Owner(OWN_ACCOUNT, livemode=True), self.simulator.now()
        for number in range(count):
            start = epoch(datetime(2026, 6, 1, number % 24, tzinfo=UTC))
            self.simulator._backend.runs.create(
                owner,
                ANOTHER_REPORT,
                {"interval_start": start, "interval_end": start + 3600},
                now=now,
                plan=lambda _: RunPlan(0.0, error="No such data."),
                write=lambda: b"",
            )

    def same_run(self, key: str, columns: str, api_key: str = OWN_KEY) -> None:
        """Another tool asks for exactly what we ask for."""
        request = self.table.queries[columns].request(self.table.partitions[key])
        self._post(request.form(), api_key)

    def another_type(self, key: str) -> None:
        """Another tool asks for another report of the same day."""
        day = self.day(key)
        start = epoch(datetime(day.year, day.month, day.day, tzinfo=UTC))
        bounds = {"parameters[interval_start]": start, "parameters[interval_end]": start + 86_400}
        self._post({"report_type": ANOTHER_REPORT, **bounds}, OWN_KEY)

    def _post(self, form: Any, api_key: str) -> None:
        headers = {
            "Authorization": f"Bearer {api_key}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        url = "https://api.stripe.com/v1/reporting/report_runs"
        with suppress(httpx.TransportError):
            self.simulator.handle(httpx.Request("POST", url, headers=headers, content=urlencode(form)))

    # What is so

    @property
    def in_trouble(self) -> bool:
        """Whether there are faults that have not acted as often as they will."""
        return any(each.times is None or each.hits < each.times for each in self.simulator.faults._active)

    def updated(self, account: str) -> int:
        """When Stripe last prepared the data, as it says; unix seconds."""
        return int(self._report_type(OTHER_KEY if account == OTHER_ACCOUNT else OWN_KEY)["updated"])

    def available_until(self) -> datetime:
        return moment(int(self._report_type(OWN_KEY)["data_available_end"]))

    def _report_type(self, api_key: str) -> Any:
        url = f"https://api.stripe.com/v1/reporting/report_types/{self.table.report}"
        request = httpx.Request("GET", url, headers={"Authorization": f"Bearer {api_key}"})
        response = self.simulator.handle(request)
        response.read()
        return response.json()

    def truths(
        self, key: str, columns: Collection[str], account: str, since: float, until: float
    ) -> set[bytes]:
        """Every file that a report of the partition can have been, as of some moment in [since, until].

        Args:
            account: whose key asks.
        """
        opening = datetime(OPENING.year, OPENING.month, OPENING.day, tzinfo=UTC).timestamp()
        first, last = int(max(since, opening)) // HALF_DAY * HALF_DAY, int(until) // HALF_DAY * HALF_DAY
        shown = {-(-at // HALF_DAY) * HALF_DAY for at in self._late_of(key, account)}
        if self.table.partitions[key].interval is None:
            shown = set(range(first, last + 1, HALF_DAY))
        moments = [first, *(at for at in sorted(shown) if first < at <= last)]
        return {self._truth(key, tuple(columns), account, at) for at in moments}

    def _late_of(self, key: str, account: str) -> Sequence[int]:
        return self._late.get(self.connected_account(key) or account, ())

    def _truth(self, key: str, columns: tuple[str, ...], account: str, at: int) -> bytes:
        partition = self.table.partitions[key]
        known = sum(-(-late // HALF_DAY) * HALF_DAY <= at for late in self._late_of(key, account))
        # What has an interval depends on what was added to it, a snapshot on the moment.
        asked = (key, columns, account, known if partition.interval else at)
        if asked not in self._truths:
            parameters = dict(self.table.queries["all"].request(partition).parameters)
            with self._at(max(at, epoch(partition.interval.end) if partition.interval else at)):
                self._truths[asked] = self.simulator.csv(
                    self.table.report, account=account, **parameters | {"columns": list(columns)}
                )
        return self._truths[asked]

    @contextmanager
    def _at(self, seconds: int) -> Any:
        now = self.clock.now()
        self.clock.move_to(moment(seconds))
        try:
            yield
        finally:
            self.clock.move_to(now)

    def same_runs(self, request: ReportRequest, account: str) -> list[Run]:
        """Every run of an account that asks exactly this, oldest first."""
        return [
            run
            for run in self.simulator.runs
            if run.report_type == request.report_type
            and run.owner.account == account
            and ReportRequest.of(run.report_type, run.parameters) == request
        ]

    def run(self, run_id: str) -> Run:
        (found,) = [run for run in self.simulator.runs if run.id == run_id]
        return found

    def held(self, root: int) -> dict[str, Provenance]:
        """What can be read of the files of a root."""
        found = {}
        for key in self.table.keys:
            with suppress(StoreError):
                found[key] = self.stores[root].provenance(self.table.dataset, key)
        return {key: each for key, each in found.items() if each}

    def path(self, root: int, key: str) -> Path:
        """Where the file of a partition belongs."""
        return Path(self.stores[root].uri(self.table.dataset, key))

    def refused(self, root: int) -> set[str]:
        """The partitions whose files the file system refuses to read, whatever the store makes of that."""
        return {key for key in self.table.keys if self.path(root, key).is_dir()}

    def floor(self, key: str, account: str) -> int:
        """The file of an ensure must not be older than this: the last preparation, or so long after the end
        as it takes to settle. A snapshot never settles."""
        interval, updated = self.table.partitions[key].interval, self.updated(account)
        if interval is None:
            return updated
        settled = epoch(interval.end + self.table.settled)
        return min(settled, updated) if settled <= epoch(self.simulator.now()) else updated
