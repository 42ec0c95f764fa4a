"""Accounts as a dimension of a table, with lives: what is asked for, and the forms of a list."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from connector.accounts import AccountLife, AccountLives
from connector.errors import ConfigurationError
from connector.partitions import UNITS, Partition, Windows
from connector.project.account_list import CONNECTED, read_accounts
from connector.query import ReportQuery

ACTIVITY = "connected_account_balance_change_from_activity.itemized.3"
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)

days = st.dates(FIRST, LAST)
zones = st.sampled_from(["UTC", "America/New_York", "Pacific/Kiritimati", "Europe/London"])


@st.composite
def lives(draw: st.DrawFn) -> AccountLives:
    bounds = st.tuples(st.none() | days, st.none() | days)
    return AccountLives(
        tuple(
            AccountLife(
                f"acct_{number}", start, until if start is None or until is None else max(start, until)
            )
            for number, (start, until) in enumerate(draw(st.lists(bounds, max_size=4)))
        )
    )


def days_of(window: Partition, zone: str) -> set[date]:
    """Every calendar day of a zone that has an hour in common with a window, hour by hour."""
    assert window.interval
    start, end = window.interval.start, window.interval.end
    hours = int((end - start) / timedelta(hours=1))
    return {(start + timedelta(hours=n)).astimezone(ZoneInfo(zone)).date() for n in range(hours)}


@given(lives(), days, zones, st.sampled_from(UNITS))
def test_what_is_asked_for_is_what_overlaps_a_life_and_nothing_else(
    accounts: AccountLives, around: date, zone: str, unit: str
) -> None:
    windows = Windows(unit, zone)
    begin = windows.first_from(datetime(around.year, around.month, around.day, tzinfo=UTC))
    some = windows.between(begin, windows.first_from(begin + timedelta(days=63 if unit == "monthly" else 20)))
    some = (*some[:8], *some[-8:])
    query = ReportQuery.of(ACTIVITY, by_account=True, window=unit, zone=zone)

    asked = {each.key for each in query.each_account(some, accounts)}

    expected: set[str] = set()
    for life in accounts:
        lived = (life.start or date.min, life.until or date.max)
        for window in some:
            seen = days_of(window, zone)
            expected |= {f"{life.account}|{window.key}" for day in seen if lived[0] <= day <= lived[1]}
    assert asked == expected


@given(lives())
def test_what_is_written_down_is_read_back(accounts: AccountLives) -> None:
    text = yaml.safe_dump(accounts.as_json())

    assert AccountLives.of(yaml.safe_load(text)) == accounts


@pytest.mark.parametrize(
    "given",
    [
        "acct_1,acct_2",
        " acct_1  acct_2\n",
        ["acct_1", "acct_2"],
        ["acct_1, acct_2"],
        [{"account": "acct_1"}, AccountLife("acct_2")],
    ],
)
def test_a_list_is_written_in_many_ways(given: object) -> None:
    assert AccountLives.of(given).names == ("acct_1", "acct_2")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "empty text: a variable may not be set"),
        (None, "expected a list of accounts, and found nothing"),
        ({"account": "acct_1"}, "expected a list of accounts"),
        ([7], "item 1 of the list of accounts is '7'"),
        (["acct_1", ""], "item 2 of the list of accounts is an empty text"),
        (["acct_1", "acct-2"], "'acct-2' is not an account id"),
        (["acct_1", "acct_1"], "acct_1 is in the list more than once"),
        ([{"acount": "acct_1"}], "no field 'acount'; nearest: account"),
        ([{"start": "2026-01-01"}], "item 1 of the list of accounts names no account"),
        ([{"account": "acct_1", "until": "soon"}], "until of item 1 .* is 'soon', which is not a day"),
        (
            [{"account": "acct_1", "start": "2026-02-01", "until": "2026-01-31"}],
            "before it starts on 2026-02-01",
        ),
    ],
)
def test_a_slip_is_named_with_its_item(given: object, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        AccountLives.of(given)


@pytest.mark.parametrize("form", ["sk_live_abcdefghijklmnop1234", "acct_1 rk_live_abcdefghijklmnop1234"])
def test_a_key_in_place_of_an_account_is_not_shown(form: str) -> None:
    for place in (form, [form], [{"account": form}], [{"account": "acct_1", "start": form}]):
        with pytest.raises(ConfigurationError) as refused:
            AccountLives.of(place)
        assert "abcdefgh" not in str(refused.value)


# Files


@pytest.mark.parametrize(
    "content",
    [
        "acct_1\nacct_2\n",
        "# ours\nacct_1, acct_2 # a shop: the second\n",
        "- acct_1\n- account: acct_2\n",
        "connected_accounts:\n  - {account: acct_1}\n  - acct_2\n",
        '\ufeff["acct_1", "acct_2"]',
    ],
)
def test_a_file_lists_them(tmp_path: Path, content: str) -> None:
    (tmp_path / "accounts.yaml").write_text(content, encoding="utf-8")

    assert read_accounts("@accounts.yaml", tmp_path, CONNECTED).names == ("acct_1", "acct_2")
    assert read_accounts(["acct_0", "@accounts.yaml"], tmp_path, CONNECTED).names == (
        "acct_0",
        "acct_1",
        "acct_2",
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        ("", "found nothing"),
        ("[]", "it names no account"),
        ("reports: []\n", "found nothing"),
        ("- account: acct_1\n  start: 2026-01-01\n  start: 2026-02-01\n", "'start' stands twice"),
        ("- {account: acct_1\n", "accounts.yaml"),
        ("- sk_live_abcdefghijklmnop1234\n", "holds an API key"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "accounts.yaml").write_text(content)

    with pytest.raises(ConfigurationError, match=r"list of accounts .*accounts\.yaml") as refused:
        read_accounts("@accounts.yaml", tmp_path, CONNECTED)

    assert said in str(refused.value)
