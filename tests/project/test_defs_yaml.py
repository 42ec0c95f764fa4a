"""A first configuration: a start that exists, a file that reads back, and no key in it."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from connector.api.models import Mode, ReportType
from connector.catalogue import REPORTS, report
from connector.errors import ConfigurationError, ReportingError
from connector.partitions import UNITS, Windows
from connector.project.choices import (
    DEFAULT_REPORTS,
    default_reports,
    first_starts,
    recent_span,
    reports_named,
    starts_from,
    valid_root,
    variable,
)
from connector.project.defs_yaml import DefsFile, DefsYaml, found_files, refuse_unreadable

ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia")


def offered(id: str, since: datetime, until: datetime = datetime(2026, 6, 7, tzinfo=UTC)) -> ReportType:
    return ReportType(id, "A report", since, until, until)


def read(configuration: DefsYaml) -> dict[str, object]:
    attributes: dict[str, object] = yaml.safe_load(configuration.text())["attributes"]
    return attributes


@given(
    since=st.integers(1_330_000_000, 1_800_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    unit=st.sampled_from(UNITS),
    zone=st.sampled_from(ZONES),
)
def test_a_start_is_where_a_window_begins_and_not_before_the_data(
    since: datetime, unit: str, zone: str
) -> None:
    windows = Windows(unit, zone)

    starts = first_starts(
        [report("balance_summary")], {"balance.summary.1": offered("", since)}, windows, Mode.LIVE
    )

    begins = windows.bound(starts["balance.summary.1"])
    assert since <= begins <= since + timedelta(days=33)


@given(root=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_any_place_that_is_taken_reads_back(root: str) -> None:
    try:
        taken = valid_root(root)
    except ConfigurationError:
        assert not root.isprintable() or not root.strip()
        return
    specs = reports_named(["balance_summary"])

    connection = read(DefsYaml(specs, {specs[0].id: date(2026, 1, 1)}, Windows("daily"), root=taken))

    assert connection["connection"] == {"api_key": "{{ env.STRIPE_API_KEY }}", "root": root}


def test_a_report_that_begins_later_says_so_and_the_others_share_theirs() -> None:
    specs = reports_named(["balance_summary", "payouts_itemized"])
    first = {"balance.summary.1": date(2023, 5, 1), "payouts.itemized.3": date(2024, 2, 1)}

    attributes = read(DefsYaml(specs, starts_from(first, None), Windows("monthly", "Europe/Berlin")))

    assert attributes["defaults"] == {"start": date(2023, 5, 1), "window": "monthly", "zone": "Europe/Berlin"}
    assert attributes["reports"] == [
        {"report": "balance.summary.1"},
        {"report": "payouts.itemized.3", "start": date(2024, 2, 1)},
    ]


def test_a_wish_is_granted_as_far_as_there_are_data() -> None:
    first = {"a": date(2023, 5, 1), "b": date(2024, 2, 1)}

    assert starts_from(first, date(2023, 7, 1)) == {"a": date(2023, 7, 1), "b": date(2024, 2, 1)}


def test_the_usual_reports_are_the_newest_documented_that_stripe_offers() -> None:
    every = [*REPORTS]
    without_one = [id for id in every if id not in {"payouts.itemized.3", "balance.summary.1"}]

    assert default_reports(every) == DEFAULT_REPORTS
    assert default_reports(without_one) == (
        "balance_change_from_activity_itemized",
        "payouts.itemized.2",
        "payout_reconciliation_itemized",
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param(["balance_sumary"], "nearest: balance_summary", id="typo"),
        pytest.param([], "at least one report", id="none"),
        pytest.param(["payouts.itemized.2", "payouts_itemized"], "one version", id="two versions"),
        pytest.param(["payout_reconciliation_by_id_itemized"], "by payout, not by time", id="by payout"),
    ],
)
def test_reports_that_make_no_configuration_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        reports_named(names)


@pytest.mark.parametrize(
    ("id", "mode", "message"),
    [
        pytest.param("payouts.itemized.3", Mode.LIVE, "it offers payouts.itemized.2", id="another version"),
        pytest.param("all_fees.incurred_at.itemized.2", Mode.TEST, "only in live mode", id="live"),
    ],
)
def test_a_report_that_stripe_does_not_offer_is_refused(id: str, mode: Mode, message: str) -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)

    with pytest.raises(ReportingError, match=message):
        first_starts(
            [REPORTS[id]],
            {"payouts.itemized.2": offered("payouts.itemized.2", since)},
            Windows("daily"),
            mode,
        )


@pytest.mark.parametrize("slip", ["rk_live_51Secret", "sk_test_51Secret", "A-B", "", "1A"])
def test_a_key_is_not_taken_for_a_name_and_not_shown(slip: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        variable(slip)

    assert "Secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("unit", "since", "until", "span"),
    [
        pytest.param(
            "daily", "2023-01-01", "2026-06-07T12:00", ("2026-05-01", "2026-06-01"), id="last month"
        ),
        pytest.param(
            "daily", "2026-05-20", "2026-06-07T12:00", ("2026-05-20", "2026-06-07"), id="new account"
        ),
        pytest.param("daily", "2026-06-07", "2026-06-07T12:00", None, id="nothing whole yet"),
        pytest.param("monthly", "2023-01-01", "2026-06-07T12:00", ("2026-05-01", "2026-06-01"), id="monthly"),
        pytest.param("weekly", "2023-01-01", "2026-06-09T12:00", ("2026-05-10", "2026-06-07"), id="weekly"),
        pytest.param("hourly", "2023-01-01", "2026-06-07T12:00", ("2026-06-06", "2026-06-07"), id="hourly"),
    ],
)
def test_a_first_look_takes_whole_windows_that_are_there(
    unit: str, since: str, until: str, span: tuple[str, str] | None
) -> None:
    end = datetime.fromisoformat(until).replace(tzinfo=ZoneInfo("UTC"))

    found = recent_span(Windows(unit), date.fromisoformat(since), end)

    assert (found and tuple(map(str, found))) == span
    if found:
        assert Windows(unit).between(*found)


def defs_file(place: Path, text: str) -> DefsFile:
    (place / "defs.yaml").write_text(text)
    return DefsFile(place / "defs.yaml")


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    specs = reports_named(["balance_summary", "payouts_itemized"])
    starts = {specs[0].id: date(2026, 1, 1), specs[1].id: date(2026, 2, 1)}

    file = defs_file(tmp_path, DefsYaml(specs, starts, Windows("daily"), "STRIPE_KEY_EU").text())

    assert [(each["report"], each["start"]) for each in file.reports()] == list(starts.items())
    assert {(each["window"], each["zone"]) for each in file.reports()} == {("daily", "UTC")}
    assert file.takes_key_from("STRIPE_KEY_EU")
    assert not file.takes_key_from("STRIPE_API_KEY")


def test_components_of_other_kinds_are_left_out(tmp_path: Path) -> None:
    ours = "type: my.StripeReportsComponent\nattributes: {reports: [{report: balance_summary}]}\n"

    file = defs_file(tmp_path, f"type: dagster.Other\nattributes: {{reports: [{{report: x}}]}}\n---\n{ours}")

    assert list(file.reports()) == [{"report": "balance_summary", "start": None, "connection": {}}]


def test_the_lines_that_name_a_report_are_found_however_they_are_written(tmp_path: Path) -> None:
    text = """\
type: assets.StripeReportsComponent
attributes:
  reports:
  - report: payout_reconciliation.itemized.3
    name: payout_reconciliation_itemized
  - name: b
    report: "payout_reconciliation_itemized"  # the newest
  - {report: payout_reconciliation.itemized.3}
  - report: payout_reconciliation.itemized.33
  # - report: payout_reconciliation.itemized.3
"""
    names = {"payout_reconciliation.itemized.3", "payout_reconciliation_itemized"}

    lines = defs_file(tmp_path, text).lines_naming(names)

    assert [number for number, _ in lines] == [4, 7, 8]
    assert lines[0][1] == "- report: payout_reconciliation.itemized.3"


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    for name, text in {"good": "type: assets.StripeReportsComponent\n", "bad": "type: [\n"}.items():
        (tmp_path / "defs" / name).mkdir(parents=True)
        (tmp_path / "defs" / name / "defs.yaml").write_text(text)

    files, unreadable = found_files(tmp_path)

    assert [file.path.parent.name for file in files] == ["good"]
    assert [path.parent.name for path in unreadable] == ["bad"]


def bomb(depth: int) -> str:
    """A list of nine lists of nine lists …, each an alias of the one before."""
    names = [f"n{number}" for number in range(depth)]
    lines = [f"  - &{names[0]} [{', '.join(['x'] * 9)}]"]
    for before, name in pairwise(names):
        lines.append(f"  - &{name} [{', '.join([f'*{before}'] * 9)}]")
    return "\n".join(["attributes:", *lines, ""])


SLIPS = [
    pytest.param("a: 1\nb: 2\na: 3\n", "'a' stands twice, in line 1 and in line 3", id="at-the-top"),
    pytest.param(
        "attributes:\n  reports:\n    - report: x\n      start: 2026-01-01\n      start: 2026-02-01\n",
        "'start' stands twice, in line 4 and in line 5",
        id="in-a-list",
    ),
    pytest.param("a: &x {b: 1}\nc: {<<: *x, b: 2, b: 3}\n", "'b' stands twice", id="beside-a-merge"),
    pytest.param(bomb(40), "its aliases stand for more than 100,000 values", id="a-bomb"),
    pytest.param("a: &x [*x]\n", "its aliases stand for more than", id="an-alias-of-itself"),
    pytest.param("a:\n  - b\n  - rk_live_51Abc0123456789\n", "line 3 holds an API key", id="a-key"),
    pytest.param("root: s3://AKIA1:s3cret@bucket/x\n", "line 1 holds", id="the-password-of-a-bucket"),
    pytest.param("a: 'rk_live_51Abc0123456789\n", "unexpected end of stream", id="a-key-behind-half-a-quote"),
    pytest.param("[" * 5000, "nested too deeply", id="depth"),
]


@pytest.mark.parametrize(("text", "reason"), SLIPS)
def test_a_slip_that_yaml_readers_pass_over_is_refused_with_its_lines(
    tmp_path: Path, text: str, reason: str
) -> None:
    (tmp_path / "defs.yaml").write_text(text)

    with pytest.raises(ConfigurationError, match=reason) as caught:
        refuse_unreadable(tmp_path)

    assert str(tmp_path / "defs.yaml") in str(caught.value)
    assert "51Abc" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_aliases_and_merges_that_save_typing_are_taken(tmp_path: Path) -> None:
    (tmp_path / "defs.yaml").write_text("a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}\ne: [*x, *x]\n")

    refuse_unreadable(tmp_path)
