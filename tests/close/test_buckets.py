"""A month whose files are in a bucket is closed and signed off there."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest

from connector.close import Register, SignOff, close_month
from connector.close.sign_off import Sums
from connector.dataset.store import Store
from connector.errors import ConfigurationError
from connector.simulator import Simulator
from tests.conftest import ClientFor, Pull
from tests.support.buckets import Bucket
from tests.support.clock import ManualClock
from tests.support.months import JUNE, pull_month


@pytest.fixture
def root(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty bucket that the environment leads to."""
    for name, value in bucket.environment().items():
        monkeypatch.setenv(name, value)
    return bucket.url


def test_a_month_in_a_bucket_is_signed_once(
    root: str, bucket: Bucket, clock: ManualClock, pull: Pull, client_for: ClientFor
) -> None:
    clock.move_to(datetime(2026, 8, 8, 13, tzinfo=UTC))
    simulator = Simulator(clock, seed=7, volume=2, opening=date(2026, 5, 1), run_seconds=0)
    store = Store(root)
    pull_month(pull, window="monthly", client=client_for(simulator.handle), store=store)
    closing = close_month(store, store.datasets(), JUNE)
    made = SignOff(str(JUNE), clock.now(), None, closing.inputs, tuple(map(Sums.of, closing.sheets)))

    def sign(_: int) -> bool:
        try:
            Register(root, closing.mode).sign(JUNE, made)
        except ConfigurationError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        signed = list(pool.map(sign, range(8)))

    assert closing.problems == ()
    assert signed.count(True) == 1
    assert Register(root, closing.mode).signed(JUNE) == made
    assert [each for each in bucket.objects() if "/_closes/" in each] == [
        f"reports/{closing.mode}/_closes/2026-06/0001-signed.json"
    ]
    assert Store(root).unusable_tables() == {}
