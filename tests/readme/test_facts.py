"""What the READMEs say in sentences: numbers, names, paths, links, and that they are short."""

import pkgutil
import re
import tomllib
from datetime import UTC, date, datetime, timedelta
from inspect import signature
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
import yaml

import assets
import connector
import connector.errors
from assets.config.models import ConnectionModel
from assets.io_manager import ALLOW_MISSING, view
from assets.reports.configured import DEFAULT_POOL, DEFAULT_RANGE
from assets.reports.partitions import MOST_PARTITIONS
from assets.sensors.late_decisions import TRIES
from assets.sensors.payout_sensor import REACH
from assets.sensors.tick import LOOK_BACK
from connector import Dataset, ReportQuery, Windows
from connector.api.models import Mode
from connector.catalogue import REPORTS, Column, ColumnType, RowKind, Status
from connector.catalogue.latency import FEES, USUAL
from connector.checks import CheckResult
from connector.convert.arrow_types import MONEY
from connector.dataset.store import MOST_SUPERSEDED
from connector.doctor.probe.probe import MOST_RUNS
from connector.pipeline.log import FIELDS
from connector.runs.pacing import FIRST_LIMIT
from tests.readme import PATHS, ROOT, section, text, without_code
from tests.readme.tables import example_reports

ALL = "\n".join(map(text, PATHS))

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

#: How a column of metadata is asked for.
METADATA = "payment_metadata[order_id]"

NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven")


def days(span: timedelta) -> int:
    return span // timedelta(days=1)


FACTS = {
    "README.md": (
        f"with {NUMBERS[MOST_RUNS]} report runs of one day",
        f"Money is `{MONEY}`",
        f"Status: {connector.__version__},",
        f"Python {PROJECT['requires-python'].removeprefix('>=')} or newer",
        f"`<root>/<{'|'.join(Mode)}>/<table>/account=<id>/period=<window>/report.parquet`",
    ),
    "assets/README.md": (
        f"Dagster runs of {DEFAULT_RANGE} partitions",
        f"looks {days(LOOK_BACK)} days back",
        f"{' and '.join(str(days(age)) for age in USUAL.refresh_after)} days after its end",
        f"({' and '.join(str(days(age)) for age in FEES.refresh_after)} for fees)",
        f"{NUMBERS[TRIES]} in all for a partition",
        f"for {days(LOOK_BACK)} days at most",
        f"ended more than {days(REACH)} days ago",
        f"is **{CheckResult.INCONCLUSIVE}** where",
        f"at most {MOST_PARTITIONS:,} partitions",
        f"the metadata `{ALLOW_MISSING}: true`",
    ),
    "connector/README.md": (
        f"or {USUAL.settled // timedelta(hours=1)} hours after the interval's end",
        f"({days(FEES.settled)} days for fees)",
        f"{' and '.join(str(days(age)) for age in USUAL.refresh_after)} days after the end of its window",
        f"{' and '.join(str(days(age)) for age in FEES.refresh_after)} days for reports about fees",
        f"Up to {FIRST_LIMIT} report runs are pending",
        f"**Precision {MONEY.precision}, not 38.**",
    ),
    "connector/catalogue/README.md": (
        *(f"**{each.value}**" for each in (Status.DOCUMENTED, Status.OBSERVED)),
        f"`balance_summary` is `{connector.report('balance_summary').id}`",
    ),
    "connector/dataset/README.md": (
        f"the last {NUMBERS[MOST_SUPERSEDED]} files of each partition",
        f"<root>/<{'|'.join(Mode)}>/<table>/account=<id>/period=<window or payout>/report.parquet",
        ", ".join(f"`{kind.value}`" for kind in list(RowKind)[:-1]) + f" or `{RowKind.TOTAL.value}`",
    ),
}


@pytest.mark.parametrize(("path", "fact"), [(path, fact) for path, facts in FACTS.items() for fact in facts])
def test_a_number_is_the_one_in_the_code(path: str, fact: str) -> None:
    assert fact in text(path)


def test_the_demo_shown_is_a_whole_month() -> None:
    shown = section("README.md", "demo")

    first, after = map(date.fromisoformat, re.findall(r"\d{4}-\d\d-\d\d", shown)[:2])
    length = days(after - first)
    assert (first.day, after.day) == (1, 1)
    assert f"{length * 4} partitions materialized" in shown
    # Four currencies, every day but the first.
    assert f"opening balance: all {4 * (length - 1)}." in shown


def test_a_file_is_where_the_pages_say() -> None:
    dataset = Dataset("sales", "live", "acct_1", "balance.summary.1", "daily", "UTC")
    connected = ReportQuery.of("connected_account_balance_summary", by_account=True)
    levels = connected.dataset(mode="live", account=None).path_columns

    assert dataset.file_path("2026-06-01") == "live/sales/account=acct_1/period=2026-06-01/report.parquet"
    assert dataset.pin_path == "live/_datasets/sales.json"
    assert "<root>/<mode>/_datasets/<table>.json" in text("connector/dataset/README.md")
    assert levels == ("account", "connected", "period")
    assert "a level `connected=<id>` stands before `period`" in text("connector/dataset/README.md")


def test_a_key_looks_as_the_pages_say() -> None:
    hours = Windows("hourly").between(
        datetime(2026, 10, 1, 5, tzinfo=UTC), datetime(2026, 10, 1, 6, tzinfo=UTC)
    )
    (october,) = Windows("monthly").between(date(2026, 10, 1), date(2026, 11, 1))
    (day,) = Windows("daily").between(date(2026, 6, 1), date(2026, 6, 2))
    report = ReportQuery.of("connected_account_balance_summary", by_account=True)
    (of_account,) = report.each_account([day], ["acct_1A2b3C"])

    assert f"`{october.key}`. Hourly keys look like `{hours[0].key}`" in text("assets/README.md")
    assert f"Keys look like `{of_account.key}`" in text("assets/README.md")


def test_our_own_columns_are_those_of_a_file(here: Path) -> None:
    dataset = ReportQuery.of("balance_summary").dataset(mode="simulated", account=None)
    page = text("connector/dataset/README.md")

    columns = connector.Store("data").arrow_dataset(dataset).schema.names

    assert {each for each in columns if each.startswith("_")} == set(re.findall(r"`(_[a-z]\w+)`", page))
    assert f"`{METADATA}` becomes `{Column(METADATA, ColumnType.TEXT, '').stored_name}`" in page


def test_amounts_are_shown_as_the_page_says(here: Path) -> None:
    (call,) = re.findall(r"`(money_text\(.*?\))`", text("connector/dataset/README.md"))
    amounts = "(VALUES ('jpy', 7.5::DECIMAL(36,18)), ('jpy', 7), ('kwd', 7)) AS row(currency, amount)"

    with connector.open_warehouse("data") as warehouse:
        shown = warehouse.sql(f"SELECT {call} FROM {amounts}").fetchall()  # noqa: S608 - our own

    assert shown == [("7.5",), ("7",), ("7.000",)]


def test_settings_named_by_their_path_exist() -> None:
    named = re.findall(r"`(run_\w+|granularity|connection)(?:[.:] ?(\w+))?`", text("assets/README.md"))
    dagster = yaml.safe_load((ROOT / "assets/dagster.yaml").read_text(encoding="utf-8"))
    known = dagster | {
        "connection": ConnectionModel.model_fields,
        "granularity": {dagster["concurrency"]["pools"]["granularity"]},
    }

    assert named
    assert [(first, second) for first, second in named if second and second not in known[first]] == []


def test_what_the_page_says_of_python_is_so() -> None:
    page = text("connector/README.md")

    assert [
        each for each in re.findall(r"`(\w+)=`", page) if each not in signature(connector.collect).parameters
    ] == []
    assert f"in `record.{FIELDS}`" in page
    assert "`passing` is true" in page
    assert connector.ReportingError.passing is False


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
        *(each.name for each in assets.build_analytics(reports).sensors or ()),
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


@pytest.mark.parametrize("name", dict.fromkeys(re.findall(r"\b((?:connector|assets)\.\w+)(?=\W)(?!/)", ALL)))
def test_a_dotted_name_leads_to_a_module_or_what_is_in_it(name: str) -> None:
    assert pkgutil.resolve_name(name) is not None


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
    target = (ROOT / path).parent / file if file else ROOT / path

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
