"""The report types that exist here, and since when and until when their data do.

Data are complete for a UTC day by noon of the next, and are prepared twice a day; so the end of availability
is the latest midnight or noon (UTC) that lies at least twelve hours back, and it may well be a noon.

Sources: https://docs.stripe.com/reports/options, https://docs.stripe.com/api/reporting/report_type/object
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connector.simulator import reports
from connector.simulator.columns import METADATA, Sheet
from connector.simulator.draws import unit
from connector.simulator.messages import Json

HALF_DAY = 43_200
Rows = Callable[[Sheet, Mapping[str, Any]], Iterable[Iterable[str | None]]]


@dataclass(frozen=True)
class ReportType:
    """A report that can be asked for.

    `columns` are all it knows, `[key]` standing for any metadata key; `default_columns` is None for a type
    that takes no `columns`, which then prints `columns` as they are. `delay` is in seconds.
    """

    id: str
    name: str
    version: int
    columns: tuple[str, ...]
    default_columns: tuple[str, ...] | None
    rows: Rows
    required: tuple[str, ...] = ("interval_start", "interval_end")
    optional: tuple[str, ...] = ("columns", "currency", "timezone")
    delay: int = HALF_DAY
    live_only: bool = False

    def has(self, column: str) -> bool:
        """Whether the report can print `column`."""
        if match := METADATA.fullmatch(column):
            return f"{match[1]}_metadata[key]" in self.columns
        return column in self.columns

    def available_until(self, now: int) -> int:
        """`data_available_end` in unix seconds: exclusive, a midnight or a noon in UTC."""
        return prepared(now - self.delay)

    def updated(self, seed: int, now: int) -> int:
        """When data were last prepared: a while after midnight or noon, never after `now`."""
        latest = prepared(now)
        at = latest + self._lag(seed, latest)
        return at if at <= now else latest - HALF_DAY + self._lag(seed, latest - HALF_DAY)

    def _lag(self, seed: int, half_day: int) -> int:
        return 5 + int(unit(seed, "updated", self.id, half_day) * 175)

    def view(self, *, seed: int, now: int, start: int, end: int, livemode: bool) -> Json:
        """The report type object."""
        return {
            "id": self.id,
            "object": "reporting.report_type",
            "data_available_end": end,
            "data_available_start": start,
            "default_columns": None if self.default_columns is None else list(self.default_columns),
            "livemode": livemode,
            "name": self.name,
            "updated": self.updated(seed, now),
            "version": self.version,
        }


def prepared(second: int) -> int:
    """The latest midnight or noon, UTC, not after `second`."""
    return second // HALF_DAY * HALF_DAY


BALANCE_SUMMARY = ReportType(
    id="balance.summary.1",
    name="Balance summary",
    version=1,
    columns=("category", "currency", "description", "net_amount"),
    default_columns=("category", "description", "net_amount", "currency"),
    rows=reports.balance_summary,
)

_PLACE = ("city", "country", "line1", "line2", "postal_code", "state")
_BALANCE_CHANGE_COLUMNS = (
    "automatic_payout_effective_at", "automatic_payout_effective_at_utc", "automatic_payout_id",
    "available_on", "available_on_utc", "balance_transaction_id",
    *(f"card_address_{part}" for part in _PLACE),
    "card_brand", "card_country", "card_funding",
    "charge_created", "charge_created_utc", "charge_id",
    "connected_account_country", "connected_account_direct_charge_id",
    "connected_account_id", "connected_account_name",
    "created", "created_utc", "currency",
    *(f"customer_address_{part}" for part in _PLACE),
    "customer_description", "customer_email", "customer_facing_amount", "customer_facing_currency",
    "customer_id", "customer_name",
    *(f"customer_shipping_address_{part}" for part in _PLACE),
    "description", "dispute_reason", "fee", "gross", "invoice_id", "invoice_number", "is_link", "net",
    "payment_intent_id", "payment_metadata[key]", "payment_method_type", "refund_metadata[key]",
    "regulatory_tag", "reporting_category",
    *(f"shipping_address_{part}" for part in _PLACE),
    "source_id", "statement_descriptor", "subscription_id", "trace_id", "trace_id_status",
    "transfer_metadata[key]",
)  # fmt: skip

BALANCE_CHANGE_ITEMIZED = ReportType(
    id="balance_change_from_activity.itemized.3",
    name="Itemized balance change from activity",
    version=3,
    columns=_BALANCE_CHANGE_COLUMNS,
    default_columns=(
        "balance_transaction_id", "created", "available_on", "currency", "gross", "fee", "net",
        "reporting_category", "description",
    ),
    rows=reports.balance_change_itemized,
    optional=("columns", "currency", "decimal_separator", "reporting_category", "timezone"),
)  # fmt: skip

REPORT_TYPES = (BALANCE_SUMMARY, BALANCE_CHANGE_ITEMIZED)
"""What an account has by default, in the order of the list call."""
