"""Report types beyond the documented ones: seen in public code, in preview, or withdrawn.

Only `LIVE_ONLY_TYPES` exist unless asked for: `Simulator(report_types=EVERY_TYPE)` has all. Where no source
names a column of a version, it has those of its nearest relative; that is an assumption, not a fact.

Sources: https://github.com/wikimedia/wikimedia-fundraising-SmashPig (PaymentProviders/Stripe),
https://github.com/mozilla/bigquery-etl (bigquery_etl/stripe), https://github.com/fivetran/dbt_stripe,
https://docs.stripe.com/revenue-recognition/api,
https://docs.stripe.com/connect/network-cost-passthrough-platforms,
https://docs.stripe.com/reports/treasury-fees-reporting, https://docs.stripe.com/tax/reports
"""

from dataclasses import replace

from connector.simulator import column_sets, components, fees, plausible, reports, selections, tax
from connector.simulator.documented_types import DOCUMENTED_TYPES, INTERVAL, listing, totals
from connector.simulator.plausible import Kind
from connector.simulator.report_types import ReportType, Status

_FEE_LINE = (
    "balance_transaction_created", "balance_transaction_id", "fee_transaction_created",
    "fee_transaction_id", "incurred_at", "incurred_by", "incurred_by_type", "fee_description", "amount",
    "tax", "currency", "product", "feature_name", "pricing_tier", "settled_at", "settled_via", "suite",
    "fee_category",
)  # fmt: skip
_FEE_SUM = ("suite", "product", "feature_name", "feature_description", "amount", "tax", "currency")

LIVE_ONLY_TYPES = tuple(
    ReportType(
        id=id,
        name=name,
        version=2,
        columns=tuple(sorted(columns)),
        default_columns=columns,
        rows=rows,
        optional=("timezone", "currency", "columns"),
        status=Status.OBSERVED,
        live_only=True,
    )
    for id, name, columns, rows in (
        (
            "all_fees.balance_transaction_created.itemized.2",
            "Itemized fees by the day they hit the balance",
            _FEE_LINE,
            fees.itemized(fees.by_balance),
        ),
        (
            "all_fees.balance_transaction_created.summary.2",
            "Fees by the day they hit the balance",
            _FEE_SUM,
            fees.summary,
        ),
        (
            "all_fees.incurred_at.itemized.2",
            "Itemized fees by the day they were incurred",
            _FEE_LINE,
            fees.itemized(fees.by_use),
        ),
    )
)
"""With a key of test mode they are a 404."""

_COMPONENT = (
    "balance_transaction_id", "balance_transaction_created_at", "balance_transaction_reporting_category",
    "balance_transaction_component", "balance_transaction_regulatory_tag", "activity_at", "currency",
    "amount", "charge_id", "payment_intent_id", "refund_id", "dispute_id", "invoice_id", "invoice_number",
    "subscription_id", "fee_id", "transfer_id", "destination_id", "automatic_payout_id",
    "automatic_payout_effective_at", "event_type", "activity_interval_type", "activity_start_date",
    "activity_end_date", "balance_transaction_description", "customer_id", "customer_email",
    "customer_name", "customer_description", "payment_method_type", "is_link", "card_brand",
    "card_funding", "card_country", "statement_descriptor", "customer_facing_currency",
    "customer_facing_amount", "connected_account_id", "connected_account_name",
    "connected_account_country", "connected_account_direct_charge_id",
    *(name for name in column_sets.ACTIVITY[2] if "_address_" in name),
)  # fmt: skip
_WITHHELD = ("fee_net_of_withheld_tax", "withheld_tax")
_PAYOUT_WORDS = ("payout_reference_token", "payout_statement_descriptor")
_NEW_RECONCILIATION = (*column_sets.RECONCILIATION[5], *_WITHHELD, *_PAYOUT_WORDS)
_BY_PAYOUT = ("automatic_payout_id", "automatic_payout_effective_at")

_FROM_THE_LEDGER = (
    ReportType(
        id="balance.summary.2",
        name="Balance summary",
        version=2,
        columns=tuple(sorted(column_sets.BALANCE)),
        default_columns=column_sets.BALANCE,
        rows=reports.balance_summary_in_parts,
    ),
    *(
        listing(
            f"balance_change_from_activity.itemized.{version}",
            "Itemized balance change from activity",
            column_sets.ACTIVITY[3],
            selections.activity,
        )
        for version in (6, 7)
    ),
    totals("balance_change_from_activity.summary.2", "Balance change from activity", selections.activity),
    listing("payouts.itemized.5", "Itemized payouts", column_sets.PAYOUTS[3], selections.payouts),
    totals("payouts.summary.2", "Payouts", selections.payouts),
    listing(
        "failed_payouts.itemized.2",
        "Itemized failed payouts",
        column_sets.PAYOUTS[3],
        selections.returned_payouts,
    ),
    # The sixth version is said to leave the payout's id out unless asked for it; the seventh has it again.
    listing(
        "payout_reconciliation.itemized.6",
        "Itemized payout reconciliation",
        _NEW_RECONCILIATION,
        selections.paid_out,
    ),
    listing(
        "payout_reconciliation.itemized.7",
        "Itemized payout reconciliation",
        _NEW_RECONCILIATION,
        selections.paid_out,
        first=_BY_PAYOUT,
    ),
    totals("payout_reconciliation.summary.2", "Payout reconciliation", selections.paid_out),
    *(
        ReportType(
            id=f"activity.itemized.{version}",
            name="Itemized activity by component",
            version=version,
            columns=tuple(sorted(_COMPONENT)),
            default_columns=_COMPONENT,
            rows=reports.itemized(components.components, components.reader),
            optional=("columns",),
        )
        for version in (2, 3)
    ),
    totals("activity.summary.1", "Activity by component", selections.activity, optional=("columns",)),
)

_OLD_TAX = (
    "id", "type", "currency", "transaction_date_utc", "transaction_date", "tax_date_utc", "tax_date",
    "refund_id", "line_item_id", "subtotal", "total", "tax_behavior", "tax_code", "jurisdiction_name",
    "jurisdiction_level", "country_code", "state_code", "taxability", "taxability_reason", "tax_rate",
    "tax_name", "tax_type", "quantity", "payment_intent_id", "customer_tax_id",
    "origin_resolved_address_line1", "origin_resolved_address_line2", "origin_resolved_address_city",
    "destination_resolved_address_line1", "destination_resolved_address_line2",
    "destination_resolved_address_city", "destination_resolved_address_state",
    "destination_resolved_address_postal_code", "destination_resolved_address_country",
    "taxable_amount", "non_taxable_amount", "tax_amount", "filing_currency", "filing_exchange_rate",
    "filing_total", "filing_non_taxable_amount", "filing_taxable_amount", "filing_tax_amount",
)  # fmt: skip
_TAX_SUMMARY = (
    "country_code", "state_code", "jurisdiction_level", "jurisdiction_name", "tax_rate",
    "transaction_currency", "total", "total_sales", "total_taxable_sales", "total_nontaxable_sales",
    "total_tax_collected", "total_sales_refunded", "total_tax_refunded", "filing_currency",
    "filing_tax_payable", "filing_total_sales", "filing_total_taxable_sales",
    "filing_total_nontaxable_sales", "filing_total_tax_collected", "filing_total_sales_refunded",
    "filing_total_taxable_refunded", "filing_total_tax_refunded", "transaction_date_start",
    "transaction_date_start_utc", "transaction_date_end", "transaction_date_end_utc",
)  # fmt: skip
_TAX_TYPES = (
    ReportType(
        id="tax.transactions.itemized.1",
        name="Itemized tax transactions",
        version=1,
        columns=tuple(sorted(_OLD_TAX)),
        default_columns=_OLD_TAX,
        rows=reports.itemized(tax.taxed, tax.reader),
        optional=("timezone", "decimal_separator", "columns"),
        status=Status.RETIRED,
    ),
    ReportType(
        id="tax.transactions.itemized.3",
        name="Itemized tax transactions",
        version=3,
        columns=tuple(sorted(column_sets.TAX)),
        default_columns=tuple(name for name in column_sets.TAX if "[" not in name),
        rows=reports.itemized(tax.taxed, tax.reader),
        optional=("timezone", "columns"),
        status=Status.OBSERVED,
    ),
    ReportType(
        id="tax.summarized_export.1",
        name="Tax by jurisdiction",
        version=1,
        columns=tuple(sorted(_TAX_SUMMARY)),
        default_columns=_TAX_SUMMARY,
        rows=tax.summarized,
        optional=("timezone", "columns"),
        status=Status.OBSERVED,
    ),
)


def _preview(
    id: str,
    name: str,
    kinds: dict[str, Kind],
    *,
    optional: tuple[str, ...] = (),
    required: tuple[str, ...] = INTERVAL,
    default: int | None = None,
) -> ReportType:
    """A type whose rows are made up.

    `default` is how many of the columns come unasked, for a type that can be asked for columns.
    """
    columns = tuple(kinds)
    return ReportType(
        id=id,
        name=name,
        version=int(id[-1]) if id[-1].isdigit() else 1,
        columns=columns,
        default_columns=columns[:default] if "columns" in optional else None,
        rows=plausible.plausible(id, kinds),
        required=required,
        optional=optional,
        status=Status.PREVIEW,
    )


_PLATFORM: dict[str, Kind] = {
    "platform_id": plausible.ident("acct"),
    "connected_account_id": plausible.account,
    "connected_account_name": plausible.one_of("Ada’s Harbour Shop", None),
}
_FEE_END: dict[str, Kind] = {
    "total_amount": plausible.millionths,
    "fee_currency": plausible.currency,
    "livemode": plausible.livemode,
}
_PLAN_LEVEL = {
    **_PLATFORM,
    "plan_name": plausible.one_of("All scheme fees", "Interchange, consumer cards"),
    "network_cost_category": plausible.one_of("card_scheme", "interchange"),
    **_FEE_END,
}
_TRANSACTION_LEVEL = {
    **_PLATFORM,
    "transfer_id": plausible.ident("tr"),
    "transfer_created": plausible.moment,
    "balance_transaction_id": plausible.ident("txn"),
    "balance_transaction_created": plausible.moment,
    "automatic_payout_id": plausible.sometimes(plausible.ident("po")),
    "fee_incurred_at": plausible.moment,
    "charge_id": plausible.ident("ch"),
    "captured_amount": plausible.money,
    "captured_currency": plausible.currency,
    "refund_id": plausible.sometimes(plausible.ident("re")),
    "dispute_id": plausible.sometimes(plausible.ident("du")),
    "card_brand": plausible.one_of("Visa", "MasterCard"),
    "bin": plausible.one_of("424242", "012345"),
    "issuing_bank": plausible.one_of("NA Bank", None),
    "card_funding": plausible.one_of("credit", "debit"),
    "card_country": plausible.one_of("US", "NA", "DE"),
    "card_present": plausible.truth,
    "fee_category": plausible.one_of("card_payments", "disputes"),
    "card_scheme_fee": plausible.millionths,
    "interchange_fee": plausible.millionths,
    "non_transactional_card_scheme_fee": plausible.millionths,
    "discount_fee": plausible.millionths,
    "platform_application_fee": plausible.money,
    **_FEE_END,
}
_PERIOD: dict[str, Kind] = {
    "accounting_period": plausible.month,
    "open_accounting_period": plausible.still_open,
    "currency": plausible.currency,
}
_SIDES: dict[str, Kind] = {
    "debit": plausible.one_of("AccountsReceivable", "DeferredRevenue"),
    "credit": plausible.one_of("Revenue", "UnbilledAccountsReceivable"),
}
_CODES: dict[str, Kind] = {
    "debit_gl_code": plausible.one_of("1200", None),
    "credit_gl_code": plausible.one_of("4000", None),
}
_AMOUNT: dict[str, Kind] = {"amount": plausible.money}
_BOOKED: dict[str, Kind] = {
    **_PERIOD,
    "transaction_model_id": plausible.ident("in"),
    **_SIDES,
    "booked_date": plausible.day,
    **_AMOUNT,
    **_CODES,
    "invoice_id": plausible.ident("in"),
    "invoice_line_item_id": plausible.ident("il"),
    "invoice_item_id": plausible.sometimes(plausible.ident("ii")),
    "subscription_item_id": plausible.sometimes(plausible.ident("si")),
    "price_id": plausible.ident("price"),
    "product_id": plausible.ident("prod"),
    "customer_id": plausible.ident("cus"),
    "subscription_id": plausible.sometimes(plausible.ident("sub")),
    "charge_id": plausible.sometimes(plausible.ident("ch")),
    "refund_id": plausible.sometimes(plausible.ident("re")),
    "dispute_id": plausible.sometimes(plausible.ident("du")),
    "presentment_currency": plausible.currency,
    "presentment_amount": plausible.money,
}
_REVENUE = "revenue_recognition.debit_credit_"
_OF_INVOICE = ("customer", "invoice", "invoice_line_item", "decimal_format", "columns")
_PREVIEWS = (
    _preview("connect_card_payments_fees.plan_level.1", "Network costs by plan", _PLAN_LEVEL),
    _preview(
        "connect_card_payments_fees.transaction_level.1", "Network costs by payment", _TRANSACTION_LEVEL
    ),
    _preview(
        f"{_REVENUE}summary.1",
        "Revenue recognition, debits and credits",
        {**_PERIOD, **_SIDES, **_AMOUNT, **_CODES},
        optional=("decimal_format", "columns"),
        default=6,
    ),
    *(
        _preview(
            f"{_REVENUE}by_{thing}.1",
            f"Revenue recognition by {thing}",
            {**_PERIOD, f"{thing}_id": plausible.ident(prefix), **_SIDES, **_AMOUNT, **_CODES},
            optional=("decimal_format", "columns", *also),
            default=7,
        )
        for thing, prefix, also in (
            ("customer", "cus", ()),
            ("price", "price", ("customer",)),
            ("product", "prod", ("customer",)),
        )
    ),
    _preview(
        f"{_REVENUE}by_invoice.1",
        "Revenue recognition by invoice",
        {**_BOOKED, "invoice_number": plausible.one_of("ADA-0001", "ADA-0002")},
        optional=_OF_INVOICE,
        default=8,
    ),
    _preview(
        f"{_REVENUE}by_invoice_line_item.1",
        "Revenue recognition by line item",
        _BOOKED,
        optional=_OF_INVOICE,
        default=8,
    ),
    _preview(
        "treasury_fees.administrative_facilitation_fee",
        "Treasury administrative facilitation fee",
        {
            "date": plausible.day,
            "merchant": plausible.account,
            "financial_account": plausible.ident("fa"),
            "balance_amount": plausible.money,
            "balance_currency": plausible.currency,
            "effr_value": plausible.one_of("4.33", "4.08"),
            "fee": plausible.millionths,
        },
        required=(),
    ),
)

OBSERVED_TYPES = tuple(replace(each, status=Status.OBSERVED) for each in _FROM_THE_LEDGER)

REPORT_TYPES = (*DOCUMENTED_TYPES, *LIVE_ONLY_TYPES)
"""What an account has unless another choice is made."""

EVERY_TYPE = (*REPORT_TYPES, *OBSERVED_TYPES, *_TAX_TYPES, *_PREVIEWS)
"""All of which anything is known."""
