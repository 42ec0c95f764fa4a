"""The catalogue as data: what every entry owes the rest of the program."""

import hashlib
import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.catalogue import (
    COLUMNS,
    METADATA,
    REPORTS,
    Column,
    ColumnType,
    Granularity,
    ReportSpec,
    RowKind,
    Scope,
    Status,
    column,
    columns_by_header,
    columns_of,
    report,
)
from connector.errors import ConfigurationError

SUMMARY = report("balance.summary.1")
ACTIVITY = report("balance_change_from_activity.itemized.3")


@pytest.fixture(params=list(REPORTS))
def spec(request: pytest.FixtureRequest) -> ReportSpec:
    return REPORTS[request.param]


def test_a_report_is_found_by_its_id(spec: ReportSpec) -> None:
    assert report(spec.id) is spec


@pytest.mark.parametrize("name", sorted({s.name for s in REPORTS.values() if s.status is Status.DOCUMENTED}))
def test_a_name_stands_for_the_newest_version_stripe_documents(name: str) -> None:
    documented = [s for s in REPORTS.values() if s.name == name and s.status is Status.DOCUMENTED]

    assert report(name) in documented
    assert report(name).version == max(s.version for s in documented)


@pytest.mark.parametrize(
    "name",
    sorted(
        {s.name for s in REPORTS.values()}
        - {s.name for s in REPORTS.values() if s.status is Status.DOCUMENTED}
    ),
)
def test_a_name_without_a_documented_version_is_answered_with_the_ids(name: str) -> None:
    """Nobody shall come to rely on an undocumented type without having written its version."""
    ids = [spec.id for spec in REPORTS.values() if spec.name == name]

    with pytest.raises(ConfigurationError, match="documents no version") as refusal:
        report(name)

    assert all(each in str(refusal.value) for each in ids)


def test_an_id_without_a_version_is_a_name_as_it_stands() -> None:
    fee = report("treasury_fees.administrative_facilitation_fee")

    assert (fee.name, fee.version) == ("treasury_fees_administrative_facilitation_fee", 0)
    assert fee.parameters == ()


def test_all_documented_types_are_there() -> None:
    statuses = [spec.status for spec in REPORTS.values()]

    assert statuses.count(Status.DOCUMENTED) == 53
    assert Status.CUSTOM not in statuses


def test_only_types_that_are_not_documented_come_with_a_caution(spec: ReportSpec) -> None:
    if spec.status is Status.DOCUMENTED:
        assert spec.caution is None
    else:
        assert spec.caution is not None
        assert spec.caution.startswith(spec.id)
        assert spec.caution.endswith(".")


@pytest.mark.parametrize(
    ("id", "says"),
    [
        pytest.param("balance.summary.2", "not documented by Stripe", id="observed"),
        pytest.param("connect_card_payments_fees.plan_level.1", "preview", id="preview"),
        pytest.param("tax.transactions.itemized.1", "no longer makes it.*version 2", id="retired"),
    ],
)
def test_a_caution_says_what_is_the_matter(id: str, says: str) -> None:
    caution = report(id).caution

    assert caution is not None
    assert re.search(says, caution)


def test_importing_the_catalogue_loads_no_arrow_and_no_frames() -> None:
    code = "import sys, connector.catalogue; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert {"pyarrow", "pandas", "httpx"}.isdisjoint(loaded.stdout.split())


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        pytest.param("balance_sumary", "balance_summary", id="misspelt-name"),
        pytest.param("balance.summary.9", "balance.summary.1", id="version-we-do-not-know"),
        pytest.param("Balance_Summary", "balance_summary", id="capitals"),
    ],
)
def test_an_unknown_report_is_refused_with_what_was_probably_meant(asked: str, meant: str) -> None:
    with pytest.raises(ConfigurationError, match=meant):
        report(asked)


def test_every_column_of_every_report_is_in_the_dictionary(spec: ReportSpec) -> None:
    assert {name for name in spec.columns if name not in COLUMNS} == set()


def test_no_report_lists_a_column_twice(spec: ReportSpec) -> None:
    assert len(set(spec.columns)) == len(spec.columns)


def test_default_columns_are_columns_of_the_report_without_personal_data(spec: ReportSpec) -> None:
    chosen = columns_of(spec)

    assert set(spec.default_columns) <= set(spec.columns)
    assert not [entry.name for entry in chosen if entry.personal]


def test_something_is_asked_for_wherever_a_column_is_known(spec: ReportSpec) -> None:
    assert bool(spec.default_columns) == bool(spec.columns)
    assert spec.columns or not spec.columns_complete


def test_where_stripes_choice_is_unknown_ours_is_everything_that_names_nobody(spec: ReportSpec) -> None:
    if spec.stripe_defaults is None and spec.columns_complete:
        assert set(spec.default_columns) == {name for name in spec.columns if not COLUMNS[name].personal}


def test_defaults_are_stripes_with_twins_and_row_key_and_nothing_else(spec: ReportSpec) -> None:
    if spec.stripe_defaults is not None:
        twins = {f"{name}_utc" for name in spec.stripe_defaults} & set(spec.columns)
        expected = {*spec.stripe_defaults, *twins, *spec.row_key}

        assert set(spec.default_columns) == {name for name in expected if not COLUMNS[name].personal}


def test_a_local_time_is_followed_by_its_utc_twin_by_default(spec: ReportSpec) -> None:
    """A local wall clock is ambiguous for an hour a year; the twin says which instant it was."""
    names = spec.default_columns
    local = [name for name in names if column(name).local and f"{name}_utc" in spec.columns]

    assert all(names[names.index(name) + 1] == f"{name}_utc" for name in local)


def test_columns_that_checks_rely_on_are_asked_for_by_default(spec: ReportSpec) -> None:
    needed = {*spec.row_key, *(spec.net_columns or ()), spec.day_column, spec.amount_column} - {None}

    assert needed <= set(spec.default_columns)


def test_the_amount_is_money_in_a_currency_the_file_names(spec: ReportSpec) -> None:
    if spec.amount_column:
        assert column(spec.amount_column).type is ColumnType.MONEY
        assert spec.currency_column in spec.default_columns
    for name in spec.net_columns or ():
        assert column(name).type is ColumnType.MONEY


def test_the_day_is_decided_in_utc_where_the_report_prints_it_so(spec: ReportSpec) -> None:
    if spec.day_column:
        day = column(spec.day_column)

        assert day.type is ColumnType.TIMESTAMP
        assert f"{day.name}_utc" not in spec.columns


def test_summaries_say_what_their_rows_are_and_other_reports_need_not(spec: ReportSpec) -> None:
    assert (spec.row_kinds is not None) == (spec.granularity is Granularity.SUMMARY)
    if spec.row_kinds is not None:
        assert {spec.row_kinds.column, spec.row_kinds.currency} <= set(spec.columns)
        assert spec.row_kinds.currency == spec.currency_column


def test_parts_of_a_subtotal_have_kinds_of_their_own(spec: ReportSpec) -> None:
    if spec.row_kinds is not None:
        named = set(spec.row_kinds.kinds)

        assert set(spec.row_kinds.parts) <= named
        assert {part for parts in spec.row_kinds.parts.values() for part in parts} <= named


def test_sums_by_category_are_movements_but_for_the_row_over_all_of_them(spec: ReportSpec) -> None:
    if spec.row_kinds is not None and spec.row_kinds.column == "reporting_category":
        assert spec.row_kinds.kind("charge", "usd", {}) is RowKind.MOVEMENT
        assert spec.row_kinds.kind("total", "usd", {}) is RowKind.TOTAL


def test_reports_by_payout_take_the_payout_and_no_interval(spec: ReportSpec) -> None:
    if ".by_id." in spec.id:
        account = ("connected_account",) if spec.scope is Scope.CONNECTED_ACCOUNTS else ()

        assert set(spec.required) == {"payout", *account}
        assert not any(name.startswith("interval") for name in spec.parameters)


def test_an_ending_balance_has_an_end_and_no_start(spec: ReportSpec) -> None:
    if "ending_balance_reconciliation" in spec.id:
        assert spec.required == ("interval_end",)
        assert "interval_start" not in spec.parameters


def test_rows_about_connected_accounts_are_told_apart_by_account(spec: ReportSpec) -> None:
    """One run covers all accounts of a platform, so the account belongs to the row."""
    if "connected_account" in spec.columns and spec.row_key:
        assert spec.row_key[0] == "connected_account"
    if "connected_account" in spec.columns:
        assert "connected_account" in spec.default_columns


def test_fees_have_no_row_key_because_equal_rows_are_real() -> None:
    assert not [s.id for s in REPORTS.values() if s.id.startswith("all_fees.") and s.row_key]
    assert [s.id for s in REPORTS.values() if s.live_only] == [
        i for i in REPORTS if i.startswith("all_fees.")
    ]


@pytest.mark.parametrize("entry", COLUMNS.values(), ids=COLUMNS)
def test_a_column_describes_itself_and_money_names_its_currency(entry: Column) -> None:
    assert entry.about.endswith((".", "…"))
    if entry.type is ColumnType.MONEY:
        assert entry.unit is not None
        assert "currency" in entry.unit


@pytest.mark.parametrize("entry", COLUMNS.values(), ids=COLUMNS)
def test_a_time_is_local_unless_its_name_or_its_description_says_utc(entry: Column) -> None:
    if entry.type is ColumnType.TIMESTAMP:
        assert entry.local != entry.about.endswith("in UTC.")
        assert not (entry.local and entry.name.endswith("_utc"))
    else:
        assert not entry.local


@pytest.mark.parametrize(
    "entry", [c for c in COLUMNS.values() if c.name.endswith("_utc")], ids=lambda c: c.name
)
def test_a_twin_in_utc_has_a_local_brother(entry: Column) -> None:
    assert COLUMNS[entry.name.removesuffix("_utc")].local


def test_names_addresses_and_what_identifies_people_is_personal_and_a_country_is_not() -> None:
    personal = {name for name, entry in COLUMNS.items() if entry.personal}
    addresses = {name for name in COLUMNS if "address_" in name}
    countries = {name for name in COLUMNS if name.endswith("_country")}

    assert personal == (addresses - countries) | {
        "business_name",
        "connected_account_name",
        "customer_description",
        "customer_email",
        "customer_name",
        "customer_tax_id",
    }


@given(st.data())
def test_columns_come_typed_as_the_dictionary_has_them_in_the_order_asked_for(data: st.DataObject) -> None:
    spec = data.draw(st.sampled_from([each for each in REPORTS.values() if each.columns]))
    names = data.draw(st.lists(st.sampled_from(spec.columns), min_size=1, unique=True))

    assert columns_of(spec, names) == tuple(COLUMNS[name] for name in names)


@pytest.mark.parametrize("prefix", METADATA)
def test_a_metadata_column_is_personal_text_and_stored_under_a_name_engines_can_read(prefix: str) -> None:
    made = column(f"{prefix}[order_id]")

    assert (made.type, made.personal) == (ColumnType.TEXT, True)
    assert made.stored_name == f"{prefix}__order_id"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("payment_metadata[]", "1 to 40", id="empty-key"),
        pytest.param(f"payment_metadata[{'k' * 41}]", "1 to 40", id="long-key"),
        pytest.param("payment_metadata[a[b]]", "no column", id="brackets-in-key"),
        pytest.param("payment_metadata", r"nearest: payment_metadata\[key\]", id="no-key"),
        pytest.param("paymnt_metadata[a]", "payment_metadata", id="misspelt-prefix"),
        pytest.param("grss", "nearest: gross", id="misspelt-name"),
    ],
)
def test_a_column_no_report_can_have_is_refused(name: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        column(name)


def test_columns_come_in_the_order_asked_for() -> None:
    assert [entry.name for entry in columns_of(ACTIVITY, ["net", "payment_metadata[a b]", "created"])] == [
        "net",
        "payment_metadata[a b]",
        "created",
    ]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        pytest.param(["net", "gross", "net"], "'net' .* twice", id="duplicate"),
        pytest.param(["category"], r"no column 'category'", id="column-of-another-report"),
        pytest.param(["created_utcc"], "nearest: created_utc", id="misspelt"),
        pytest.param(["invoice_metadata[a]"], r"no column 'invoice_metadata\[a\]'", id="foreign-metadata"),
        pytest.param("net", "list of names", id="text-instead-of-a-list"),
        pytest.param(["payment_metadata[Id]", "payment_metadata[id]"], "differ only in case", id="case"),
    ],
)
def test_columns_the_report_cannot_give_are_refused(names: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        columns_of(ACTIVITY, names)


def test_of_a_type_known_in_part_every_column_of_the_dictionary_may_be_asked_for() -> None:
    activity = report("balance_change_from_activity.itemized.7")

    assert "created_utc" not in activity.columns
    assert columns_of(activity, ["created_utc", "refund_metadata[a]"])[0] is COLUMNS["created_utc"]
    with pytest.raises(ConfigurationError, match="nearest: created_utc"):
        columns_of(activity, ["created_utcc"])


def test_a_type_without_known_columns_leaves_the_choice_to_stripe() -> None:
    failed = report("failed_payouts.itemized.2")

    assert columns_of(failed) == ()
    assert failed.row_key == ()
    assert failed.day_column is None
    assert failed.amount_column is None


def test_a_file_nobody_chose_columns_for_is_typed_by_its_header() -> None:
    failed = report("failed_payouts.itemized.2")
    payout, amount, key, new = columns_by_header(failed, ["payout_id", "net", "payment_metadata[a]", "why"])

    assert (payout, amount) == (COLUMNS["payout_id"], COLUMNS["net"])
    assert (key.personal, new.type) == (True, ColumnType.TEXT)


def test_what_datasets_of_the_first_two_reports_were_made_with_has_not_changed() -> None:
    """Their code versions are made of it: a change here makes everything downstream stale."""
    assert (SUMMARY.columns, SUMMARY.default_columns) == (
        ("category", "currency", "description", "net_amount"),
        ("category", "description", "net_amount", "currency"),
    )
    assert (SUMMARY.row_key, SUMMARY.day_column, SUMMARY.amount_column) == (
        ("currency", "category"),
        None,
        "net_amount",
    )
    assert SUMMARY.optional == ("timezone", "currency", "columns")
    assert ACTIVITY.default_columns == (
        "balance_transaction_id",
        "created",
        "created_utc",
        "available_on",
        "available_on_utc",
        "currency",
        "gross",
        "fee",
        "net",
        "reporting_category",
        "description",
    )
    assert len(ACTIVITY.columns) == 66
    assert ACTIVITY.columns == tuple(sorted(ACTIVITY.columns))
    assert ACTIVITY.metadata_prefixes == ("payment_metadata", "refund_metadata", "transfer_metadata")
    assert (ACTIVITY.row_key, ACTIVITY.day_column, ACTIVITY.amount_column) == (
        ("balance_transaction_id",),
        "created_utc",
        "net",
    )
    assert ACTIVITY.optional == ("timezone", "currency", "reporting_category", "decimal_separator", "columns")


@pytest.mark.parametrize(
    ("spec", "digest"),
    [
        pytest.param(SUMMARY, "354b18016fa8fc86", id="summary"),
        pytest.param(ACTIVITY, "e47eb1502864a97b", id="itemized"),
    ],
)
def test_nor_has_the_shape_of_any_of_their_columns(spec: ReportSpec, digest: str) -> None:
    shapes = [
        (c.name, c.stored_name, c.type.value, c.unit, c.local, c.personal)
        for c in columns_of(spec, spec.columns)
    ]

    assert hashlib.sha256(repr(shapes).encode()).hexdigest()[:16] == digest
