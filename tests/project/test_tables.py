"""Tables by the names that `defs.yaml` files give them, with all that the files say of them."""

from pathlib import Path

import pytest

from connector.errors import ConfigurationError
from connector.project.tables import configured_table, connection_of, query_of
from connector.query import ReportQuery

FILE = """\
type: assets.StripeReportsComponent
attributes:
  connection: {root: %s}
  defaults: {start: 2026-01-01, zone: Europe/Berlin}
  reports:
    - report: balance_summary
    - report: balance_change_from_activity_itemized
      name: dollars_monthly
      window: monthly
      filters: {currency: usd}
      columns: [balance_transaction_id, currency, net]
    - report: payout_reconciliation_by_id_itemized
    - report: no_such_report
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two accounts that have the same reports."""
    for account in ("eu", "us"):
        (tmp_path / "defs" / account).mkdir(parents=True)
        (tmp_path / "defs" / account / "defs.yaml").write_text(FILE % f"data/{account}")
    return tmp_path


def test_a_table_asks_for_what_its_file_says(project: Path) -> None:
    table = configured_table(project, "dollars_monthly", "data/us")

    assert table is not None
    assert table.file == project / "defs/us/defs.yaml"
    assert query_of(table.fields) == ReportQuery.of(
        "balance_change_from_activity_itemized",
        name="dollars_monthly",
        columns=["balance_transaction_id", "currency", "net"],
        filters={"currency": "usd"},
        window="monthly",
        zone="Europe/Berlin",
    )


def test_windows_among_the_defaults_are_not_about_payouts(project: Path) -> None:
    table = configured_table(project, "payout_reconciliation_by_id_itemized", "data/eu")

    assert table is not None
    assert query_of(table.fields) == ReportQuery.of("payout_reconciliation_by_id_itemized")


def test_of_two_files_with_a_table_the_root_chooses(project: Path) -> None:
    refused = r"configured in defs/eu/defs.yaml and defs/us/defs.yaml: choose one by its --root"

    with pytest.raises(ConfigurationError, match=refused):
        configured_table(project, "balance_summary")


@pytest.mark.parametrize("name", ["payouts_itemized", "no_such_report", "balance.summary.1"])
def test_what_no_file_has_as_a_table_is_none(project: Path, name: str) -> None:
    assert configured_table(project, name, "data/eu") is None


ENVIRONMENT = {
    "KEY_EU": "rk_test_eu",
    "STRIPE_API_KEY": "rk_test_us",
    "STRIPE_ACCOUNT": "acct_env",
    "PLACE": "x",
}


def test_a_connection_is_the_files_else_the_environments() -> None:
    configured = {"api_key": "{{ env.KEY_EU }}", "root": "{{ env.PLACE }}", "share": 0.5}

    found = connection_of(configured, environment=ENVIRONMENT)

    assert (found.api_key, found.account, found.root) == ("rk_test_eu", "acct_env", "x")
    assert found.division() == (1, 0.5)


def test_options_win_over_the_file() -> None:
    configured = {"account": "acct_file", "root": "data", "processes": 4, "api_base": "http://127.0.0.1:1"}

    found = connection_of(configured, root="y", account="", processes=2, environment=ENVIRONMENT)

    assert (found.api_key, found.account, found.root) == ("rk_test_us", None, "y")
    assert (found.api_base, found.division()) == ("http://127.0.0.1:1", (2, 1.0))
