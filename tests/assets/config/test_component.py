"""The configuration format: what a file becomes, and what a slip in it is answered with."""

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from assets import Automation, ConfiguredReport, StripeReportsComponent
from connector.money import NARROW
from tests.assets.conftest import Load
from tests.support.dagster import assets_of, messages_of

GOOD = """\
type: assets.StripeReportsComponent

attributes:
  connection:
    api_key: "{{ env.A_KEY_THAT_IS_NOT_SET }}"
  defaults:
    start: 2026-01-01
    zone: Europe/Berlin
    wait_minutes: 5
  reports:
    - report: balance.summary.1
      window: monthly
    - report: balance_change_from_activity.itemized.3
      name: euros
      filters: {currency: eur}
      columns: [balance_transaction_id, net]
      zone: UTC
    - report: lunar_activity.itemized.1
      columns:
        id: text
        tenant_name: text
        net:
      parameters: [interval_start, interval_end, columns, crater]
      filters: {crater: tycho}
"""


#: Dagster 1.13 parses a text with a function that pydantic 2 deprecates. Drop when it no longer does.
_resolving = pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")


def test_each_report_becomes_an_asset_in_its_own_windows(load: Load) -> None:
    assets = assets_of(load(GOOD))

    assert set(assets) == {"stripe/balance_summary", "stripe/euros", "stripe/lunar_activity_itemized"}
    monthly, daily = (assets[key].partitions_def for key in ("stripe/balance_summary", "stripe/euros"))
    assert isinstance(monthly, dg.TimeWindowPartitionsDefinition)
    assert isinstance(daily, dg.TimeWindowPartitionsDefinition)
    assert (monthly.cron_schedule, monthly.timezone) == ("0 0 1 * *", "Europe/Berlin")
    assert (daily.cron_schedule, daily.timezone) == ("0 0 * * *", "UTC")


def test_a_type_the_catalogue_does_not_know_is_described_by_its_columns(load: Load) -> None:
    (spec,) = assets_of(load(GOOD))["stripe/lunar_activity_itemized"].specs

    columns = {each.name: each for each in spec.metadata["dagster/column_schema"].columns}
    assert [each.type for each in columns.values()] == ["string", "string", NARROW]
    assert "personal" in columns["tenant_name"].tags
    assert "stripe/personal_data" in spec.tags
    assert "lunar_activity.itemized.1 is used as configured" in (spec.description or "")


def test_an_unset_key_does_not_break_loading(load: Load) -> None:
    definitions = load(GOOD)

    dg.Definitions.validate_loadable(definitions)
    assert "A_KEY_THAT_IS_NOT_SET" not in os.environ
    assert assets_of(definitions)


@_resolving
def test_what_a_report_says_of_its_checks_comes_before_what_all_have_in_common() -> None:
    common = (
        "    checks:\n"
        "      skip: [net_is_gross_less_fee]\n"
        "      severity: {row_count: warn}\n"
        "      blocking: [balance_adds_up]\n"
    )
    own = "      checks: {skip: [], severity: {balance_adds_up: warn}}\n"
    text = GOOD.partition("attributes:")[2].replace("    wait_minutes: 5\n", common)
    text = (
        text.replace("      window: monthly\n", own)
        .replace("      zone: UTC\n", "")
        .replace("net]", "net, gross, fee]")
    )

    component = StripeReportsComponent.resolve_from_yaml(text)

    rules = [
        {rule.check.name: (rule.severity.value, rule.blocking) for rule in report.rules}
        for report in component.reports
    ]
    assert rules[0]["row_count"] == ("error", False)
    assert rules[0]["balance_adds_up"] == ("warn", False)
    assert rules[1]["row_count"] == ("warn", False)
    assert rules[1]["file_is_whole"] == ("error", False)
    assert "net_is_gross_less_fee" not in rules[1]


def test_the_reports_of_a_file_are_compared_with_each_other(load: Load) -> None:
    text = GOOD.replace("window: monthly", "zone: UTC").replace("      filters: {currency: eur}\n", "")
    text = text.replace("net]", "net, currency]")

    assets = assets_of(load(text))

    checks = {key.name for asset in assets.values() for key in asset.check_keys}
    assert {"agrees_with_euros", "agrees_with_balance_summary"} <= checks


@_resolving
def test_durations_are_what_they_say() -> None:
    component = StripeReportsComponent.resolve_from_yaml(GOOD.partition("attributes:")[2])

    assert component.reports[0].wait_policy.wait_timeout == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("right", "wrong", "line", "field", "answer"),
    [
        pytest.param(
            "report: balance.summary.1",
            "report: balance.sumary.1",
            11,
            "reports.0.report",
            "nearest: balance.summary.1",
            id="report",
        ),
        pytest.param(
            "columns: [balance_transaction_id, net]",
            "columns: [balance_transaction, net]",
            16,
            "reports.1.columns",
            "nearest: balance_transaction_id",
            id="column",
        ),
        pytest.param(
            "zone: Europe/Berlin",
            "zone: Europe/Berln",
            8,
            "defaults.zone",
            "nearest: Europe/Berlin",
            id="inherited-zone",
        ),
        pytest.param("zone: UTC", "zone: UTX", 17, "reports.1.zone", "not an IANA time zone", id="own-zone"),
        pytest.param(
            "window: monthly", "window: montly", 12, "reports.0.window", "nearest: monthly", id="window"
        ),
        pytest.param("currency: eur", "curency: eur", 15, "reports.1.filters", "currency", id="filter"),
        pytest.param(
            "currency: eur}",
            "currency: [eur, usd]}",
            15,
            "reports.1.filters",
            "`currency: eur`, `name: balance_change_from_activity_itemized_usd`",
            id="filters",
        ),
        pytest.param("name: euros", "name: Euros!", 14, "reports.1.name", "lower case letters", id="name"),
        pytest.param("columns: [", "colums: [", 16, "reports.1.colums", "nearest: columns", id="field"),
        pytest.param(
            "wait_minutes", "wait_minute", 9, "defaults.wait_minute", "nearest: wait_minutes", id="default"
        ),
        pytest.param(
            "wait_minutes: 5", "wait_minutes: 1.0e+15", 9, "defaults.wait_minutes", "525600", id="wait"
        ),
        pytest.param(
            "id: text",
            "id: txet",
            20,
            "reports.2.columns.id",
            "'txet' is not a type for column 'id'; nearest: text",
            id="type",
        ),
        pytest.param("net:", "nett:", 22, "reports.2.columns.nett", "nearest: net", id="untyped-column"),
        pytest.param("crater]", "curency]", 23, "reports.2.parameters", "nearest: currency", id="taken"),
        pytest.param("{crater:", "{carter:", 24, "reports.2.filters", "parameter 'carter'", id="given"),
        pytest.param("lunar_activity.", "Lunar ", 18, "reports.2.report", "not a report type", id="id"),
        pytest.param("  reports:", "  report:", 10, "report", "nearest: reports", id="section"),
        pytest.param("    start: 2026-01-01\n", "", 10, "reports.0", "has no start", id="no-start"),
        pytest.param(
            "wait_minutes: 5",
            "checks: {skip: [balance_add_up]}",
            9,
            "defaults.checks.skip",
            "nearest: balance_adds_up",
            id="check-skip",
        ),
        pytest.param(
            "window: monthly",
            "checks: {severity: {row_cuont: warn}}",
            12,
            "reports.0.checks.severity",
            "nearest: row_count",
            id="check-severity",
        ),
        pytest.param(
            "window: monthly",
            "checks: {blocking: [net_is_gross_less_fee]}",
            12,
            "reports.0.checks.blocking",
            "there is no check 'net_is_gross_less_fee'",
            id="check-of-another-report",
        ),
        pytest.param(
            "window: monthly",
            "checks: {skip: [row_count], blocking: [row_count]}",
            12,
            "reports.0.checks",
            "remove it from one of them",
            id="check-contradiction",
        ),
        pytest.param(
            "window: monthly",
            "checks: {block: []}",
            12,
            "reports.0.checks.block",
            "nearest: blocking",
            id="check-field",
        ),
    ],
)  # fmt: skip
def test_a_slip_is_answered_with_its_line_its_field_and_what_was_meant(
    load: Load, *, right: str, wrong: str, line: int, field: str, answer: str
) -> None:
    with pytest.raises(Exception, match="Error while loading component") as caught:
        load(GOOD.replace(right, wrong, 1))

    message = messages_of(caught.value)
    assert f"defs.yaml:{line}" in message
    assert f"attributes.{field}" in message
    assert answer in message


@_resolving
def test_the_automation_of_a_file_is_what_python_would_make() -> None:
    text = """
  automation:
    ask_by: schedule
    look_every_seconds: 60
    look_back_days: 2.5
    refresh_after_days: [1, 2]
    pick_up_every_seconds: 90
"""

    component = StripeReportsComponent.resolve_from_yaml(GOOD.partition("attributes:")[2] + text)

    assert component.automation == Automation(
        ask_by="schedule",
        look_every=60,
        look_back=timedelta(days=2.5),
        refresh_after=(timedelta(days=1), timedelta(days=2)),
        pick_up_every=90,
    )


@pytest.mark.parametrize(
    ("slip", "place", "answer"),
    [
        pytest.param("look_back: 2", "look_back", "nearest: look_back_days", id="name-without-unit"),
        pytest.param("look_back_days: -1", "look_back_days", "greater than 0", id="negative"),
        pytest.param("look_back_days: soon", "look_back_days", "expected a number of days", id="no-number"),
        pytest.param("ask_by: me", "ask_by", "'sensor', 'schedule' or 'hand'", id="unknown-value"),
    ],
)
def test_a_slip_in_the_automation_is_answered_with_its_line(
    load: Load, slip: str, place: str, answer: str
) -> None:
    with pytest.raises(Exception, match="Error while loading component") as caught:
        load(f"{GOOD}  automation:\n    {slip}\n")

    message = messages_of(caught.value)
    assert "defs.yaml:26" in message
    assert f"attributes.automation.{place}" in message
    assert answer in message


@_resolving
def test_a_subclass_may_have_fields_of_its_own() -> None:
    @dataclass
    class Ours(StripeReportsComponent):
        team: str = "finance"

    component = Ours.resolve_from_yaml(
        GOOD.partition("attributes:")[2] + "  team: audit\n  automation: {look_back_days: 3}\n"
    )

    assert (component.team, component.automation.look_back) == ("audit", timedelta(days=3))


def test_a_key_in_the_file_is_refused_and_not_shown(load: Load) -> None:
    with pytest.raises(Exception, match="Error while loading component") as caught:
        load(GOOD.replace("{{ env.A_KEY_THAT_IS_NOT_SET }}", "rk_live_51secret"))

    message = messages_of(caught.value)
    assert "attributes.connection.api_key" in message
    assert "rk_live_51secret" not in message


def test_two_reports_of_one_table_are_refused_at_the_second(load: Load) -> None:
    twice = GOOD.replace("      name: euros\n", "").replace(
        "balance.summary.1", "balance_change_from_activity.itemized.3"
    )

    with pytest.raises(Exception, match="Error while") as caught:
        load(twice)

    message = messages_of(caught.value)
    assert "defs.yaml:13" in message
    table = "balance_change_from_activity_itemized"
    assert f"two reports write to the table {table}; give one of them its own" in message


PLATFORMS = """\
type: assets.StripeReportsComponent

attributes:
  reports:
    - report: connected_account_balance.summary.1
      start: 2026-01-01
"""


@pytest.mark.parametrize("account", ["acct_1Left", '"{{ env.WHOSE }}"'])
def test_a_platforms_report_in_the_name_of_an_account_is_refused(
    load: Load, monkeypatch: pytest.MonkeyPatch, account: str
) -> None:
    monkeypatch.setenv("WHOSE", "acct_1Left")
    named = PLATFORMS.replace("  reports:", f"  connection: {{account: {account}}}\n  reports:")

    with pytest.raises(Exception, match="Error while") as caught:
        load(named)

    assert "in the name of 'acct_1Left'" in messages_of(caught.value)
    assert "`connection.account` in defs.yaml" in messages_of(caught.value)


def test_so_it_is_with_the_variable_left_set(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    assert assets_of(load(PLATFORMS))
    monkeypatch.setenv("STRIPE_ACCOUNT", "acct_1Left")

    with pytest.raises(Exception, match="Error while") as caught:
        load(PLATFORMS)

    assert "Remove that account: STRIPE_ACCOUNT" in messages_of(caught.value)


@pytest.mark.parametrize(("number", "warnings"), [(5, 0), (6, 1)])
def test_loading_says_the_cheap_way_for_many_accounts(
    load: Load, caplog: pytest.LogCaptureFixture, number: int, warnings: int
) -> None:
    accounts = ", ".join(f"acct_1{each}" for each in range(number))
    items = PLATFORMS.replace("balance.summary.1", "balance_change_from_activity.itemized.3")

    load(f"{items}      connected_accounts: [{accounts}]\n")

    said = [each.getMessage() for each in caplog.records if "one file of all takes 1" in each.getMessage()]
    assert len(said) == warnings


def test_a_translation_adds_to_what_the_assets_say_of_themselves(load: Load) -> None:
    translated = (
        GOOD
        + """\
  translation:
    group_name: month_end
    owners: ["team:finance"]
    tags: {cut: "{{ report.query.window }}"}
    description: "{{ spec.description }} Ask finance."
"""
    )

    specs = load(translated).resolve_all_asset_specs()

    assert {spec.group_name for spec in specs} == {"month_end"}
    assert {spec.tags["cut"] for spec in specs} == {"monthly", "daily"}
    assert all(spec.tags["stripe/report_type"] and spec.owners == ["team:finance"] for spec in specs)
    assert all((spec.description or "").endswith("Ask finance.") for spec in specs)


def test_a_translation_cannot_rename_an_asset_behind_its_files(load: Load) -> None:
    with pytest.raises(Exception, match="Error while") as caught:
        load(GOOD + "  translation: {key: elsewhere}\n")

    assert "set the report's `name` or prefix instead" in messages_of(caught.value)


@_resolving
def test_a_subclass_may_change_how_a_report_presents_itself() -> None:
    class Ours(StripeReportsComponent):
        def get_asset_spec(self, report: ConfiguredReport) -> dg.AssetSpec:
            return super().get_asset_spec(report).replace_attributes(owners=["team:finance"])

    component = Ours.resolve_from_yaml(GOOD.partition("attributes:")[2])

    specs = [component.get_asset_spec(report) for report in component.reports]
    assert [list(spec.owners) for spec in specs] == [["team:finance"]] * 3


def test_a_field_that_stands_twice_is_refused_with_both_lines(load: Load) -> None:
    twice = GOOD + "  reports:\n    - report: payouts_itemized\n"

    with pytest.raises(Exception, match=r"defs\.yaml") as caught:
        load(twice)

    assert "'reports' stands twice, in line 10 and in line 25" in messages_of(caught.value)


# Accounts


BY_ACCOUNT = """\
type: assets.StripeReportsComponent

attributes:
  reports:
    - report: {report}
      start: 2026-01-01
      {field}: {accounts}
"""

#: Both dimensions of accounts, in the same forms.
FIELDS = {"connected_accounts": "connected_account_balance_summary", "acting_accounts": "balance_summary"}


def by_account(field: str, accounts: str) -> str:
    return BY_ACCOUNT.format(report=FIELDS[field], field=field, accounts=accounts)


def accounts_of(load: Load, field: str, accounts: str) -> object:
    (asset,) = assets_of(load(by_account(field, accounts))).values()
    (spec,) = asset.specs
    return spec.metadata["stripe/accounts"].value


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "given",
    [
        "[acct_1, {account: acct_2}]",
        "'acct_1, acct_2'",
        '"{{ env.ACCOUNTS }}"',
        '["{{ env.ACCOUNTS }}"]',
        "'@a.yaml'",
    ],
)
def test_accounts_are_a_list_a_variable_or_a_file(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str, field: str
) -> None:
    monkeypatch.setenv("ACCOUNTS", "acct_1 acct_2")
    (tmp_path / "somebodys" / "defs" / "stripe" / "a.yaml").write_text("- acct_1\n- acct_2\n")

    assert accounts_of(load, field, given) == [{"account": "acct_1"}, {"account": "acct_2"}]


@pytest.mark.parametrize("field", FIELDS)
def test_an_account_has_a_first_and_a_last_day(load: Load, field: str) -> None:
    given = "[{account: acct_1, start: 2026-02-10, until: 2026-09-30}]"

    assert accounts_of(load, field, given) == [
        {"account": "acct_1", "start": "2026-02-10", "until": "2026-09-30"}
    ]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('"{{ env.NOT_SET_ANYWHERE }}"', "NOT_SET_ANYWHERE|empty text|found nothing"),
        ("[{account: acct_1, til: 2026-09-30}]", "no field 'til'"),
        ("[acct_1, acct_1]", "more than once"),
        ("'@none.yaml'", "none.yaml.*No such file"),
    ],
)
def test_a_slip_in_the_accounts_is_answered_at_its_line(
    load: Load, given: str, said: str, field: str
) -> None:
    with pytest.raises(Exception, match="Error while loading component") as refused:
        load(by_account(field, given))

    assert re.search(said, messages_of(refused.value))
    assert field in messages_of(refused.value)


@pytest.mark.parametrize(
    ("report", "more", "said"),
    [
        ("connected_account_balance_summary", "", "these have none. Give them as connected accounts"),
        ("connected_account_balance_summary", "connected_accounts: [acct_2]", "Give them as connected"),
        ("balance_summary", "connected_accounts: [acct_2]", "connected_account"),
    ],
)
def test_accounts_to_act_for_have_no_connected_accounts(
    load: Load, report: str, more: str, said: str
) -> None:
    text = BY_ACCOUNT.format(report=report, field="acting_accounts", accounts="[acct_1]")

    with pytest.raises(Exception, match="Error while loading component") as refused:
        load(f"{text}      {more}\n")

    assert said in messages_of(refused.value)


def test_payouts_of_connected_accounts_have_no_list(load: Load) -> None:
    text = BY_ACCOUNT.format(
        report="connected_account_payout_reconciliation_by_id_itemized",
        field="connected_accounts",
        accounts="[acct_1]",
    )

    with pytest.raises(Exception, match="Error while loading component") as refused:
        load(text.replace("      start: 2026-01-01\n", ""))

    assert "each names its account; remove connected_accounts" in messages_of(refused.value)


def test_payouts_of_accounts_to_act_for_have_a_sensor(load: Load) -> None:
    reports = ("payout_reconciliation_itemized", "payout_reconciliation_by_id_itemized")
    texts = [BY_ACCOUNT.format(report=each, field="acting_accounts", accounts="[acct_1]") for each in reports]
    of_payouts = texts[1].partition("  reports:\n")[2].replace("      start: 2026-01-01\n", "")

    definitions = load(texts[0] + of_payouts)

    assert "stripe_payouts" in {each.name for each in definitions.sensors or ()}
    assert assets_of(definitions)[f"stripe/{reports[1]}"].partitions_def == dg.DynamicPartitionsDefinition(
        name="stripe_acting_payouts"
    )


def test_one_account_and_a_list_of_accounts_to_act_for_clash(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_ACCOUNT", "acct_9")

    with pytest.raises(Exception, match="Error while building definitions") as refused:
        load(by_account("acting_accounts", "[acct_1]"))

    said = messages_of(refused.value)
    assert all(
        each in said for each in ("acct_9", "STRIPE_ACCOUNT", "connection.account", "list of accounts")
    )
