"""What every test can use: a manual clock, and a Stripe in memory that runs on it."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings

from connector.api.client import StripeClient
from connector.dataset.store import Store
from connector.partitions import Partition
from connector.pipeline.collect import Event, collect
from connector.query import ReportQuery
from connector.simulator import SIMULATED_KEY, Simulator
from tests.support.buckets import Bucket, moto_server, new_bucket, seaweed_server
from tests.support.clock import NOON, ManualClock
from tests.support.workers import InlineWorkers

# Speed is measured elsewhere; a slow machine must not fail a property.
settings.register_profile(
    "laws",
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("laws")


#: Where Linux has a file system in memory, and what has to be free there: the suite takes a tenth of it.
_MEMORY, _ENOUGH = Path("/dev/shm"), 2 << 30


def pytest_configure(config: pytest.Config) -> None:
    """Put temporary files into memory, and undo that SIGINT is ignored.

    Every file that is published is flushed to the disk, which takes milliseconds, thousands of times. Tests
    that are `long` write more than fits into memory.

    A shell's background processes ignore SIGINT, and so does all that they start. Tests interrupt commands,
    and Dagster's servers stop by interrupting themselves.
    """
    if (
        "not long" in config.getoption("markexpr")
        and "TMPDIR" not in os.environ
        and os.access(_MEMORY, os.W_OK)
        and shutil.disk_usage(_MEMORY).free >= _ENOUGH
    ):
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


#: Seconds that a test with this mark may take, unless it has a timeout of its own.
_LONG = {"long": 900, "soak": 7200}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The longest begin first, so that what is left for both workers at the end is short.
    items.sort(key=lambda item: "e2e" not in item.path.parts)
    for item in items:
        for mark, seconds in _LONG.items():
            if item.get_closest_marker(mark) and not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(seconds))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def simulator(clock: ManualClock) -> Simulator:
    """A small Stripe; report runs take between 5 and 15 seconds of the clock."""
    return Simulator(clock, seed=7, volume=3, opening=datetime(2026, 5, 1, tzinfo=UTC).date())


ClientFor = Callable[..., StripeClient]


@pytest.fixture
def client_for(clock: ManualClock) -> Iterator[ClientFor]:
    """A real client whose requests go to a handler instead of the network."""
    made: list[StripeClient] = []

    def make(handler: Callable[[httpx.Request], httpx.Response], **options: Any) -> StripeClient:
        http = httpx.Client(transport=httpx.MockTransport(handler))
        options = {"api_key": SIMULATED_KEY, "clock": clock, **options}
        client = StripeClient(options.pop("api_key"), http=http, draw=lambda: 0.5, **options)
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(simulator: Simulator, client_for: ClientFor) -> StripeClient:
    return client_for(simulator.handle)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data")


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The endpoint of an S3 server in this process, one for all tests that it runs."""
    with moto_server() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of an S3 server that checks who asks, for tests that are `long`."""
    with seaweed_server(tmp_path_factory.mktemp("seaweed")) as endpoint:
        yield endpoint


@pytest.fixture(params=["moto", pytest.param("seaweed", marks=pytest.mark.long)])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    """An empty bucket of the test's own."""
    return new_bucket(request.getfixturevalue(request.param))


Pull = Callable[..., list[Event]]


@pytest.fixture
def pull(client: StripeClient, store: Store) -> Pull:
    """Collect partitions on the manual clock, without threads."""

    def run(query: ReportQuery, partitions: Sequence[Partition], **options: Any) -> list[Event]:
        options = {"senders": InlineWorkers(), "converters": InlineWorkers(), **options}
        client_, store_ = options.pop("client", client), options.pop("store", store)
        return list(collect(client_, store_, query, partitions, draw=lambda: 0.5, **options))

    return run
