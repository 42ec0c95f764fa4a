"""The revenue recognition reports: journal entries, each with the account debited and the one credited.

Entries of a month that is still open can change. The files have no row key: two entries may be alike.

Source: https://docs.stripe.com/revenue-recognition/api
"""

from connector.catalogue.family import Family
from connector.catalogue.spec import Granularity, ReportSpec, RowKind, RowKinds, Status

_SOURCE = "https://docs.stripe.com/revenue-recognition/api"
_NOTE = "Entries of an open month can change."

_PERIOD = ("accounting_period", "open_accounting_period", "currency")
_ENTRY = ("debit", "credit", "amount")
_TOTALS = (*_PERIOD, *_ENTRY)
_CODES = ("credit_gl_code", "debit_gl_code")

#: One entry of one invoice line, and everything it can be traced to.
_MODEL = (*_PERIOD, "transaction_model_id", "debit", "credit", "booked_date", "amount")
_BY_LINE_ITEM = (
    *_MODEL,
    "debit_gl_code",
    "credit_gl_code",
    "invoice_id",
    "invoice_line_item_id",
    "invoice_item_id",
    "subscription_item_id",
    "price_id",
    "product_id",
    "customer_id",
    "subscription_id",
    "charge_id",
    "refund_id",
    "dispute_id",
    "presentment_currency",
    "presentment_amount",
)
_AFTER = _BY_LINE_ITEM.index("invoice_item_id") + 1
_BY_INVOICE = (*_BY_LINE_ITEM[:_AFTER], "invoice_number", *_BY_LINE_ITEM[_AFTER:])

_OF_CUSTOMER = ("customer",)
_OF_INVOICE = ("customer", "invoice", "invoice_line_item")


def _journal(
    kind: str, about: str, defaults: tuple[str, ...], columns: tuple[str, ...], filters: tuple[str, ...] = ()
) -> ReportSpec:
    """The one version there is of the entries added up as `kind` says."""
    is_summary = kind == "summary"
    family = Family(
        id=f"revenue_recognition.debit_credit_{kind}",
        title=f"Revenue recognition, {kind.replace('_', ' ')}",
        about=about,
        source=_SOURCE,
        granularity=Granularity.SUMMARY if is_summary else Granularity.ITEMIZED,
        optional=(*filters, "decimal_format", "columns"),
        defaults=defaults,
        amount="amount",
        row_kinds=RowKinds(column="debit", kinds={}, otherwise=RowKind.MOVEMENT) if is_summary else None,
    )
    return family.version(1, columns, status=Status.PREVIEW, note=_NOTE)


def _by(what: str, about: str, filters: tuple[str, ...] = ()) -> ReportSpec:
    """Entries added up by one id, which stands in the file beside period and accounts."""
    defaults = (*_PERIOD, f"{what}_id", *_ENTRY)
    return _journal(f"by_{what}", about, defaults, (*defaults, *_CODES), filters)


REPORTS = (
    _journal("summary", "Revenue by month, currency and pair of accounts.", _TOTALS, (*_TOTALS, *_CODES)),
    _by("customer", "Revenue by month and customer, for each pair of accounts."),
    _by("price", "Revenue by month and price, for each pair of accounts.", _OF_CUSTOMER),
    _by("product", "Revenue by month and product, for each pair of accounts.", _OF_CUSTOMER),
    _journal(
        "by_invoice", "Every journal entry with the invoice behind it.", _MODEL, _BY_INVOICE, _OF_INVOICE
    ),
    _journal(
        "by_invoice_line_item",
        "Every journal entry with the line of the invoice behind it.",
        _MODEL,
        _BY_LINE_ITEM,
        _OF_INVOICE,
    ),
)
