"""A table in another version: what is asked of it, and how the two differ."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connector.catalogue import report
from connector.column_diff import ColumnDiff
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.errors import ConfigurationError
from connector.partitions import Interval
from connector.query import ReportQuery
from connector.upgrade import (
    Comparison,
    between,
    doubtful,
    other_version,
    partition_of,
    planned,
    table_named,
)
from tests.support.datasets import provenance

OLD = ReportQuery.of("payout_reconciliation.itemized.3", zone="Europe/Berlin", filters={"currency": "eur"})
PINNED = OLD.dataset(mode="test", account=None)


def kept(*columns: str, **changes: Any) -> Provenance:
    asked = {"interval_start": 1, "interval_end": 2, "currency": "eur", "columns": list(columns)}
    return provenance(report_type=PINNED.report_type, parameters=asked, **changes)


def table(name: str, report_type: str = "payouts.itemized.2") -> Dataset:
    return replace(PINNED, table=name, report_type=report_type)


# Which table, which version


@pytest.mark.parametrize("name", ["euros", "payouts.itemized.2", "payouts_itemized"])
def test_a_table_is_found_by_its_name_or_its_report(name: str) -> None:
    assert table_named(name, [table("euros"), table("others", "balance.summary.1")]).table == "euros"


def test_a_tables_name_comes_before_its_report() -> None:
    tables = [table("payouts_itemized"), table("payouts_itemized_v1", "payouts.itemized.1")]

    assert table_named("payouts_itemized", tables).table == "payouts_itemized"


@pytest.mark.parametrize(
    ("name", "tables", "message"),
    [
        pytest.param("payout", [], "no table to upgrade yet", id="nothing there"),
        pytest.param("payouts_itemised", [table("payouts_itemized")], "nearest: payouts_itemized", id="typo"),
        pytest.param("payouts.itemized.2", [table("a"), table("b")], "name one of a, b", id="two of them"),
    ],
)
def test_a_table_that_cannot_be_told_is_refused(name: str, tables: list[Dataset], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        table_named(name, tables)


def test_a_wrong_version_names_the_right_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"no version 9 .* are: 1, 2, 3, 5 \(observed\)$"):
        other_version("payouts.itemized.2", 9)


@pytest.mark.parametrize(
    ("there", "beside"),
    [
        pytest.param("payouts_itemized", "payouts_itemized_v3", id="named after its report"),
        pytest.param("euros", "euros_v3", id="a name of its own"),
        pytest.param("euros_v2", "euros_v3", id="upgraded before"),
    ],
)
def test_the_other_version_is_named_after_the_table_beside_it(there: str, beside: str) -> None:
    plan = planned(table(there), 3, kept(*report("payouts.itemized.2").default_columns))

    assert plan.new.name == plan.made.table == beside


# What is asked


def test_default_columns_stay_default_columns() -> None:
    plan = planned(PINNED, 5, kept(*report(PINNED.report_type).default_columns))

    assert [column.name for column in plan.new.columns] == [
        *report("payout_reconciliation.itemized.5").default_columns
    ]
    assert (plan.new.zone, plan.new.filters, plan.new.name) == (
        "Europe/Berlin",
        {"currency": "eur"},
        "payout_reconciliation_itemized_v5",
    )
    assert plan.left_out == ()


def test_a_choice_of_columns_is_kept_as_far_as_the_version_has_them() -> None:
    plan = planned(PINNED, 4, kept("net", "order_id", "payment_metadata[cart]", "automatic_payout_id"))

    assert [column.name for column in plan.new.columns] == [
        "net",
        "payment_metadata[cart]",
        "automatic_payout_id",
    ]
    assert plan.left_out == ("order_id",)
    assert [column.name for column in plan.old.columns][1] == "order_id"


def test_columns_asked_for_come_before_all_that() -> None:
    plan = planned(PINNED, 4, kept("net", "order_id"), ["created", "net"])

    assert [column.name for column in plan.new.columns] == ["created", "net"]
    assert plan.left_out == ()


@pytest.mark.parametrize(
    ("id", "parameters", "by_account", "telling"),
    [
        pytest.param("payouts.itemized.2", {"currency": "eur"}, False, {}, id="windows"),
        pytest.param(
            "connected_account_payouts.itemized.2",
            {"connected_account": "acct_1"},
            True,
            {"connected_account": "acct_1"},
            id="of each account",
        ),
    ],
)
def test_a_file_says_what_partition_it_answers(
    id: str, parameters: dict[str, Any], by_account: bool, telling: dict[str, Any]
) -> None:
    pinned = ReportQuery.of(id, by_account=by_account).dataset(mode="test", account=None)
    file = provenance(report_type=id, parameters={"interval_start": 1, "interval_end": 2, **parameters})

    partition = partition_of(file, pinned)

    assert (partition.key, partition.interval, partition.parameters) == (file.period, file.interval, telling)


def test_partitions_between_two_dates_are_whole() -> None:
    def day(number: int) -> Provenance:
        start = datetime(2026, 6, number, tzinfo=UTC)
        return kept(interval=Interval(start, start.replace(day=number + 1)), period=str(number))

    found = between(
        map(day, range(1, 6)), datetime(2026, 6, 2, tzinfo=UTC), datetime(2026, 6, 4, 12, tzinfo=UTC)
    )

    assert [each.period for each in found] == ["2", "3"]


# How they differ


def test_columns_are_added_removed_and_of_another_type() -> None:
    found = ColumnDiff.between(
        {"a": "int64", "b": "string", "c": "string"}, {"b": "date32", "c": "string", "d": "x"}
    )

    assert found == ColumnDiff(("d",), ("a",), {"b": ("string", "date32")})


def test_partitions_that_differ_are_named_with_their_difference_to_the_last_decimal() -> None:
    huge = Decimal("12345678901234567.123456789012345678")
    old = {"a": kept(totals={"eur": huge}, rows=3), "b": kept(rows=1), "c": kept(totals={"eur": Decimal(1)})}
    new = {
        "a": kept(totals={"eur": huge + Decimal("1E-18")}, rows=3),
        "b": kept(rows=1),
        "c": kept(totals={"eur": Decimal(1), "usd": Decimal(2)}, rows=2),
    }

    compared = Comparison(ColumnDiff(), old, new)

    assert compared.differing.keys() == {"a", "c"}
    assert compared.differing["c"].totals == {"usd": Decimal(2)}
    assert compared.rows == (5, 6)
    assert compared.totals["eur"][0] == Decimal("12345678901234568.123456789012345678")


def test_only_what_is_older_and_differs_is_in_doubt() -> None:
    early, late = datetime(2026, 6, 2, tzinfo=UTC), datetime(2026, 6, 9, tzinfo=UTC)
    old = {
        "restated?": kept(rows=1, made=early),
        "same": kept(rows=2, made=early),
        "differs": kept(rows=1, made=late),
    }
    new = {key: kept(rows=2, made=late) for key in old}

    assert doubtful(old, new) == ["restated?"]
