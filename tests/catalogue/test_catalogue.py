"""The catalogue as data: what every entry owes the rest of the program."""

import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
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
    RowKindRules,
    Status,
    column,
    columns_by_header,
    columns_of,
    report,
)
from connector.errors import ConfigurationError

ACTIVITY = report("balance_change_from_activity.itemized.3")

DOCUMENTED = [spec for spec in REPORTS.values() if spec.status is Status.DOCUMENTED]


def each(columns: Iterable[Column]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("entry", list(columns), ids=lambda entry: entry.name)


def where(chosen: Callable[[ReportSpec], object]) -> pytest.MarkDecorator:
    """The report types of which that is true, in place of all."""
    found = [spec for spec in REPORTS.values() if chosen(spec)]
    return pytest.mark.parametrize("spec", found, ids=lambda spec: spec.id)


@pytest.fixture(params=list(REPORTS))
def spec(request: pytest.FixtureRequest) -> ReportSpec:
    return REPORTS[request.param]


def test_a_report_is_found_by_its_id(spec: ReportSpec) -> None:
    assert report(spec.id) is spec


@pytest.mark.parametrize("name", sorted({spec.name for spec in DOCUMENTED}))
def test_a_name_stands_for_the_newest_version_stripe_documents(name: str) -> None:
    documented = [spec for spec in DOCUMENTED if spec.name == name]

    assert report(name) in documented
    assert report(name).version == max(spec.version for spec in documented)


@pytest.mark.parametrize(
    "name", sorted({spec.name for spec in REPORTS.values()} - {spec.name for spec in DOCUMENTED})
)
def test_a_name_without_a_documented_version_is_answered_with_the_ids(name: str) -> None:
    """Nobody shall come to rely on an undocumented type without having written its version."""
    ids = [spec.id for spec in REPORTS.values() if spec.name == name]

    with pytest.raises(ConfigurationError, match="name one by its id") as refusal:
        report(name)

    assert all(each in str(refusal.value) for each in ids)


def test_fifty_eight_types_are_documented_and_the_others_were_seen_in_use() -> None:
    assert len(DOCUMENTED) == 58
    assert {spec.status for spec in REPORTS.values()} == {Status.DOCUMENTED, Status.OBSERVED}


@where(lambda spec: spec.status is Status.DOCUMENTED)
def test_a_documented_type_comes_without_a_caution_unless_columns_are_not_known(spec: ReportSpec) -> None:
    assert (spec.caution is None) == spec.columns_complete


@where(lambda spec: spec.status is Status.OBSERVED)
def test_a_type_that_was_only_seen_in_use_says_so(spec: ReportSpec) -> None:
    assert str(spec.caution).startswith(f"{spec.id} is known from programs that use it")


@pytest.mark.parametrize("status", Status)
def test_a_type_whose_columns_nobody_knows_says_that_its_files_are_read_by_their_header(
    status: Status,
) -> None:
    unknown = replace(ACTIVITY, columns=(), default_columns=(), status=status)

    assert str(unknown.caution).endswith("Its columns are not known, so its files are read by their header.")


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


def test_the_dictionary_has_no_column_that_is_in_no_report() -> None:
    assert set(COLUMNS) == {name for spec in REPORTS.values() for name in spec.columns}


def test_default_columns_are_columns_of_the_report_without_personal_data(spec: ReportSpec) -> None:
    chosen = columns_of(spec)

    assert set(spec.default_columns) <= set(spec.columns)
    assert not [entry.name for entry in chosen if entry.personal]


def test_something_is_asked_for_wherever_a_column_is_known(spec: ReportSpec) -> None:
    assert bool(spec.default_columns) == bool(spec.columns)
    assert spec.columns or not spec.columns_complete


@where(lambda spec: spec.stripe_defaults is None and spec.columns_complete)
def test_where_stripes_choice_is_unknown_ours_is_everything_that_names_nobody(spec: ReportSpec) -> None:
    assert set(spec.default_columns) == {name for name in spec.columns if not COLUMNS[name].personal}


@where(lambda spec: spec.stripe_defaults is not None)
def test_defaults_are_stripes_with_twins_row_key_and_what_ties_rows_and_nothing_else(
    spec: ReportSpec,
) -> None:
    stripes = spec.stripe_defaults or ()
    twins = {f"{name}_utc" for name in stripes} & set(spec.columns)
    paid_by = {spec.day_column, "automatic_payout_id"} if spec.day_column else set()
    also = {name for name in paid_by if str(name).startswith("automatic_payout")} & {*spec.columns}
    also = also if spec.name.endswith("payout_reconciliation_itemized") else set()
    twins |= {f"{name}_utc" for name in also} & set(spec.columns)
    local = {str(name).removesuffix("_utc") for name in also} & set(spec.columns)
    ties = {"source_id", "charge_id", "connected_account_id"} & {*spec.columns}
    also |= ties if "balance_transaction_id" in stripes else set()
    expected = {*stripes, *twins, *spec.row_key, *also, *local}

    assert set(spec.default_columns) == {name for name in expected if not COLUMNS[name].personal}


def test_a_local_time_is_followed_by_its_utc_twin_by_default(spec: ReportSpec) -> None:
    """A local wall clock is ambiguous for an hour a year; the twin says which instant it was."""
    names = spec.default_columns
    local = [name for name in names if column(name).local and f"{name}_utc" in spec.columns]

    assert all(names[names.index(name) + 1] == f"{name}_utc" for name in local)


def test_columns_that_checks_rely_on_are_asked_for_by_default(spec: ReportSpec) -> None:
    needed = {*spec.row_key, *(spec.net_columns or ()), spec.day_column, spec.amount_column} - {None}

    assert needed <= set(spec.default_columns)


@where(lambda spec: spec.amount_column)
def test_the_amount_is_money_in_a_currency_the_file_names(spec: ReportSpec) -> None:
    added = [name for name in (spec.amount_column, *(spec.net_columns or ())) if name]

    assert {column(name).type for name in added} == {ColumnType.MONEY}
    assert spec.currency_column in spec.default_columns


@where(lambda spec: not spec.amount_column)
def test_only_where_no_column_is_known_there_is_no_amount(spec: ReportSpec) -> None:
    assert spec.columns == ()
    assert spec.net_columns is None


@where(lambda spec: spec.day_column)
def test_the_day_is_decided_in_utc_where_the_report_prints_it_so(spec: ReportSpec) -> None:
    day = column(spec.day_column or "")

    assert day.type is ColumnType.TIMESTAMP
    assert f"{day.name}_utc" not in spec.columns


def test_summaries_say_what_their_rows_are_and_other_reports_need_not(spec: ReportSpec) -> None:
    assert (spec.row_kinds is not None) == (spec.granularity is Granularity.SUMMARY)


def kinds_of(spec: ReportSpec) -> RowKindRules:
    assert spec.row_kinds is not None
    return spec.row_kinds


summaries = where(lambda spec: spec.row_kinds)


@summaries
def test_what_rows_of_a_summary_are_follows_from_columns_it_has(spec: ReportSpec) -> None:
    kinds = kinds_of(spec)

    assert not spec.columns or {kinds.column, kinds.currency} <= set(spec.columns)
    assert kinds.currency == spec.currency_column


LINES = st.from_regex(r"[a-z]{1,12}(_[a-z]{1,8})?", fullmatch=True).filter(
    lambda name: not name.endswith(("_gross", "_fee")) and "balance" not in name
)
CURRENCIES = st.sampled_from(["usd", "eur", None])


@given(LINES, CURRENCIES, st.sets(st.sampled_from(["_gross", "_fee"]), min_size=1))
def test_any_line_with_parts_is_their_sum_and_the_parts_are_movements(
    name: str, currency: str | None, endings: set[str]
) -> None:
    kinds = kinds_of(report("balance_summary"))
    standing = {f"{name}{ending}": {currency} for ending in endings}

    assert kinds.kind(name, currency, standing) is RowKind.SUBTOTAL
    assert {kinds.kind(part, currency, standing) for part in standing} == {RowKind.MOVEMENT}
    assert kinds.kind(name, "jpy" if currency else "usd", {}) is kinds.kinds.get(name)


@given(st.sampled_from(["starting_balance", "starting_balance_available", "ending_balance"]))
def test_a_balance_is_never_a_sum_of_movements(name: str) -> None:
    standing = {f"{name}{ending}": {"usd"} for ending in ("_gross", "_fee")}

    assert kinds_of(report("balance_summary")).kind(name, "usd", standing) is RowKind.BALANCE


@given(LINES)
def test_reports_without_such_lines_know_no_parts(name: str) -> None:
    kinds = kinds_of(report("balance_change_from_activity_summary"))

    assert kinds.kind(f"{name}_fee", "usd", {}) is RowKind.MOVEMENT
    assert not kinds.parts_of(name)


@where(lambda spec: spec.row_kinds and spec.row_kinds.column == "reporting_category")
def test_sums_by_category_are_movements_but_for_the_row_over_all_of_them(spec: ReportSpec) -> None:
    assert kinds_of(spec).kind("charge", "usd", {}) is RowKind.MOVEMENT
    assert kinds_of(spec).kind("total", "usd", {}) is RowKind.TOTAL


@where(lambda spec: "connected_account" in spec.columns)
def test_rows_about_connected_accounts_name_the_account(spec: ReportSpec) -> None:
    assert "connected_account" in spec.default_columns


@where(lambda spec: "connected_account" in spec.columns and spec.row_key)
def test_rows_about_connected_accounts_are_told_apart_by_account(spec: ReportSpec) -> None:
    """One run covers all accounts of a platform, so the account belongs to the row."""
    assert spec.row_key[0] == "connected_account"


def test_fees_have_no_row_key_because_equal_rows_are_real() -> None:
    assert not [s.id for s in REPORTS.values() if s.id.startswith("all_fees.") and s.row_key]
    assert [s.id for s in REPORTS.values() if s.live_only] == [i for i in REPORTS if "fees." in i]


@each(COLUMNS.values())
def test_a_column_describes_itself(entry: Column) -> None:
    assert entry.about.endswith((".", "…"))


@each(entry for entry in COLUMNS.values() if entry.type is ColumnType.MONEY)
def test_money_names_its_currency(entry: Column) -> None:
    assert "currency" in str(entry.unit)


@each(entry for entry in COLUMNS.values() if entry.type is ColumnType.TIMESTAMP)
def test_a_time_is_local_unless_its_description_says_utc(entry: Column) -> None:
    assert entry.local != entry.about.endswith("in UTC.")


@each(entry for entry in COLUMNS.values() if entry.name.endswith("_utc"))
def test_a_twin_in_utc_has_a_local_brother(entry: Column) -> None:
    assert not entry.local
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

    found = columns_of(spec, names)

    assert [replace(each, about="") for each in found] == [replace(COLUMNS[n], about="") for n in names]


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


@where(lambda spec: not spec.columns)
def test_a_type_without_known_columns_leaves_the_choice_to_stripe(spec: ReportSpec) -> None:
    assert columns_of(spec) == ()
    assert spec.row_key == ()
    assert spec.day_column is None


def test_a_file_nobody_chose_columns_for_is_typed_by_its_header() -> None:
    failed = report("failed_payouts.itemized.2")
    payout, amount, key, new = columns_by_header(failed, ["payout_id", "net", "payment_metadata[a]", "why"])

    assert (payout, amount) == (COLUMNS["payout_id"], COLUMNS["net"])
    assert (key.personal, new.type) == (True, ColumnType.TEXT)
