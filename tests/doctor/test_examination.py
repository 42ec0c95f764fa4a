"""What the doctor says of a key, of Stripe's answers, and of the reports somebody means to pull."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from connector.api.models import Mode
from connector.clock import SystemClock
from connector.dataset.filesystem.access import Access
from connector.doctor.diagnosis import Level
from connector.doctor.examination import examine
from connector.query import ReportQuery
from connector.settings import Connection
from connector.simulator import Simulator
from connector.simulator.api.keys import FILES_READ, REPORTS_READ, REPORTS_WRITE
from tests.conftest import Pull
from tests.doctor.conftest import KEY, Examine, Findings, texts
from tests.faults.network import EditReply, Html, Refuse, Respond
from tests.support.buckets import Bucket
from tests.support.clock import ManualClock
from tests.support.datasets import DATASET, lay
from tests.support.partitions import days


def test_a_healthy_place_has_nothing_but_good_findings(doctor: Examine, simulator: Simulator) -> None:
    found = doctor()

    assert {each.level for each in found} == {Level.OK}
    assert {"key", "account", "api", "clock", "version", "permission", "report", "files", "disk"} <= {
        each.subject for each in found
    }
    assert simulator.runs == []


def test_the_key_is_named_by_its_kind_alone(doctor: Examine) -> None:
    for key in (KEY, "sk_live_51Recognisable", "pk_live_51Recognisable", "51Recognisable", "rk_test_ 51"):
        assert "51" not in texts(doctor(api_key=key).of("key"))


def test_without_a_key_the_rest_is_examined(doctor: Examine, simulator: Simulator) -> None:
    found = doctor(api_key="")

    assert found.broken == {"key"}
    assert found.of("files")
    assert simulator.requests == []


def test_a_secret_key_is_more_than_is_needed(doctor: Examine) -> None:
    key = doctor(api_key="sk_test_51Recognisable").the("key")

    assert key.level is Level.WARN
    assert "restricted" in (key.advice or "")


def test_a_key_stripe_does_not_know_ends_the_questions(doctor: Examine, simulator: Simulator) -> None:
    simulator.keyring.revoke(KEY)

    found = doctor()

    assert found.broken == {"key"}
    assert found.say("Expired API Key")
    assert len(simulator.requests) == 1


@pytest.mark.parametrize(
    ("allowed", "lacking"),
    [
        pytest.param({REPORTS_READ, FILES_READ}, set(), id="nothing"),
        pytest.param({REPORTS_WRITE, FILES_READ}, set(), id="nothing-where-more-was-granted"),
        pytest.param({REPORTS_READ}, {"read files"}, id="files"),
        pytest.param(
            {FILES_READ}, {"read report types", "read report runs", "create report runs"}, id="reports"
        ),
    ],
)
def test_a_permission_that_lacks_is_named_with_stripes_word_for_it(
    doctor: Examine, simulator: Simulator, allowed: set[str], lacking: set[str]
) -> None:
    simulator.keyring.permissions = {KEY: allowed}

    bad = [each for each in doctor().of("permission") if each.level is Level.FAIL]

    assert {each.found.partition(":")[0] for each in bad} == lacking
    assert all("rak_" in each.found for each in bad)
    assert simulator.runs == []


def test_that_creating_needs_to_write_is_found_by_trying(doctor: Examine, simulator: Simulator) -> None:
    """Documented is that reading is enough."""
    simulator.keyring.permissions = {KEY: {REPORTS_READ, FILES_READ}}
    simulator.keyring.creating_needs = REPORTS_WRITE

    (bad,) = [each for each in doctor().of("permission") if each.level is Level.FAIL]

    assert bad.found.startswith("create report runs: no.")
    assert "write report runs and report types" in (bad.advice or "")
    assert simulator.runs == []


def test_reading_files_is_tried_on_a_real_one_where_there_is_one(
    doctor: Examine, simulator: Simulator, pull: Pull
) -> None:
    pull(ReportQuery.of("balance_summary"), days("2026-06-01", 1))
    (run,) = simulator.runs

    doctor()

    assert simulator.requests[-1].path == f"/v1/files/{run.file.id}/contents"


def test_without_a_network_it_says_what_has_to_be_let_through(doctor: Examine, simulator: Simulator) -> None:
    simulator.faults.add(Refuse(), times=None)

    found = doctor()

    assert found.broken == {"api"}
    assert found.say("https://files.stripe.com")


def test_a_page_where_json_was_due_is_said(doctor: Examine, simulator: Simulator) -> None:
    simulator.faults.add(Html(), times=None)

    assert doctor().broken == {"api"}


@pytest.mark.parametrize(
    ("ahead", "level"), [(2, Level.OK), (-60, Level.WARN), (60, Level.WARN), (3600, Level.FAIL)]
)
def test_clocks_are_compared_by_the_date_of_the_answer(
    doctor: Examine, simulator: Simulator, clock: ManualClock, ahead: int, level: Level
) -> None:
    def behind(_: object, reply: object) -> object:
        at = clock.now() - timedelta(seconds=ahead)
        return reply.with_headers(Date=f"{at:%a, %d %b %Y %H:%M:%S GMT}")  # type: ignore[attr-defined]

    simulator.faults.add(EditReply(behind), times=None)  # type: ignore[arg-type]

    assert doctor().the("clock").level is level


def test_another_version_than_the_one_asked_for_is_said(doctor: Examine, simulator: Simulator) -> None:
    simulator.faults.add(
        EditReply(lambda _, reply: reply.with_headers(**{"Stripe_Version": "2031-01-01.x"})), times=None
    )

    version = doctor().the("version")

    assert version.level is Level.WARN
    assert "2031-01-01.x" in version.found


def test_an_account_that_is_not_connected_is_not_blamed_on_the_key(
    doctor: Examine, simulator: Simulator
) -> None:
    simulator.keyring.connected = set()

    found = doctor(account="acct_1Stranger")

    assert [each.level for each in found.of("account")].count(Level.FAIL) == 1
    assert found.of("permission") == []
    assert found.say("STRIPE_ACCOUNT")


def test_settings_with_typos_are_findings_and_stop_nothing(doctor: Examine) -> None:
    found = doctor(api_base="htp://x", account="acct-1", root="s4://bucket", dagster_home="relative")

    assert found.broken == {"api", "account", "files", "dagster"}
    assert found.of("report")


# Reports


def test_a_platforms_report_with_an_account_left_set_is_broken(doctor: Examine) -> None:
    mine, platforms = doctor(
        "payouts_itemized", "connected_account_payouts_itemized", account="acct_1Left"
    ).of("report")

    assert mine.level is Level.OK
    assert platforms.level is Level.FAIL
    assert "'acct_1Left'" in platforms.found
    assert "STRIPE_ACCOUNT" in platforms.found


def test_so_is_one_whose_file_names_an_account(doctor: Examine, project: Path) -> None:
    configure(
        project,
        "type: assets.StripeReportsComponent\nattributes:\n  connection: {account: acct_1Left}\n"
        "  reports: [{report: connected_account_payouts.itemized.2, start: 2026-05-01}]\n",
    )

    found = doctor().the("report")

    assert found.level is Level.FAIL
    assert "'acct_1Left'" in found.found


def test_a_misspelt_report_is_told_the_nearest_and_the_others_are_examined(doctor: Examine) -> None:
    bad, good = doctor("balance_sumary", "balance.summary.1").of("report")

    assert bad.level is Level.FAIL
    assert "nearest: balance_summary" in bad.found
    assert "until 2026-06-07 00:00 UTC" in good.found


def test_a_version_the_catalogue_lacks_is_looked_up_at_stripe(doctor: Examine, simulator: Simulator) -> None:
    assert doctor("balance.summary.99").the("report").level is Level.FAIL

    simulator.faults.add(
        EditReply(lambda _, r: r.with_body(r.body.replace(b'"balance.summary.1"', b'"balance.summary.99"'))),
        times=None,
    )

    assert doctor("balance.summary.99").the("report").level is Level.OK


def test_a_report_of_live_mode_cannot_be_had_with_a_test_key(doctor: Examine) -> None:
    (report,) = doctor("all_fees.balance_transaction_created.itemized.2").of("report")

    assert report.level is Level.FAIL
    assert "live mode" in report.found


def test_a_report_the_account_lacks_is_said(doctor: Examine, simulator: Simulator) -> None:
    assert doctor("balance.summary.2").the("report").level is Level.FAIL

    nothing = {"object": "list", "data": [], "has_more": False}
    simulator.faults.add(Respond(200, nothing), "GET */report_types", times=None)

    assert doctor("balance.summary.1").the("report").level is Level.FAIL


def configure(directory: Path, text: str) -> None:
    place = directory / "assets" / "defs" / "stripe_reports"
    place.mkdir(parents=True)
    (place / "defs.yaml").write_text(text)


def test_the_reports_of_a_defs_yaml_are_those_examined(doctor: Examine, project: Path) -> None:
    configure(
        project,
        "type: assets.StripeReportsComponent\nattributes:\n  defaults: {start: 2019-01-01}\n"
        "  reports: [{report: balance.summary.1}, {report: payouts.itemized.3, start: 2026-05-01}]\n",
    )

    found = doctor()

    assert found.say("2 configured in assets/defs/stripe_reports/defs.yaml")
    early, good = found.of("report")
    assert (early.level, good.level) == (Level.WARN, Level.OK)
    assert "Set `start` to 2026-05-01" in (early.advice or "")


#: Data that begin at midnight in Berlin and in New York, starts at and before that, and what is advised.
STARTS = {
    "Berlin, exactly": ("Europe/Berlin", "daily", "2026-05-04T22:00", "2026-05-05", None),
    "Berlin, a day early": ("Europe/Berlin", "daily", "2026-05-04T22:00", "2026-05-04", "2026-05-05"),
    "Berlin, data at midnight in UTC": (
        "Europe/Berlin",
        "daily",
        "2026-05-05T00:00",
        "2026-05-05",
        "2026-05-06",
    ),
    "New York, exactly": ("America/New_York", "daily", "2026-05-05T04:00", "2026-05-05", None),
    "New York, a day early": ("America/New_York", "daily", "2026-05-05T04:00", "2026-05-04", "2026-05-05"),
    "New York, data at midnight in UTC": (
        "America/New_York",
        "daily",
        "2026-05-05T00:00",
        "2026-05-05",
        None,
    ),
    "hours of New York": ("America/New_York", "hourly", "2026-05-05T05:00", "2026-05-05", "2026-05-06"),
    "weeks of Berlin": ("Europe/Berlin", "weekly", "2026-05-04T22:00", "2026-05-05", None),
    "months of Berlin, within one": ("Europe/Berlin", "monthly", "2026-05-04T22:00", "2026-05-02", None),
    "months of Berlin": ("Europe/Berlin", "monthly", "2026-05-04T22:00", "2026-05-01", "2026-06-01"),
    "UTC": ("UTC", "daily", "2026-05-05T00:00", "2026-05-05", None),
    "UTC, data a second later": ("UTC", "daily", "2026-05-05T00:00:01", "2026-05-05", "2026-05-06"),
    "beyond the calendar": ("Asia/Tokyo", "weekly", "2026-05-05T00:00", "0001-01-01", None),
}


@pytest.mark.parametrize(("zone", "window", "data", "start", "advised"), STARTS.values(), ids=STARTS)
def test_a_start_is_early_where_its_first_window_begins_before_the_data(
    doctor: Examine, simulator: Simulator, project: Path, *, zone: str, window: str, data: str, start: str,
    advised: str | None,
) -> None:  # fmt: skip
    simulator.set_available_from("balance.summary.1", datetime.fromisoformat(f"{data}+00:00"))
    configure(
        project,
        "type: assets.StripeReportsComponent\nattributes:\n  reports:\n"
        f"  - {{report: balance.summary.1, start: {start}, window: {window}, zone: {zone}}}\n",
    )

    found = doctor().the("report")

    assert found.level is (Level.WARN if advised else Level.OK)
    assert (advised is None) or f"Set `start` to {advised} or later" in (found.advice or "")


OTHERS = {
    "weekly": ("window: weekly", "window is daily there and weekly here"),
    "in Berlin": ("zone: Europe/Berlin", "zone is UTC there and Europe/Berlin here"),
    "filtered": ("filters: {currency: usd}", "filters is none there and currency=usd here"),
    "of another version": ("", "report_type is balance.summary.1 there and balance.summary.2 here"),
}


@pytest.mark.parametrize(("field", "both"), OTHERS.values(), ids=OTHERS)
def test_a_configured_report_that_no_longer_fits_its_table_is_a_failure_naming_both(
    doctor: Examine, connection: Connection, project: Path, field: str, both: str
) -> None:
    lay(Path(connection.root), DATASET, "2026-06-01", pa.table({"net_amount": [1]}))
    report = "balance.summary.1" if field else "balance.summary.2"
    text = "type: assets.StripeReportsComponent\nattributes:\n  defaults: {start: 2026-06-01%s}\n"
    listed = "  reports: [{report: %s, name: balance_summary}]\n"
    configure(project, text % (f", {field}" if field else "") + listed % report)

    (refused,) = [each for each in doctor().of("report") if "holds data for a different" in each.found]

    assert refused.level is Level.FAIL
    assert both in refused.found


@pytest.mark.parametrize(
    "fields", ["", ", columns: [net]", ", window: daily", ", filters: [x]", ", name: other, window: weekly"]
)
def test_a_configured_report_that_fits_its_table_or_is_none_is_not(
    doctor: Examine, connection: Connection, project: Path, fields: str
) -> None:
    lay(Path(connection.root), DATASET, "2026-06-01", pa.table({"net_amount": [1]}))
    configure(
        project,
        "type: assets.StripeReportsComponent\nattributes:\n  reports:\n"
        f"  - {{report: balance.summary.1, start: 2026-06-01{fields}}}\n",
    )

    assert not doctor().say("holds data for a different")


def test_every_root_that_is_configured_is_examined(
    connection: Connection, project: Path, tmp_path: Path, clock: ManualClock
) -> None:
    roots = [connection.root, str(tmp_path / "eu")]
    for root in roots:
        lay(Path(root), DATASET, "2026-06-01", pa.table({"net_amount": [1]}))
    text = "type: assets.StripeReportsComponent\nattributes:\n  connection: {root: %s}\n  reports:\n"
    configure(project, text % roots[1] + "  - {report: balance_summary, start: 2026-06-01, window: weekly}\n")

    found = Findings(
        examine(replace(connection, api_key=""), clock, directory=project, dagster_home=None, roots=roots)
    )

    assert [root for root in roots if found.say(f"{root} can be written to")] == roots
    assert sum("holds data for a different" in each.found for each in found) == 1


def test_a_defs_yaml_that_does_not_parse_is_named(doctor: Examine, project: Path) -> None:
    configure(project, "type: [\n")

    assert doctor().say("assets/defs/stripe_reports/defs.yaml cannot be read")


def test_a_key_in_a_defs_yaml_is_not_shown(doctor: Examine, project: Path) -> None:
    configure(
        project,
        "type: assets.StripeReportsComponent\nattributes:\n  connection: {api_key: rk_live_51Pasted}\n"
        "  reports: []\n",
    )

    found = doctor()

    assert found.say("line 3 holds an API key")
    assert not found.say("51Pasted")


def test_without_a_configuration_the_stored_tables_say_what_is_meant(
    doctor: Examine, connection: Connection
) -> None:
    dataset = ReportQuery.of("payouts.itemized.3").dataset(mode=Mode.TEST, account=None)
    pin = Path(connection.root, dataset.pin_path)
    pin.parent.mkdir(parents=True)
    pin.write_text(dataset.to_json())

    found = doctor()

    assert found.say("there is no defs.yaml here; stored tables: 1")
    assert [each.found.split()[0] for each in found.of("report")] == ["payouts.itemized.3"]


def test_data_that_stripe_has_not_prepared_for_days_are_said(doctor: Examine, simulator: Simulator) -> None:
    simulator.set_available_until("balance.summary.1", datetime(2026, 6, 1, tzinfo=UTC))

    assert doctor("balance_summary").the("report").level is Level.WARN


def test_a_proxy_that_cannot_be_used_is_a_failure_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy:1080")
    connection = Connection(api_key="rk_test_51Abc", root=str(tmp_path / "data"))

    found = list(examine(connection, SystemClock(), directory=tmp_path, dagster_home=None))

    failed = [each for each in found if each.level is Level.FAIL]
    assert [(each.subject, each.found.partition(" ")[0]) for each in failed] == [("api", "ALL_PROXY")]


def test_a_bucket_is_reached_as_the_connection_says(
    doctor: Examine, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in bucket.environment().items():
        monkeypatch.setenv(name, value)
    # Nothing listens where the environment says.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    found = doctor(root=bucket.url, access=Access(endpoint=bucket.endpoint))

    assert [each.level for each in found.of("files")] == [Level.OK]
    assert bucket.objects() == []
