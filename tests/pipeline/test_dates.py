"""Every row has the calendar date of its window, in the window's own zone."""

from datetime import date

import duckdb
import pyarrow as pa
import pytest

from connector.dataset.store import Store
from connector.partitions import Windows
from connector.query import ReportQuery
from tests.conftest import Pull
from tests.support.partitions import days, done


def rows(store: Store, query: ReportQuery) -> pa.Table:
    return store.arrow_dataset(query.dataset(mode="test", account=None)).to_table()


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC"])
def test_days_of_any_zone_fall_into_their_own_month(pull: Pull, store: Store, zone: str) -> None:
    """In Berlin June begins when it is May in UTC."""
    query = ReportQuery.of("balance_summary", zone=zone)
    window = Windows("daily", zone).between(date(2026, 6, 1), date(2026, 6, 3))

    assert len(done(pull(query, window))) == 2

    found = rows(store, query)
    assert found.schema.field("_date").type == pa.date32()
    assert {(each["period"], each["_date"]) for each in found.to_pylist()} == {
        ("2026-06-01", date(2026, 6, 1)),
        ("2026-06-02", date(2026, 6, 2)),
    }
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'Pacific/Auckland'")
        engine.register("report", found)
        months = engine.sql("SELECT DISTINCT date_trunc('month', _date)::DATE FROM report").fetchall()
    assert months == [(date(2026, 6, 1),)]


def test_an_hour_has_the_date_on_its_own_clock(pull: Pull, store: Store) -> None:
    query = ReportQuery.of("balance_summary", window="hourly", zone="America/New_York")
    window = Windows("hourly", "America/New_York").partition("2026-06-01-23:00")

    pull(query, [window])

    assert set(rows(store, query)["_date"].to_pylist()) == {date(2026, 6, 1)}
    assert set(rows(store, query)["_interval_start"].to_pylist()) == {
        window.interval.start if window.interval else None
    }


def test_a_report_about_one_payout_has_no_date(pull: Pull, store: Store) -> None:
    payouts = ReportQuery.of("payouts_itemized")
    pull(payouts, days("2026-05-25", 7))
    (first, *_) = filter(None, rows(store, payouts)["payout_id"].to_pylist())
    query = ReportQuery.of("payout_reconciliation_by_id_itemized")

    assert done(pull(query, [query.payout(first)]))

    found = rows(store, query)
    assert found.num_rows
    assert {str(found.schema.field(f"_interval_{end}").type) for end in ("start", "end")} == {
        "timestamp[us, tz=UTC]"
    }
    bounds = ("_date", "_interval_start", "_interval_end")
    assert {value for name in bounds for value in found[name].to_pylist()} == {None}
