"""What is refused before anything is sent, and what the canonical request looks like."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.catalogue import REPORTS, Granularity, ReportSpec, report, validate
from connector.errors import ConfigurationError

SUMMARY = report("balance.summary.1")
ACTIVITY = report("balance_change_from_activity.itemized.3")
JANUARY = {"interval_start": 1767225600, "interval_end": 1769904000}

#: A report that takes the parameters our two do not.
BY_PAYOUT = ReportSpec(
    id="connected_account_payout_reconciliation.by_id.itemized.4",
    title="One payout",
    about="What one payout paid out.",
    granularity=Granularity.ITEMIZED,
    required=("payout", "connected_account"),
    optional=("connected_accounts", "timezone"),
    columns=("net",),
    default_columns=("net",),
    source="https://docs.stripe.com/reports/report-types/connect",
)
ONE_PAYOUT = {"payout": "po_1A2b", "connected_account": "acct_1A2b"}


def test_columns_are_filled_in_where_the_type_takes_them() -> None:
    assert validate(SUMMARY, JANUARY).columns == SUMMARY.default_columns
    assert validate(BY_PAYOUT, ONE_PAYOUT).columns is None


def test_values_are_brought_into_canonical_form() -> None:
    asked = validate(SUMMARY, {"interval_start": "1767225600", "interval_end": 1769904000, "currency": "USD"})

    assert asked == validate(SUMMARY, {**JANUARY, "currency": "usd"})


@pytest.mark.parametrize("empty", [None, "", [], (), set()], ids=repr)
def test_an_empty_value_is_as_good_as_none(empty: Any) -> None:
    assert validate(SUMMARY, {**JANUARY, "currency": empty, "columns": empty}) == validate(SUMMARY, JANUARY)


def test_the_default_zone_is_the_same_as_no_zone() -> None:
    assert validate(SUMMARY, {**JANUARY, "timezone": "Etc/UTC"}) == validate(SUMMARY, JANUARY)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        pytest.param({"time_zone": "UTC"}, "no parameter 'time_zone'; nearest: timezone", id="parameter"),
        pytest.param({"reporting_category": "charge"}, "no parameter", id="parameter-of-another-type"),
        pytest.param({"interval_end": None}, "needs interval_end", id="required-missing"),
        pytest.param({"columns": ["category", "net_amuont"]}, "nearest: net_amount", id="column"),
        pytest.param({"columns": "category"}, "list of names", id="columns-as-text"),
        pytest.param({"timezone": "america/newyork"}, "nearest: America/New_York", id="zone"),
        pytest.param({"timezone": "EST5"}, "not an IANA time zone", id="posix-zone"),
        pytest.param({"currency": "usdd"}, "nearest: usd", id="currency"),
        pytest.param({"currency": "dollar"}, "not an ISO 4217", id="currency-by-name"),
        pytest.param({"interval_start": 1769904000}, "not before its end", id="empty-interval"),
        pytest.param({"interval_start": 1769904001}, "not before its end", id="interval-backwards"),
        pytest.param({"interval_start": 1767225600.5}, "whole number", id="fraction-of-a-second"),
        pytest.param({"interval_start": True}, "whole number", id="boolean-for-a-time"),
        pytest.param({"interval_start": "2026-01-01"}, "whole number", id="date-for-a-time"),
        pytest.param({"interval_end": 1769904000000}, "milliseconds", id="milliseconds"),
        pytest.param({"interval_start": -1}, "not a time in unix seconds", id="before-1970"),
    ],
)
def test_a_request_that_cannot_succeed_is_refused(parameters: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        validate(SUMMARY, {**JANUARY, **parameters})


@pytest.mark.parametrize("parameter", ["decimal_separator", "decimal_format"])
def test_another_decimal_separator_is_refused_although_stripe_takes_one(parameter: str) -> None:
    """Its values are undocumented, and any but the point would make amounts unreadable."""
    spec = replace(ACTIVITY, optional=(parameter,))

    with pytest.raises(ConfigurationError, match="leave it out"):
        validate(spec, {**JANUARY, parameter: ","})


@pytest.mark.parametrize("category", ["charge", "unreconciled_customer_funds", "moon_rent"])
def test_known_reporting_categories_and_wholly_new_ones_pass(category: str) -> None:
    """Stripe adds categories between our releases."""
    asked = validate(ACTIVITY, {**JANUARY, "reporting_category": category})

    assert asked.get("reporting_category") == category


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("reporting_category", ["charge", "refund"], id="a-list"),
        pytest.param("reporting_category", ("charge", "refund"), id="a-tuple"),
        pytest.param("reporting_category", "charge,refund", id="a-text-with-commas"),
        pytest.param("reporting_category", "charge, refund", id="a-text-with-commas-and-blanks"),
        pytest.param("reporting_category", {"charge", "refund"}, id="a-set"),
        pytest.param("reporting_category", ["charge", "refund", "charge"], id="one-of-them-twice"),
        pytest.param("currency", ["charge", "refund"], id="another-parameter"),
    ],
)
def test_several_values_where_one_is_taken_are_refused_with_the_tables_to_configure(
    name: str, value: Any
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        validate(ACTIVITY, {**JANUARY, name: value})

    for each in ("charge", "refund"):
        table = f"balance_change_from_activity_itemized_{each}"
        assert f"`name: {table}` with `{name}: {each}`" in str(caught.value)


@pytest.mark.parametrize(
    "value", [["charge"], ("charge",), {"charge"}, ["charge", "charge"], "charge,charge"], ids=repr
)
def test_a_list_of_one_value_is_that_value(value: Any) -> None:
    asked = validate(ACTIVITY, {**JANUARY, "reporting_category": value})

    assert asked == validate(ACTIVITY, {**JANUARY, "reporting_category": "charge"})


def test_accounts_of_a_request_are_a_set_however_they_are_given() -> None:
    spec = report("connected_account_balance_change_from_activity.itemized.3")
    forms = (["acct_2", "acct_1"], {"acct_1", "acct_2"}, "acct_2,acct_1", "acct_1, acct_2")

    assert {validate(spec, {**JANUARY, "connected_accounts": each}).parameters for each in forms} == {
        validate(spec, {**JANUARY, "connected_accounts": ["acct_1", "acct_2"]}).parameters
    }
    assert dict(validate(spec, {**JANUARY, "connected_accounts": "acct_1"}).parameters)[
        "connected_accounts"
    ] == ("acct_1",)


@pytest.mark.parametrize(
    "value",
    [["CA", "NV"], ("CA", "NV"), {"NV", "CA"}, "CA,NV", "CA, NV"],
    ids=["a-list", "a-tuple", "a-set", "a-text-with-commas", "a-text-with-commas-and-blanks"],
)
def test_where_several_are_taken_they_are_several_however_they_are_given(value: Any) -> None:
    asked = validate(report("tax.itemized_export.1"), {**JANUARY, "states": value})

    assert dict(asked.parameters)["states"] == ("CA", "NV")


@pytest.mark.parametrize(
    ("category", "meant"),
    [
        pytest.param("charges", "charge", id="plural"),
        pytest.param("dispute_reversl", "dispute_reversal", id="typo"),
        pytest.param("Refund", "refund", id="capital"),
        pytest.param("platform earning", "platform_earning", id="blank"),
    ],
)
def test_a_slip_in_a_reporting_category_is_refused(category: str, meant: str) -> None:
    with pytest.raises(ConfigurationError, match=f"nearest: {meant}"):
        validate(ACTIVITY, {**JANUARY, "reporting_category": category})


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        pytest.param({"payout": "tr_1"}, "not a payout id", id="payout"),
        pytest.param({"payout": "po_"}, "not a payout id", id="payout-prefix-alone"),
        pytest.param({"payout": "po_1\n"}, "not a payout id", id="payout-with-newline"),
        pytest.param({"connected_account": "cus_1"}, "not an account id", id="account"),
        pytest.param({"connected_account": 17}, "not an account id", id="account-as-number"),
        pytest.param(
            {"connected_accounts": "acct_1,x"}, "'x' is not an account id", id="one-of-accounts-as-text"
        ),
        pytest.param(
            {"connected_accounts": ["acct_1", "x"]}, "'x' is not an account id", id="one-of-accounts"
        ),
    ],
)
def test_ids_of_the_wrong_kind_are_refused(parameters: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        validate(BY_PAYOUT, {**ONE_PAYOUT, **parameters})


OF_SEVERAL = report("connected_account_balance_change_from_activity.itemized.3")


@given(st.permutations(["acct_1", "acct_2", "acct_3"]), st.integers(0, 2))
def test_the_same_accounts_are_the_same_request_in_any_order(accounts: list[str], twice: int) -> None:
    """A dataset is found again by its filters; the order a person types accounts in means nothing."""
    asked = validate(OF_SEVERAL, {**JANUARY, "connected_accounts": [*accounts, accounts[twice]]})

    assert asked.get("connected_accounts") == ("acct_1", "acct_2", "acct_3")


def test_one_account_and_several_cannot_be_asked_for_at_once() -> None:
    with pytest.raises(ConfigurationError, match="not both"):
        validate(OF_SEVERAL, {**JANUARY, "connected_account": "acct_1", "connected_accounts": ["acct_2"]})


@pytest.mark.parametrize("spec", REPORTS.values(), ids=REPORTS)
def test_every_type_can_be_asked_for_with_what_it_requires(spec: ReportSpec) -> None:
    values = {**JANUARY, "payout": "po_1", "connected_account": "acct_1"}
    asked = validate(spec, {name: values[name] for name in spec.required})

    assert asked.report_type == spec.id
    assert (asked.columns or ()) == (spec.default_columns if spec.takes_columns else ())
