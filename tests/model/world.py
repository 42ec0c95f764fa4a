"""One Stripe with two accounts, two deployments with a root each, the clocks, and the truth at any moment."""

import os
from collections.abc import Callable, Collection
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from connector.api.models import ReportRequest, epoch, moment
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.errors import StoreError
from connector.partitions import Partition
from connector.query import ReportQuery
from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.books.entries import Entry
from connector.simulator.owner import Owner
from connector.simulator.report_runs import Run, RunPlan
from tests.support.clock import NOON, ManualClock
from tests.support.partitions import days

OTHER_KEY = "sk_test_another00000000000000000000"
OTHER_ACCOUNT = "acct_1another"
REPORT = "balance.summary.1"

#: The last day becomes ready while the others are asked for.
DAYS = days("2026-06-04", 4)
KEYS = tuple(day.key for day in DAYS)
BY_KEY = dict(zip(KEYS, DAYS, strict=True))

#: Choices of columns: all, fewer, and all in another order.
QUERIES = {
    "all": ReportQuery.of(REPORT),
    "few": ReportQuery.of(REPORT, columns=["category", "net_amount", "currency"]),
    "reversed": ReportQuery.of(REPORT, columns=[c.name for c in reversed(ReportQuery.of(REPORT).columns)]),
}
#: What would mix with these files: another window, zone, selection, and report type.
OTHERWISE = {
    "monthly": ReportQuery.of(REPORT, window="monthly"),
    "another zone": ReportQuery.of(REPORT, zone="Asia/Tokyo"),
    "one currency": ReportQuery.of(REPORT, filters={"currency": "usd"}),
    "another type": ReportQuery.of(
        "balance_change_from_activity.summary.1", name=QUERIES["all"].name, columns=None
    ),
}
DATASET = QUERIES["all"].dataset(mode="test", account=None)

HALF_DAY = 43_200
_SETTLED_AFTER = timedelta(hours=48)


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
        stores: one for each deployment.
        columns: the choice of columns that each deployment has configured.
        shift: how far ahead the clocks of the deployments are.
    """

    place: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    shift: timedelta = timedelta(0)
    _late: dict[str, list[int]] = field(default_factory=dict)
    _truths: dict[tuple[Any, ...], bytes] = field(default_factory=dict)
    _count: int = 0

    def __post_init__(self) -> None:
        self.simulator = Simulator(
            self.clock, seed=5, volume=1, opening=date(2026, 6, 1), run_seconds=(1, 60), account="acct_1own"
        )
        self.simulator.add_account(OTHER_KEY, OTHER_ACCOUNT)
        self.stores = [Store(self.place / "first"), Store(self.place / "second")]
        self.columns = ["all", "all"]
        for store in self.stores:
            Path(store.root).mkdir()
            Path(f"{store.root} linked").symlink_to(store.root)

    def account_of(self, key: str) -> str:
        return OTHER_ACCOUNT if key == OTHER_KEY else self.simulator.account

    def local_clock(self) -> ShiftedClock:
        return ShiftedClock(self.clock, self.shift)

    def spelled(self, root: int, spelling: int) -> Store:
        """The files of a deployment, whose root is written in one of four ways."""
        place = self.stores[root].root
        return Store([place, f"{place}/", f"{place} linked", os.path.relpath(place)][spelling])

    # What happens at Stripe without us

    def restate(self, day: str, cents: int, account: str) -> None:
        """A row is added to a closed day; reports show it after the next preparation."""
        self._count += 1
        interval = BY_KEY[day].interval
        assert interval
        at, net = epoch(interval.start) + 60 * self._count, Decimal(cents) / 100
        name = f"txn_late{self._count}"
        late = Entry(name, "charge", at, at, "usd", net, Decimal(0), f"ch_{self._count}", None)
        self.simulator.book_late(late, account=account)
        self._late.setdefault(account, []).append(epoch(self.simulator.now()))

    def others_run(self, count: int) -> None:
        """Another tool creates runs for hours that nobody here wants. They fail, so that they stay small."""
        owner, now = Owner(self.simulator.account, livemode=False), self.simulator.now()
        for number in range(count):
            start = epoch(datetime(2026, 6, 1, number % 24, tzinfo=UTC))
            self.simulator._backend.runs.create(
                owner,
                "balance_change_from_activity.summary.1",
                {"interval_start": start, "interval_end": start + 3600},
                now=now,
                plan=lambda _: RunPlan(0.0, error="No such data."),
                write=lambda: b"",
            )

    def same_run(self, day: str, columns: str, key: str) -> None:
        """Another tool asks for exactly what we ask for."""
        form = QUERIES[columns].request(BY_KEY[day]).form()
        self._post(form, key=key)

    def another_type(self, day: str) -> None:
        """Another tool asks for another report of the same day."""
        interval = BY_KEY[day].interval
        assert interval
        bounds = {
            "parameters[interval_start]": epoch(interval.start),
            "parameters[interval_end]": epoch(interval.end),
        }
        self._post({"report_type": "balance_change_from_activity.summary.1", **bounds})

    def _post(self, form: Any, *, key: str = SIMULATED_KEY) -> None:
        headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        url = "https://api.stripe.com/v1/reporting/report_runs"
        with suppress(httpx.TransportError):
            self.simulator.handle(httpx.Request("POST", url, headers=headers, content=urlencode(form)))

    # What is so

    def updated(self, account: str) -> int:
        """When Stripe last prepared the data, as it says; unix seconds."""
        key = OTHER_KEY if account == OTHER_ACCOUNT else SIMULATED_KEY
        url = f"https://api.stripe.com/v1/reporting/report_types/{REPORT}"
        request = httpx.Request("GET", url, headers={"Authorization": f"Bearer {key}"})
        return int(self._undisturbed(request)["updated"])

    def available_until(self) -> datetime:
        url = f"https://api.stripe.com/v1/reporting/report_types/{REPORT}"
        request = httpx.Request("GET", url, headers={"Authorization": f"Bearer {SIMULATED_KEY}"})
        return moment(int(self._undisturbed(request)["data_available_end"]))

    def _undisturbed(self, request: httpx.Request) -> Any:
        response = self.simulator.handle(request)
        response.read()
        return response.json()

    def truths(
        self, day: str, columns: Collection[str], account: str, since: float, until: float
    ) -> set[bytes]:
        """Every file that a report of the day can have been, as of some moment in [since, until]."""
        first, last = int(since) // HALF_DAY * HALF_DAY, int(until) // HALF_DAY * HALF_DAY
        shown = {-(-at // HALF_DAY) * HALF_DAY for at in self._late.get(account, ())}
        moments = [first, *(at for at in sorted(shown) if first < at <= last)]
        return {self._truth(day, tuple(columns), account, at) for at in moments}

    def _truth(self, day: str, columns: tuple[str, ...], account: str, at: int) -> bytes:
        known = sum(-(-late // HALF_DAY) * HALF_DAY <= at for late in self._late.get(account, ()))
        asked = (day, columns, account, known)
        if asked not in self._truths:
            interval = BY_KEY[day].interval
            assert interval
            with self._at(max(at, epoch(interval.end))):
                self._truths[asked] = self.simulator.csv(
                    REPORT,
                    account=account,
                    interval_start=epoch(interval.start),
                    interval_end=epoch(interval.end),
                    columns=list(columns),
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
        for key in KEYS:
            with suppress(StoreError):
                found[key] = self.stores[root].provenance(DATASET, key)
        return {key: each for key, each in found.items() if each}

    def refused(self, root: int) -> set[str]:
        """The partitions whose files the file system refuses to read, whatever the store makes of that."""
        return {key for key in KEYS if Path(self.stores[root].uri(DATASET, key)).is_dir()}

    def floor(self, day: Partition, account: str) -> int:
        """The file of an ensure must not be older than this: the last preparation, or 48 h after the end."""
        assert day.interval
        settled, updated = epoch(day.interval.end + _SETTLED_AFTER), self.updated(account)
        return min(settled, updated) if settled <= epoch(self.simulator.now()) else updated
