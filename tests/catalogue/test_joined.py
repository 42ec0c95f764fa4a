"""Columns that a user types join a report of the catalogue, and slips are named all at once."""

from typing import Any

import pytest

from connector.api.models import moment
from connector.catalogue import (
    REPORTING_CATEGORIES,
    REPORTS,
    ColumnType,
    ReportSpec,
    Status,
    columns_of,
    report,
    with_columns,
)
from connector.errors import ConfigurationError
from connector.partitions import Interval, Partition
from connector.query import ReportQuery

PAYOUTS = report("payouts_itemized")
JUNE = Partition("2026-06-01", Interval(moment(1_780_272_000), moment(1_780_358_400)))


def test_a_typed_column_joins_the_report_and_leaves_it_as_it_is() -> None:
    query = ReportQuery.of("payouts_itemized", columns={"payout_id": None, "net": None, "moon": "money"})

    assert query.spec.status is Status.DOCUMENTED
    assert query.spec.caution is None
    assert [(each.name, each.type) for each in query.columns] == [
        ("payout_id", ColumnType.TEXT),
        ("net", ColumnType.MONEY),
        ("moon", ColumnType.MONEY),
    ]
    same = (
        "required",
        "optional",
        "row_key",
        "day_column",
        "net_columns",
        "paid_out_sign",
        "default_columns",
    )
    assert [getattr(query.spec, name) for name in same] == [getattr(PAYOUTS, name) for name in same]


@pytest.mark.parametrize(
    "spec", [each for each in REPORTS.values() if each.columns], ids=lambda spec: spec.id
)
def test_so_it_is_for_every_report(spec: Any) -> None:
    joined = with_columns(spec, {"moon": "text"})

    assert columns_of(joined) == columns_of(spec)
    assert (joined.status, joined.row_key, joined.amount_column) == (
        spec.status,
        spec.row_key,
        spec.amount_column,
    )


def test_what_is_read_as_text_can_no_longer_be_added_up() -> None:
    joined = with_columns(PAYOUTS, {"net": "text"})

    assert (joined.amount_column, joined.net_columns, joined.row_key) == (None, None, PAYOUTS.row_key)


def test_a_column_without_a_type_must_be_one_of_the_reports() -> None:
    with pytest.raises(ConfigurationError, match="no column 'category'"):
        with_columns(PAYOUTS, {"category": None, "moon": "text"})


def test_all_unknown_columns_are_named_at_once_with_the_version_that_has_them() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        columns_of(report("payouts.itemized.2"), ["netto", "application_fee", "net", "grss"])

    assert str(refusal.value) == (
        "payouts.itemized.2 lacks 3 columns: 'netto'; nearest: net, 'application_fee'; payouts.itemized.3 "
        "and payouts.itemized.5 have it, 'grss'; nearest: gross"
    )


def test_of_one_column_it_says_the_version_too() -> None:
    with pytest.raises(ConfigurationError, match=r"no column 'regulatory_tag'; .* have it"):
        columns_of(report("payouts.itemized.1"), ["regulatory_tag"])


def test_a_type_described_by_hand_takes_the_parameters_its_filters_name() -> None:
    query = ReportQuery.of("tax.new_export.1", columns={"id": "text"}, filters={"country": "US"})

    assert "country" in query.spec.optional
    with pytest.raises(ConfigurationError, match="no parameter 'cuontry'"):
        ReportQuery.of("tax.new_export.1", columns={"id": "text"}, filters={"cuontry": "US"})


IN_USE = (
    "balance_change_from_activity.itemized.7 payouts.itemized.5 payouts.summary.2 "
    "payout_reconciliation.itemized.7 failed_payouts.itemized.2 balance.summary.2 "
    "connected_account_stripe_fees.incurred_at.itemized.1 tax.transactions.itemized.5 "
    "all_fees.balance_transaction_created.itemized.1 tax.transactions.itemized.3"
)


@pytest.mark.parametrize("id", IN_USE.split())
def test_versions_that_programs_of_today_cite_are_offered_and_not_called_undocumented(id: str) -> None:
    assert REPORTS[id].status is Status.OBSERVED
    assert "not documented" not in str(REPORTS[id].caution)


NEW_CATEGORIES = (
    "payout_minimum_balance_hold payout_minimum_balance_release revenue_share currency_conversion "
    "stripe_balance_payment_debit stripe_balance_payment_debit_reversal payment_network_reserve_hold "
    "payment_network_reserve_release reward tax_fund tax_withholding fee_credit_funding "
    "platform_fee_transfer issuing_disbursement issuing_dispute_fraud_liability_debit "
    "issuing_dispute_provisional_credit issuing_dispute_provisional_credit_reversal"
)


def test_seventeen_more_categories_are_known() -> None:
    assert len(NEW_CATEGORIES.split()) == 17
    assert REPORTING_CATEGORIES.issuperset(NEW_CATEGORIES.split())


TAX_FILTERS = {
    "country": "US",
    "states": ["CA", "NY"],
    "taxable": "true",
    "is_eu_vat_moss": "false",
    "tax_type": "sales_tax",
    "jurisdiction_key": "us-ca",
    "type": "checkout",
}


def test_the_tax_export_takes_every_filter_that_stripe_lists() -> None:
    query = ReportQuery.of("tax_itemized_export", filters=TAX_FILTERS)
    asked = query.request(JUNE)

    assert {name: asked.get(name) for name in TAX_FILTERS} == {**TAX_FILTERS, "states": ("CA", "NY")}
    assert "there are more columns" in str(query.spec.caution).lower()


def test_so_does_the_tax_summary() -> None:
    filters = {"country": "US", "states": "CA", "type": "checkout", "currency": "usd"}
    asked = ReportQuery.of("tax_summarized_export", filters=filters).request(JUNE)

    assert {name: asked.get(name) for name in filters} == filters


FINANCIAL = [spec for spec in REPORTS.values() if "financial_account" in spec.id]


@pytest.mark.parametrize("spec", FINANCIAL, ids=lambda spec: spec.id)
def test_columns_of_financial_accounts_are_read_by_their_header_and_what_was_seen_is_typed(
    spec: ReportSpec,
) -> None:
    query = ReportQuery.of(spec.id)
    header = ["created", "category", "status", "amount", "available_balance_impact", "moon"]

    assert query.request(JUNE).columns is None
    assert "its files are read by their header" in str(spec.caution)
    assert [each.type for each in query.columns_in(header)] == [
        ColumnType.TIMESTAMP,
        ColumnType.TEXT,
        ColumnType.TEXT,
        ColumnType.MONEY,
        ColumnType.MONEY,
        ColumnType.TEXT,
    ]


def test_there_are_five_reports_on_financial_accounts() -> None:
    documented = {spec.id for spec in FINANCIAL if spec.status is Status.DOCUMENTED}

    assert len(FINANCIAL) == 5
    assert documented == {
        f"connected_account_financial_account_{each}.1"
        for each in (
            "balance.summary",
            "balance_change_from_activity.itemized",
            "balance_change_from_activity.summary",
        )
    }
