"""The dictionary of columns: every column name once, with the one meaning it has in every report.

Stripe prints all values as text; what a column holds follows from its name alone. So the types, units,
zones and the mark for personal data stand here, a module for each subject, and reports refer to columns by
name.

Source: https://docs.stripe.com/reports/report-types
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from connector.catalogue.dictionary.connect import CONNECT
from connector.catalogue.dictionary.fees import FEES
from connector.catalogue.dictionary.tax import TAX
from connector.catalogue.dictionary.transactions import TRANSACTIONS
from connector.catalogue.spec import Column

__all__ = ["COLUMNS", "METADATA"]


def _by_name(columns: Iterable[Column]) -> Mapping[str, Column]:
    dictionary: dict[str, Column] = {}
    for entry in columns:
        if entry.name in dictionary:
            raise ValueError(f"column {entry.name} stands twice in the dictionary")
        dictionary[entry.name] = entry
    return MappingProxyType(dictionary)


#: Every column with a fixed name, by that name.
COLUMNS: Mapping[str, Column] = _by_name((*TRANSACTIONS, *FEES, *TAX, *CONNECT))

#: Columns made by pattern, `prefix[key]`: what the key is looked up in.
#: Source: https://docs.stripe.com/reports/report-types/balance,
#: https://docs.stripe.com/reports/report-types/tax
METADATA: Mapping[str, str] = MappingProxyType({
    "payment_metadata": "the payment's metadata, or the charge's where the payment has none",
    "refund_metadata": "the refund's metadata",
    "transfer_metadata": "the transfer's metadata",
    "invoice_metadata": "the invoice's metadata",
    "credit_note_metadata": "the credit note's metadata",
    "tax_transaction_metadata": "the tax transaction's metadata",
})  # fmt: skip
