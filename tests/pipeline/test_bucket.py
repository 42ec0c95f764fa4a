"""Partitions pulled into a bucket: what it refuses is found out before Stripe is asked for anything."""

import pytest
from obstore.exceptions import PermissionDeniedError
from obstore.store import MemoryStore

from connector.dataset.store import Store
from connector.errors import StoreError
from connector.pipeline.events import Done
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.conftest import Pull
from tests.support.memory_bucket import Watched, bucket
from tests.support.partitions import days

QUERY = ReportQuery.of("balance_summary")


@pytest.mark.parametrize("refused", ["put", "delete"])
def test_a_bucket_that_refuses_costs_no_report_run(pull: Pull, simulator: Simulator, refused: str) -> None:
    def before(name: str, _key: str) -> None:
        if name == refused:
            raise PermissionDeniedError("<Code>AccessDenied</Code>")

    store = Store(bucket(Watched(MemoryStore(), before)))

    with pytest.raises(StoreError, match=r"\.staging/rehearsal.*: the credentials lack a permission"):
        pull(QUERY, days("2026-06-01", 2), store=store)

    assert simulator.runs == []


def test_a_bucket_is_tried_out_once_for_all_partitions_and_not_where_nothing_is_wanted(pull: Pull) -> None:
    watched = Watched(MemoryStore())
    store = Store(bucket(watched))

    assert [type(each) for each in pull(QUERY, days("2026-06-01", 3), store=store)].count(Done) == 3
    assert len({key for name, key in watched.keys if name == "put" and "rehearsal" in key}) == 1

    watched.forget()
    pull(QUERY, days("2026-06-01", 3), store=store)
    assert [key for name, key in watched.keys if name in {"put", "delete"}] == []
