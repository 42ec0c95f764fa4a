"""Weeks of a platform whose accounts join, leave and come back: a random walk, and what holds all the way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets import ConfiguredReport, build_report_asset
from assets.sensors.availability_sensor import build_availability_sensor
from assets.sensors.late_sensor import build_late_report_sensor
from connector.accounts import AccountLife, AccountLives
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra
from tests.support.sensing import Daemon

#: Dagster 1.13 tags runs of two dimensions with keys that it deprecates itself.
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Non-compliant tag keys like .'dagster/partition/"),
]

DAY = timedelta(days=1)
START = date(2026, 6, 1)
QUERY = ReportQuery.of("connected_account_balance_summary", by_account=True)
WHO = st.integers(0, 2)
STEPS = st.one_of(
    st.just(("tick", 0)),
    st.just(("a day passes", 0)),
    st.tuples(st.sampled_from(["leaves", "comes back", "is launched by hand"]), WHO),
)
LIVES = st.tuples(st.none() | st.integers(0, 6), st.none() | st.integers(4, 10))


@dataclass
class Platform:
    """One report, its sensors, and three accounts.

    Attributes:
        left: the accounts that Stripe refuses now.
        gone: those of which this Dagster has found that out.
    """

    instance: dg.DagsterInstance
    directory: Path
    bounds: list[tuple[int | None, int | None]]
    left: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.clock = ManualClock(datetime(2026, 6, 5, 13, tzinfo=UTC))
        self.stripe = Simulator(self.clock, seed=7, volume=1, opening=START, run_seconds=0)
        self.names = self.stripe.connected_accounts
        days = [[None if n is None else START + n * DAY for n in each] for each in self.bounds]
        self.lives = AccountLives(
            tuple(AccountLife(name, *each) for name, each in zip(self.names, days, strict=True))
        )
        report = ConfiguredReport(QUERY, start=START, connected_accounts=self.lives)
        self.asset = build_report_asset(report, retry_policy=None)
        self.orchestra = Orchestra(self.instance, self.stripe.handle, self.clock, self.directory)
        sensor = build_availability_sensor([report], look_back=30 * DAY, refresh_after=())
        self.sensors = [
            Daemon(self.orchestra, [self.asset], each)
            for each in (sensor, build_late_report_sensor([report]))
        ]

    def there(self) -> set[str]:
        return {key for key, _ in self.orchestra.recorded(self.asset)}

    def living(self) -> set[str]:
        """Every partition that lies in a life and that Stripe has the data of, day by day."""
        end = self.stripe.now().date()
        days = [START + number * DAY for number in range((end - START).days)]
        return {
            f"{life.account}|{day}"
            for life in self.lives
            for day in days
            if (life.start or day) <= day <= (life.until or day)
        }

    def carried_out(self, act: Callable[[], object]) -> set[str]:
        """What a tick or a launch asked Stripe for; whoever was refused is gone, whoever came is not."""
        before, requests = len(self.orchestra.recorded(self.asset)), len(self.stripe.requests)
        act()
        posts = [each.body for each in self.stripe.requests[requests:] if each.method == "POST"]
        asked = {name for name in self.names if any(name in body for body in posts)}
        self.gone |= asked & self.left
        self.gone -= {key.partition("|")[0] for key, _ in self.orchestra.recorded(self.asset)[before:]}
        return asked

    def tick(self) -> None:
        gone = set(self.gone)
        for sensor in self.sensors:
            assert not self.carried_out(sensor.tick_and_run) & gone, "an account that is gone was asked for"
        assert self.there() <= self.living()

    def launch(self, name: str) -> None:
        """By hand: the newest partition in its life, if there is one."""
        if mine := sorted(key for key in self.living() if key.startswith(name)):
            self.carried_out(lambda: self.orchestra.launch([self.asset], mine[-1]))

    def step(self, what: str, name: str) -> None:
        if what == "tick":
            self.tick()
        elif what == "a day passes":
            self.clock.sleep(DAY.total_seconds())
        elif what == "is launched by hand":
            self.launch(name)
        elif what == "leaves" and name not in self.left:
            self.stripe.leave(name, status=403 if len(self.left) else 400)
            self.left.add(name)
        elif what == "comes back" and name in self.left:
            self.stripe.come_back(name)
            self.left.discard(name)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(LIVES, min_size=3, max_size=3).map(
        lambda each: [(a, b if a is None or b is None else max(a, b)) for a, b in each]
    ),
    st.lists(STEPS, min_size=4, max_size=12),
)
def test_whoever_lives_is_there_in_the_end_and_whoever_is_gone_is_asked_for_by_people_alone(
    tmp_path_factory: pytest.TempPathFactory,
    bounds: list[tuple[int | None, int | None]],
    steps: list[tuple[str, int]],
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        platform = Platform(instance, tmp_path_factory.mktemp("platform"), bounds)

        for what, who in steps:
            platform.step(what, platform.names[who])
        for name in platform.names:
            platform.step("comes back", name)
            platform.launch(name)
        for _ in range(4):
            platform.tick()

        assert platform.there() == platform.living()
