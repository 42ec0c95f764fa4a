"""Refuse a request that cannot succeed before anything is sent.

A mistake found here costs nothing; the same mistake at Stripe costs a report run, or comes back as a 400
hours into a backfill.

Source: https://docs.stripe.com/reports/api
"""

import re
import zoneinfo
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import UTC, datetime
from typing import Any

from connector.api.models import ReportRequest
from connector.catalogue.columns import columns_of
from connector.catalogue.spec import ReportSpec
from connector.errors import ConfigurationError
from connector.money import CURRENCIES
from connector.text import hint, iso, nearest

#: The values of `reporting_category` Stripe names. It adds some now and then.
#: Source: https://docs.stripe.com/reports/reporting-categories
REPORTING_CATEGORIES = frozenset(
    """
    advance advance_funding anticipation_repayment charge charge_failure climate_order_purchase
    climate_order_refund connect_collection_transfer connect_reserved_funds contribution
    currency_conversion dispute dispute_reversal fee fee_credit_funding financing_paydown
    financing_paydown_reversal financing_payout financing_payout_reversal issuing_authorization_hold
    issuing_authorization_release issuing_disbursement issuing_dispute
    issuing_dispute_fraud_liability_debit issuing_dispute_provisional_credit
    issuing_dispute_provisional_credit_reversal issuing_transaction network_cost other_adjustment
    partial_capture_reversal payment_network_reserve_hold payment_network_reserve_release payout
    payout_minimum_balance_hold payout_minimum_balance_release payout_reversal platform_earning
    platform_earning_refund platform_fee_transfer refund refund_failure revenue_share reward
    risk_reserved_funds stripe_balance_payment_debit stripe_balance_payment_debit_reversal tax tax_fund
    tax_withholding topup topup_reversal transfer transfer_reversal unreconciled_customer_funds
    """.split()  # noqa: SIM905 (a hundred quoted codes read worse)
)

#: How alike a new category may be to a known one before it counts as a typing error.
_SLIP = 0.8


def validate(spec: ReportSpec, parameters: Mapping[str, Any]) -> ReportRequest:
    """The request for one report run, in canonical form, once nothing is wrong with it.

    Where the type takes `columns` and none are given, the default columns are filled in: the file's shape
    is our choice, not the account's. An empty value counts as absent. `interval_start` and
    `interval_end` are whole unix seconds.

    Raises:
        ConfigurationError: a parameter the type does not take, a required one that is missing, or a value
            that cannot be right. The message names the report type, the parameter and what is nearest.
    """
    given = {
        name: value for name, value in parameters.items() if value not in (None, "", [], (), frozenset())
    }
    for name in given:
        if name not in spec.parameters:
            raise ConfigurationError(f"{spec.id} takes no parameter {name!r}{hint(name, spec.parameters)}")
    missing = [name for name in spec.required if name not in given]
    if missing:
        raise ConfigurationError(f"{spec.id} needs {', '.join(missing)}")
    checked = {name: _checked(spec, name, value) for name, value in given.items()}
    if "columns" in spec.parameters:
        checked["columns"] = tuple(column.name for column in columns_of(spec, checked.get("columns")))
    _check_order(spec, checked)
    _check_accounts(spec, checked)
    return ReportRequest.of(spec.id, checked)


def _checked(spec: ReportSpec, name: str, value: Any) -> Any:
    # The name of a metadata column may have a comma in it.
    values = (value,) if name == "columns" else _values(name, value)
    if name in _LISTS and len(values) > 1:
        value = values
    elif name not in _LISTS:
        if len(values) > 1:
            raise ConfigurationError(_a_table_each(spec, name, values))
        value = values[0]
    check = _CHECKS.get(name)
    try:
        return check(value) if check else value
    except ConfigurationError as error:
        raise ConfigurationError(f"{name} of {spec.id}: {error}") from None


def _values(name: str, value: Any) -> tuple[Any, ...]:
    """The different values in what was given: a list, a set, or a text with commas, which no single value
    has."""
    if isinstance(value, str) and name in PARAMETERS and "," in value and all(value.split(",")):
        value = [item.strip() for item in value.split(",")]
    if isinstance(value, Set):
        value = sorted(value, key=str)
    return (
        tuple(each for at, each in enumerate(value) if each not in value[:at])
        if isinstance(value, list | tuple)
        else (value,)
    )


def _a_table_each(spec: ReportSpec, name: str, values: Sequence[Any]) -> str:
    tables = (
        f"`name: {spec.name}_{re.sub(r'[^a-z0-9_]+', '_', str(value).lower())}` with `{name}: {value}`"
        for value in values
    )
    return (
        f"{name} of {spec.id} takes one value and is given {len(values)}: {', '.join(map(str, values))}; use "
        f"a table for each: {', '.join(tables)}"
    )


def _check_order(spec: ReportSpec, checked: Mapping[str, Any]) -> None:
    start, end = checked.get("interval_start"), checked.get("interval_end")
    if start is not None and end is not None and start >= end:
        raise ConfigurationError(
            f"interval of {spec.id} starts at {_readable(start)}, not before its end at {_readable(end)}"
        )


def _check_accounts(spec: ReportSpec, checked: Mapping[str, Any]) -> None:
    """Stripe does not say which of the two would count."""
    if "connected_account" in checked and "connected_accounts" in checked:
        raise ConfigurationError(f"{spec.id} takes connected_account or connected_accounts, not both at once")


def _readable(seconds: int) -> str:
    return f"{seconds} ({iso(datetime.fromtimestamp(seconds, UTC))})"


#: 9999-12-31T23:59:59Z. More than that are milliseconds.
_LAST_SECOND = 253_402_300_799


def _seconds(value: Any) -> int:
    text = str(value)
    if isinstance(value, bool) or not (isinstance(value, int) or (text.isascii() and text.isdigit())):
        raise ConfigurationError(f"{value!r} is not a whole number of unix seconds")
    if not 0 <= int(value) <= _LAST_SECOND:
        raise ConfigurationError(f"{value} is not a time in unix seconds; are these milliseconds?")
    return int(value)


def _zone(value: Any) -> str:
    known = zoneinfo.available_timezones()
    if value not in known:
        raise ConfigurationError(f"{value!r} is not an IANA time zone{hint(str(value), known)}")
    return str(value)


def _currency(value: Any) -> str:
    code = str(value).lower()
    if code not in CURRENCIES:
        raise ConfigurationError(f"{value!r} is not an ISO 4217 currency{hint(code, CURRENCIES)}")
    return code


def _category(value: Any) -> str:
    text = str(value)
    if text in REPORTING_CATEGORIES:
        return text
    slips = nearest(text, REPORTING_CATEGORIES, likeness=_SLIP)
    if slips or not re.fullmatch(r"[a-z_]+", text):
        raise ConfigurationError(f"{text!r} is not a reporting category{hint(text, REPORTING_CATEGORIES)}")
    return text


def _identifier(prefix: str, what: str) -> Callable[[Any], str]:
    pattern = re.compile(rf"{prefix}_[A-Za-z0-9_]+")

    def check(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ConfigurationError(f"{value!r} is not {what}; one looks like {prefix}_1A2b3C")
        return value

    return check


_account = _identifier("acct", "an account id")


def _accounts(value: Any) -> tuple[str, ...]:
    """A set of accounts, sorted, so that the same accounts are the same request."""
    return tuple(sorted({_account(item) for item in _values("connected_accounts", value)}))


def _number_format(value: Any) -> str:
    raise ConfigurationError(
        f"{value!r} would change how amounts are printed; Parquet has no decimal separator, so leave it out"
    )


#: Parameters that take several values at once.
_LISTS = frozenset({"columns", "connected_accounts", "states"})

_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "interval_start": _seconds,
    "interval_end": _seconds,
    "timezone": _zone,
    "currency": _currency,
    "reporting_category": _category,
    "connected_account": _account,
    "connected_accounts": _accounts,
    "payout": _identifier("po", "a payout id"),
    "decimal_separator": _number_format,
    "decimal_format": _number_format,
}

#: Parameters of tax exports, whose values Stripe checks.
#: Source: https://docs.stripe.com/reports/report-types/tax
_OF_TAX = frozenset(
    {"country", "states", "taxable", "is_eu_vat_moss", "tax_type", "jurisdiction_key", "type"}
)

#: Every parameter that some report type takes.
PARAMETERS = frozenset({*_CHECKS, *_OF_TAX, "columns"})
