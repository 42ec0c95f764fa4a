"""The parameters of a report run, read as strictly as Stripe does.

The result is what the run echoes: text turned into integers, defaults filled in. Errors name nested
parameters as they were sent, `parameters[interval_end]`.

Source: https://docs.stripe.com/api/reporting/report_run/create, https://docs.stripe.com/reports/api
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from zoneinfo import available_timezones

from connector.simulator.books.currencies import KNOWN
from connector.simulator.protocol.errors import (
    StripeError,
    empty_parameter,
    missing_parameter,
    no_such,
    unknown_parameter,
)
from connector.simulator.protocol.forms import Form, Value, whole_number
from connector.simulator.protocol.messages import Json
from connector.simulator.report_types.report_type import ReportType

REPORTING_CATEGORIES = frozenset(
    [
        "advance", "advance_funding", "anticipation_repayment", "charge", "charge_failure",
        "climate_order_purchase", "climate_order_refund", "connect_collection_transfer",
        "connect_reserved_funds", "contribution", "dispute", "dispute_reversal", "fee", "financing_paydown",
        "financing_paydown_reversal", "financing_payout", "financing_payout_reversal",
        "issuing_authorization_hold", "issuing_authorization_release", "issuing_dispute",
        "issuing_transaction", "network_cost", "other_adjustment", "partial_capture_reversal", "payout",
        "payout_reversal", "platform_earning", "platform_earning_refund", "refund", "refund_failure",
        "risk_reserved_funds", "tax", "topup", "topup_reversal", "transfer", "transfer_reversal",
        "unreconciled_customer_funds",
    ]
)  # fmt: skip


def requested_type(form: Form) -> str:
    """The report type's id, once the form is known to hold only what the endpoint takes."""
    for name in form:
        if name not in {"report_type", "parameters", "expand"}:
            raise unknown_parameter(name)
    wanted = form.get("report_type")
    if wanted is None:
        raise missing_parameter("report_type")
    if wanted == "":
        raise empty_parameter("report_type")
    if not isinstance(wanted, str):
        raise StripeError("Invalid string: report_type takes one id.", param="report_type")
    return wanted


def run_parameters(form: Form, report_type: ReportType, *, available: tuple[int, int]) -> Json:
    """The parameters of a new run, typed and complete.

    `available` is the first and last second an interval may name, both included.

    Raises:
        StripeError: what Stripe does not accept, naming the parameter.
    """
    given = form.get("parameters", {})
    if given == "":
        given = {}
    if not isinstance(given, dict):
        raise StripeError("Invalid object: parameters is a group of parameters.", param="parameters")
    read: Json = {}
    for key, value in given.items():
        name = f"parameters[{key}]"
        if key not in {*report_type.required, *report_type.optional}:
            raise _not_taken(name, key, report_type)
        if value == "":
            raise empty_parameter(name)
        read[key] = _columns(name, value, report_type) if key == "columns" else _READERS[key](name, value)
    for key in report_type.required:
        if key not in read:
            raise missing_parameter(f"parameters[{key}]")
    _check_interval(read, available, report_type.id)
    if "columns" in report_type.optional:
        read.setdefault("columns", list(report_type.default_columns or ()))
    if "timezone" in report_type.optional:
        read.setdefault("timezone", "Etc/UTC")
    return read


def _not_taken(name: str, key: str, report_type: ReportType) -> StripeError:
    if key not in _READERS and key != "columns":
        return unknown_parameter(name)
    return StripeError(
        f"The report type {report_type.id} does not take the parameter {key}.",
        code="parameter_unknown",
        param=name,
    )


def _check_interval(read: Json, available: tuple[int, int], id: str) -> None:
    """Raise what Stripe says of an interval that it has no data for. The words for one that ends too late are
    Stripe's, as a public program matches them; those for one that begins too early are ours."""
    first, last = available
    for key in ("interval_start", "interval_end"):
        if key not in read or first <= read[key] <= last:
            continue
        bound = f"through {_as_text(last)}" if read[key] > last else f"from {_as_text(first)}"
        raise StripeError(
            f"{id} is only available {bound}; you requested `{key}` = {_as_text(read[key])}.",
            param=f"parameters[{key}]",
        )
    if "interval_start" in read and read["interval_start"] >= read["interval_end"]:
        raise StripeError(
            "interval_start must be earlier than interval_end.", param="parameters[interval_start]"
        )


def _as_text(second: int) -> str:
    try:
        return f"{second} ({datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S} UTC)"
    except (ValueError, OverflowError, OSError):
        return str(second)


def _columns(name: str, value: Value, report_type: ReportType) -> list[str]:
    if not isinstance(value, list) or not value:
        raise StripeError(f"Invalid array: {name} is a list of column names.", param=name)
    columns = []
    for index, column in enumerate(value):
        if not isinstance(column, str) or not report_type.has(column):
            raise StripeError(
                f"Invalid column: '{column}' is not a column of {report_type.id}.",
                param=f"{name}[{index}]",
            )
        columns.append(column)
    return columns


def _text(name: str, value: Value) -> str:
    if not isinstance(value, str):
        raise StripeError(f"Invalid string: {name} takes one value.", param=name)
    return value


def _currency(name: str, value: Value) -> str:
    currency = _text(name, value).lower()
    if currency not in KNOWN:
        raise StripeError(f"Invalid currency: {value}. See https://docs.stripe.com/currencies.", param=name)
    return currency


def _timezone(name: str, value: Value) -> str:
    zone = _text(name, value)
    if zone not in _zones():
        raise StripeError(f"Invalid timezone: {zone} is not in the IANA time zone database.", param=name)
    return zone


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _category(name: str, value: Value) -> str:
    category = _text(name, value)
    if category not in REPORTING_CATEGORIES:
        raise StripeError(f"Invalid {name}: '{category}' is not a reporting category.", param=name)
    return category


def _account(name: str, value: Value) -> str:
    account = _text(name, value)
    if not re.fullmatch(r"acct_[A-Za-z0-9]+", account):
        raise no_such("account", account, param=name, status=400)
    return account


def _accounts(name: str, value: Value) -> list[str]:
    if not isinstance(value, list) or not value:
        raise StripeError(f"Invalid array: {name} is a list of account ids.", param=name)
    return [_account(f"{name}[{index}]", account) for index, account in enumerate(value)]


def _states(name: str, value: Value) -> str | list[str]:
    """One, or a list: which form Stripe takes is not known."""
    return [_text(name, each) for each in value] if isinstance(value, list) else _text(name, value)


_READERS: dict[str, Callable[[str, Value], object]] = {
    "interval_start": whole_number,
    "interval_end": whole_number,
    "timezone": _timezone,
    "currency": _currency,
    "reporting_category": _category,
    "connected_account": _account,
    "connected_accounts": _accounts,
    "payout": _text,
    "decimal_separator": _text,
    "states": _states,
    **dict.fromkeys(("country", "taxable", "is_eu_vat_moss", "tax_type", "jurisdiction_key", "type"), _text),
}
