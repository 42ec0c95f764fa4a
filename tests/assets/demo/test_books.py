"""What the demo says of the books is read from the files, also when they do not agree."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from assets.demo.books import PAYOUTS, RECONCILIATION, SUMMARY, balances, continuity, payout, payouts_tie
from connector.query import ReportQuery
from connector.sql.warehouse import open_warehouse
from tests.conftest import Pull
from tests.support.partitions import days, done

DAYS = days("2026-05-26", 3)

Pulled = Callable[..., Path]


@pytest.fixture
def pulled(pull: Pull, tmp_path: Path) -> Pulled:
    """Three days of reports, and where they are."""

    def root(*reports: str) -> Path:
        for report in reports:
            assert len(done(pull(ReportQuery.of(report), DAYS))) == len(DAYS)
        return tmp_path / "data"

    return root


def printed(table: Table) -> str:
    text = io.StringIO()
    Console(file=text, width=200).print(table)
    return text.getvalue()


def remove(root: Path, table: str, day: str) -> None:
    (file,) = root.glob(f"*/{table}/*/period={day}/report.parquet")
    file.unlink()


def test_a_payout_is_shown_with_its_components(pulled: Pulled) -> None:
    with open_warehouse(pulled(PAYOUTS, RECONCILIATION)) as warehouse:
        shown, result = payout(warehouse, len(DAYS)), payouts_tie(warehouse, len(DAYS))

    assert shown is not None
    *parts, total, paid_out = [line for line in printed(shown).splitlines() if line.startswith("│")]
    assert len(parts) > 1
    assert total.split("│")[-2] == paid_out.split("│")[-2]
    assert "to the last decimal: all " in result


def test_a_payout_whose_transactions_are_missing_is_found(pulled: Pulled) -> None:
    root = pulled(PAYOUTS, RECONCILIATION)
    remove(root, RECONCILIATION, "2026-05-27")

    with open_warehouse(root) as warehouse:
        assert "NOT ALL" in payouts_tie(warehouse, len(DAYS))


def test_balances_are_compared_from_day_to_day_and_not_across_a_gap(pulled: Pulled) -> None:
    root = pulled(SUMMARY)

    with open_warehouse(root) as warehouse:
        whole, table = continuity(warehouse), balances(warehouse, len(DAYS))
    remove(root, SUMMARY, "2026-05-27")
    with open_warehouse(root) as warehouse:
        gapped = continuity(warehouse)

    assert "usd" in printed(table)
    assert not whole.endswith("all 0.")
    assert "NOT" not in whole
    assert gapped.endswith("all 0.")
