"""What commands make of the `defs.yaml` here and of their options."""

from pathlib import Path

import click
import pytest

from connector.cli.options import Connect, configured_here, connect_option
from connector.dataset.filesystem.access import Access
from connector.settings import Connection
from tests.cli.conftest import Run

FILE = """\
type: assets.StripeReportsComponent
attributes:
  connection: {root: "s3://books/eu", endpoint: "https://s3.example", region: eu-1, account: acct_1A2b}
  reports: [{report: balance_summary, start: 2026-06-01}]
"""


@pytest.mark.parametrize("report", ["balance_summary", "payouts_itemized"])
def test_a_bucket_is_reached_as_the_file_says_also_for_a_table_that_it_configures(
    run: Run, tmp_path: Path, report: str
) -> None:
    (tmp_path / "defs").mkdir()
    (tmp_path / "defs" / "defs.yaml").write_text(FILE)
    made: list[Connection] = []

    @click.command()
    @connect_option
    def command(connect: Connect) -> None:
        made.append(connect(configured_here(report)))

    command.main([], standalone_mode=False)

    assert [(each.root, each.access) for each in made] == [
        ("s3://books/eu", Access("https://s3.example", "eu-1"))
    ]
    assert {each.account for each in made} == {"acct_1A2b" if report == "balance_summary" else None}
