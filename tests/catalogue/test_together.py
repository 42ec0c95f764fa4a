"""Many accounts: the cheap way is said with its numbers, and whose a row is cannot be left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.catalogue import REPORTS, ReportSpec, report
from connector.catalogue.together import HANDFUL, advise_together
from connector.errors import ConfigurationError
from connector.query import ReportQuery

ITEMS = "connected_account_balance_change_from_activity.itemized.3"
NAMED = [spec for spec in REPORTS.values() if spec.account_column]


@given(
    spec=st.sampled_from(list(REPORTS.values())),
    accounts=st.integers(0, 3000),
    window=st.sampled_from(["hourly", "daily", "weekly", "monthly"]),
)
def test_one_run_for_all_is_advised_beyond_a_handful_where_rows_name_their_account(
    spec: ReportSpec, accounts: int, window: str
) -> None:
    advice = advise_together(spec, window, accounts)

    named = "connected_account" in spec.columns and "connected_account" not in spec.required
    assert (advice is not None) == (accounts > HANDFUL and named)


@pytest.mark.parametrize(
    ("window", "apart", "together"),
    [
        ("hourly", "1,440 report runs a day", "takes 24,"),
        ("daily", "60 report runs a day", "takes 1,"),
        ("weekly", "60 report runs a week", "takes 1,"),
        ("monthly", "60 report runs a month", "takes 1,"),
    ],
)
def test_the_number_of_runs_is_said_for_both_ways(window: str, apart: str, together: str) -> None:
    advice = advise_together(report(ITEMS), window, 60) or ""

    assert apart in advice
    assert together in advice


@pytest.mark.parametrize("spec", [each for each in NAMED if not each.by_payout], ids=lambda each: each.id)
def test_the_column_that_says_whose_a_row_is_cannot_be_left_out_of_a_file_of_all(spec: ReportSpec) -> None:
    others = [each for each in spec.default_columns if each != spec.account_column]

    with pytest.raises(ConfigurationError, match=f"lack {spec.account_column}.* Add {spec.account_column}"):
        ReportQuery.of(spec.id, columns=others)
    assert spec.account_column in {each.name for each in ReportQuery.of(spec.id).columns}


def test_it_can_where_all_rows_of_a_file_are_of_one_account() -> None:
    columns = ["currency", "net"]

    for how in ({"by_account": True}, {"filters": {"connected_account": "acct_1"}}):
        query = ReportQuery.of(ITEMS, columns=columns, **how)
        assert [each.name for each in query.columns] == columns
    with pytest.raises(ConfigurationError, match="lack connected_account"):
        ReportQuery.of(ITEMS, columns=columns, filters={"connected_accounts": ["acct_1", "acct_2"]})
