"""What the READMEs say in sentences: numbers, names, paths, links, and that they are short."""

import re
import tomllib
from datetime import timedelta

import dagster as dg
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

import assets
import connector
import connector.errors
from assets.demo.__main__ import DAYS
from assets.io_manager import ALLOW_MISSING, view
from assets.reports.configured import DEFAULT_POOL, DEFAULT_RANGE
from assets.sensors.availability_decisions import REFRESH_AFTER
from assets.sensors.late_decisions import TRIES
from assets.sensors.payout_sensor import REACH
from assets.sensors.tick import LOOK_BACK
from connector import Dataset, ReportQuery, WaitPolicy
from connector.api.models import Mode
from connector.catalogue import REPORTS, RowKind, Status
from connector.convert.cells import MONEY
from connector.dataset.store import SUPERSEDED_KEPT
from connector.doctor.probe.probe import MOST_RUNS
from connector.runs.pacing import FIRST_LIMIT
from tests.readme import PATHS, ROOT, section, text, without_code
from tests.readme.tables import example_reports

ALL = "\n".join(map(text, PATHS))

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven")


def days(span: timedelta) -> int:
    return span // timedelta(days=1)


FACTS = {
    "README.md": (
        f"with {NUMBERS[MOST_RUNS]} report runs of one day",
        f"materializes {DAYS} days of four reports",
        f"Money is `{MONEY}`",
        f"Status: {connector.__version__},",
        f"Python {PROJECT['requires-python'].removeprefix('>=')} or newer",
        f"`<root>/<{'|'.join(Mode)}>/<table>/account=<id>/period=<window>/report.parquet`",
    ),
    "assets/README.md": (
        f"Dagster runs of {DEFAULT_RANGE} partitions",
        f"looks {days(LOOK_BACK)} days back",
        f"when it is {' and '.join(str(days(age)) for age in REFRESH_AFTER)} days old",
        f"{NUMBERS[TRIES]} in all for a partition",
        f"for {days(LOOK_BACK)} days at most",
        f"ended more than {days(REACH)} days ago",
        f"the metadata `{ALLOW_MISSING}: true`",
    ),
    "connector/README.md": (
        f"or {WaitPolicy().settled_after // timedelta(hours=1)} hours after the interval's end",
        f"Up to {FIRST_LIMIT} report runs are pending",
        f"**Precision {MONEY.precision}, not 38.**",
    ),
    "connector/catalogue/README.md": (
        *(f"**{each.value}**" for each in (Status.DOCUMENTED, Status.OBSERVED)),
        f"`balance_summary` is `{connector.report('balance_summary').id}`",
    ),
    "connector/dataset/README.md": (
        f"the last {NUMBERS[SUPERSEDED_KEPT]} files of each partition",
        f"<root>/<{'|'.join(Mode)}>/<table>/account=<id>/period=<window or payout>/report.parquet",
        ", ".join(f"`{kind.value}`" for kind in list(RowKind)[:-1]) + f" or `{RowKind.TOTAL.value}`",
    ),
}


@pytest.mark.parametrize(("path", "fact"), [(path, fact) for path, facts in FACTS.items() for fact in facts])
def test_a_number_is_the_one_in_the_code(path: str, fact: str) -> None:
    assert fact in text(path)


def test_the_demo_shown_is_as_long_as_the_demo() -> None:
    shown = section("README.md", "demo")

    assert f"{DAYS * 4} partitions materialized" in shown
    # Four currencies, every day but the first.
    assert f"always ({4 * (DAYS - 1)} of {4 * (DAYS - 1)})" in shown


def test_a_file_is_where_the_pages_say() -> None:
    dataset = Dataset("sales", "live", "acct_1", "balance.summary.1", "daily", "UTC")
    connected = ReportQuery.of("connected_account_balance_summary", by_account=True)
    levels = connected.dataset(mode="live", account=None).path_columns

    assert dataset.file_path("2026-06-01") == "live/sales/account=acct_1/period=2026-06-01/report.parquet"
    assert dataset.pin_path == "live/_datasets/sales.json"
    assert "<root>/<mode>/_datasets/<table>.json" in text("connector/dataset/README.md")
    assert levels == ("account", "connected", "period")
    assert "a level `connected=<id>` stands before `period`" in text("connector/dataset/README.md")


@pytest.mark.parametrize(
    "annotation", dict.fromkeys(re.findall(r"`((?:pandas|pyarrow|polars|duckdb)\.[A-Za-z.]*[A-Z]\w+)`", ALL))
)
def test_a_type_named_for_arguments_is_one_a_report_can_be_read_as(annotation: str) -> None:
    package, _, name = annotation.rpartition(".")
    module = __import__(package, fromlist=[name])

    assert view(ds.dataset(pa.table({"net": [1]})), getattr(module, name)) is not None


# Names


def known() -> set[str]:
    """What our code and Dagster call things."""
    reports = example_reports()
    automation = assets.Automation().definitions(reports)
    return {
        *connector.__all__,
        *assets.__all__,
        *vars(connector.errors),
        *dir(dg),
        *dir(assets.StripeReportsComponent),
        *(each.name for each in (*(automation.sensors or ()), *(automation.schedules or ()))),
        *(spec.name for spec in REPORTS.values()),
        *REPORTS,
        DEFAULT_POOL,
        "stripe_eu",
    }


@pytest.mark.parametrize(
    "name",
    dict.fromkeys(
        re.findall(r"`([A-Z][a-z]+[A-Z]\w+|stripe_\w+|[a-z_]+(?=\(\)`))", "\n".join(map(without_code, PATHS)))
    ),
)
def test_a_name_in_a_sentence_is_one_of_ours_or_of_dagster(name: str) -> None:
    assert name in known()


# Links, and size


@pytest.mark.parametrize(
    ("path", "link"),
    [
        (path, link)
        for path in PATHS
        for link in sorted(set(re.findall(r"\]\((?!https)([^)]+)\)", text(path))))
    ],
)
def test_every_local_link_leads_somewhere(path: str, link: str) -> None:
    file, _, heading = link.partition("#")
    target = (ROOT / path).parent / file

    assert target.exists()
    assert not heading or heading in headings(target.read_text(encoding="utf-8"))


def headings(page: str) -> set[str]:
    """As forges link to them."""
    return {
        re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    }


def test_every_folder_of_the_product_is_in_the_table_of_folders() -> None:
    table = text("README.md").split("## Where things are")[1]
    folders = {path.name for path in (ROOT / "connector").iterdir() if (path / "__init__.py").exists()}

    assert set(re.findall(r"`connector/(\w+)`", table)) == folders


def test_every_page_is_found_from_the_top() -> None:
    assert {path for path in PATHS[1:] if f"({path})" in text("README.md")} == set(PATHS[1:])
    assert {
        str(path.relative_to(ROOT))
        for part in ("connector", "assets")
        for path in (ROOT / part).rglob("README.md")
    } == set(PATHS[1:])


def test_the_top_page_is_read_to_the_end() -> None:
    top = text("README.md")

    assert len(top.encode()) <= 9_000
    assert len(top.splitlines()) <= 180
