"""What the balance was charged is what the report of fees lists, with or without tax: the balance decides."""

import csv
import io
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from connector.checks import Finding, find_reconciliations, reconcile
from connector.query import ReportQuery
from connector.simulator import Match, Simulator
from tests.checks.conftest import Books, Edited, dataset_of
from tests.checks.test_samples import SAMPLES
from tests.faults.file_editing import Row
from tests.faults.runs import FileReads
from tests.support.clock import ManualClock
from tests.support.partitions import days

ITEMS = "balance_change_from_activity.itemized.3"
TOTALS = "balance_change_from_activity.summary.1"
FEES = "all_fees.balance_transaction_created.itemized.2"
FEE_TOTALS = "all_fees.balance_transaction_created.summary.2"

PAIRS = [pytest.param(ledger, fees) for ledger in (ITEMS, TOTALS) for fees in (FEES, FEE_TOTALS)]


@pytest.fixture
def simulator(clock: ManualClock) -> Simulator:
    """An account with VAT on its fees in euros, charged apart."""
    return Simulator(clock, seed=7, volume=3, run_seconds=0, opening=date(2026, 5, 1), vat_on_fees=True)


def between(books: Books, ours: ReportQuery, theirs: ReportQuery, period: str = "2026-06-01") -> Finding:
    (reconciliation,) = find_reconciliations(ours, [theirs])
    found = reconcile(books.store, reconciliation, dataset_of(ours), dataset_of(theirs), period)
    assert found is not None
    assert found.check.name == f"agrees_with_{theirs.name}"
    return found.finding


def both(books: Books, ledger: ReportQuery, fees: ReportQuery, period: str = "2026-06-01") -> list[Finding]:
    """As each side sees the other."""
    return [between(books, ledger, fees, period), between(books, fees, ledger, period)]


def with_tax(rows: list[Row]) -> None:
    for row in rows:
        row["amount"] = str(Decimal(row["amount"] or 0) + Decimal(row["tax"] or 0))


def a_cent(rows: list[Row]) -> None:
    rows[0]["amount"] = str(Decimal(rows[0]["amount"] or 0) + Decimal("0.01"))


def without_tax_on_its_own(rows: list[Row]) -> None:
    """Amounts as charged, and no tax anywhere."""
    with_tax(rows)
    for row in rows:
        row["tax"] = "0.00"


def tax_given_back(rows: list[Row]) -> None:
    """Amounts as charged, and as much tax given back as charged."""
    without_tax_on_its_own(rows)
    rows += [{**rows[0], "amount": "0.00", "tax": tax} for tax in ("0.19", "-0.19")]


def turned(rows: list[Row]) -> None:
    """With the other sign."""
    for row in rows:
        row.update({name: f"{-Decimal(row[name] or 0):f}" for name in ("amount", "tax")})


READ = [
    pytest.param(lambda _: None, "passed", "are without tax", id="without-tax"),
    pytest.param(with_tax, "passed", "are with tax", id="with-tax"),
    pytest.param(without_tax_on_its_own, "passed", "lists no tax", id="no-tax"),
    pytest.param(tax_given_back, "inconclusive", "fit with and without it", id="both-fit"),
    pytest.param(a_cent, "failed", "(difference", id="off-by-a-cent"),
    pytest.param(lambda rows: rows.clear(), "failed", "and 0.00 there", id="empty"),
]


@pytest.mark.parametrize(("ledger", "fees"), PAIRS)
@pytest.mark.parametrize(("edit", "result", "said"), READ)
def test_fees_are_read_either_way_and_the_balance_decides(
    books: Books, ledger: str, fees: str, *, edit: Callable[[list[Row]], None], result: str, said: str
) -> None:
    found = both(books, books.pulled(ledger), books.pulled(fees, Edited(edit)))

    assert [each.result for each in found] == [result, result]
    assert said in found[0].reason


@pytest.mark.parametrize(("ledger", "fees"), PAIRS)
def test_a_fee_the_balance_has_and_the_list_has_not_is_named(books: Books, ledger: str, fees: str) -> None:
    found = between(books, books.pulled(ledger), books.pulled(fees, Edited(a_cent)))

    (example,) = found.examples
    assert example["difference of fee"] == "-0.01"
    assert example["currency"] in found.reason


@pytest.mark.parametrize(("ledger", "fees"), PAIRS)
def test_fees_that_differ_by_nothing_but_the_sign_say_so_and_nobody_is_sent_to_stripe(
    books: Books, ledger: str, fees: str
) -> None:
    found = both(books, books.pulled(ledger), books.pulled(fees, Edited(turned)))

    assert [each.result for each in found] == ["failed", "failed"]
    assert all("by nothing but the sign" in each.reason for each in found)
    assert not [each for each in found if "Stripe support" in each.reason or "efresh" in each.reason]


def test_a_fee_and_its_vat_are_two_transactions_seconds_apart(books: Books, simulator: Simulator) -> None:
    """As a Norwegian account has them: the VAT has a line of its own, with nothing but tax."""
    columns = {}
    for id, sample in ((ITEMS, f"{ITEMS}-vat-on-fees"), (FEES, f"{FEES}-crlf")):
        content = (SAMPLES / f"{sample}.csv").read_bytes()
        columns[id] = content.decode().splitlines()[0].replace('"', "").split(",")
        simulator.faults.add(FileReads(lambda _, body=content: body), Match(report_type=id))  # type: ignore[misc]

    ledger, fees = (books.pulled(id, columns=columns[id]) for id in (ITEMS, FEES))
    found = both(books, ledger, fees)

    assert [each.result for each in found] == ["passed", "passed"]
    assert "The amounts of all_fees_balance_transaction_created_itemized are without tax." in found[0].reason


def test_before_all_fees_have_come_a_difference_decides_nothing(books: Books) -> None:
    lately = days("2026-06-05", 1)
    ledger, fees = (
        books.pulled(report, *faults, partitions=lately)
        for report, faults in ((ITEMS, ()), (FEES, (Edited(lambda rows: rows.clear()),)))
    )

    found = both(books, ledger, fees, "2026-06-05")

    assert [each.result for each in found] == ["inconclusive", "inconclusive"]
    assert "Fees come up to 96 hours late" in found[0].reason
    assert "refresh it from 2026-06-10 00:00 UTC on" in found[0].reason


def test_before_all_fees_have_come_a_difference_of_the_sign_alone_is_one_all_the_same(books: Books) -> None:
    lately = days("2026-06-05", 1)
    ledger, fees = (
        books.pulled(report, *faults, partitions=lately)
        for report, faults in ((ITEMS, ()), (FEES, (Edited(turned),)))
    )

    found = both(books, ledger, fees, "2026-06-05")

    assert [each.result for each in found] == ["failed", "failed"]


NOT_COMPARED = [
    pytest.param(FEES, {"columns": ["currency", "amount"]}, id="without-the-tax"),
    pytest.param(FEES, {"window": "monthly"}, id="window"),
    pytest.param(FEES, {"filters": {"currency": "eur"}}, id="filter"),
    pytest.param("all_fees.incurred_at.itemized.2", {}, id="fees-by-another-date"),
    pytest.param("all_fees.balance_transaction_created.itemized.1", {}, id="columns-not-known"),
]


@pytest.mark.parametrize(("fees", "options"), NOT_COMPARED)
@pytest.mark.parametrize("ledger", [ITEMS, TOTALS, FEE_TOTALS])
def test_other_tables_are_never_equated(ledger: str, fees: str, options: dict[str, object]) -> None:
    query = ReportQuery.of(fees, name="fees", **options)  # type: ignore[arg-type]

    assert not find_reconciliations(ReportQuery.of(ledger), [query])
    assert not find_reconciliations(query, [ReportQuery.of(ledger)])


def test_sums_of_fees_and_fees_are_not_equated_with_each_other() -> None:
    """Amounts of the one are without tax, and those of the other may be with it."""
    assert not find_reconciliations(ReportQuery.of(FEES), [ReportQuery.of(FEE_TOTALS)])


# The account with VAT, as the simulator has it


def rows(simulator: Simulator, report: str) -> list[dict[str, str]]:
    june = [int(datetime(2026, 6, day, tzinfo=UTC).timestamp()) for day in (1, 7)]
    body = simulator.csv(report, interval_start=june[0], interval_end=june[1])
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def test_the_simulated_vat_is_a_transaction_with_the_fees_description(simulator: Simulator) -> None:
    fees = defaultdict(list)
    for row in rows(simulator, ITEMS):
        if row["reporting_category"] == "fee" and row["currency"] == "eur":
            fees[row["description"]].append(row)

    assert fees
    for fee, vat in fees.values():
        apart = datetime.fromisoformat(vat["created"]) - datetime.fromisoformat(fee["created"])
        assert apart.seconds == 3
        assert Decimal(vat["net"]) == round(Decimal(fee["net"]) * Decimal("0.19"), 2) < 0


def test_without_the_option_the_books_are_as_they_were(clock: ManualClock, simulator: Simulator) -> None:
    plain = Simulator(clock, seed=7, volume=3, opening=date(2026, 5, 1))
    known = [each for each in rows(simulator, ITEMS) if each in rows(plain, ITEMS)]

    assert known == rows(plain, ITEMS)
    assert plain.books_id() != simulator.books_id()
