"""All that is shown goes through one door, which lets neither terminal controls nor keys through."""

import io
import json
import sys
from decimal import Decimal

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.shown import shown_metadata
from connector.checks.finding import CheckResult, Finding
from connector.errors import ConfigurationError
from connector.terminal.console import Shown
from connector.terminal.lines import echo, echo_json, json_line
from connector.terminal.tables import show, table
from connector.text import get_logger, visible
from tests.shown import Exit, exits, exits_in

FORGED = "Coffee\x1b[1A\x1b[60Dforged 1,000,000.00\x9b\u202e\x07"
KEY = "rk_live_51Recognisable0000000000000"

#: What each way out would look like around its door.
AROUND = {
    "terminal": (
        *("print(text)", "click.echo(text)", "sys.stderr.write(text)", "json.dump(value, sys.stdout)"),
        *("from click import echo", "from sys import stdout", "Console().print(text)", "sys.exit(f'{text}')"),
        *("click.confirm(text)", "Progress(columns)", "os.write(1, text)"),
    ),
    "log": (
        *("logging.getLogger(__name__)", "logging.warning(text)", "logging.basicConfig()"),
        *("context.log.info(text)", "self._context.log.warning('%s', text)", "log.log(level, f'{text}')"),
        *("warnings.warn(text)", "context.instance.report_engine_event(text)", "logging.StreamHandler()"),
    ),
    "Dagster": (
        *("dg.SkipReason(text)", "dg.Failure(f'{error}')", "dg.Failure('It failed', metadata)"),
        *("dg.AssetObservation(key, text)", "dg.AssetMaterialization(key, metadata={'name': name})"),
        *("dg.AssetCheckResult(passed=True, description=text)", "dg.AssetCheckEvaluation(**fields)"),
        *("dg.MaterializeResult(metadata=metadata)", "dg.SensorResult(skip_reason=None if due else text)"),
        *("context.add_asset_metadata(metadata)", "context.add_output_metadata({'name': name})"),
        *("@dg.sensor(description=text)\ndef sensor(): pass", "from dagster import SkipReason"),
        *("Alert(run, job, assets, text)", "dg.Output(None, metadata=metadata)"),
    ),
    "file": ("path.write_text(text)", "shutil.copyfile(here, there)"),
}


@pytest.fixture(scope="module")
def every() -> list[Exit]:
    return list(exits())


def test_text_leaves_through_doors_alone(every: list[Exit]) -> None:
    assert [str(each) for each in every if not each.passes] == []


@pytest.mark.parametrize(("kind", "call"), [(kind, call) for kind, calls in AROUND.items() for call in calls])
def test_what_goes_around_a_door_is_seen(every: list[Exit], kind: str, call: str) -> None:
    assert kind in {each.kind for each in every}
    assert False in {each.passes for each in exits_in("assets/sensors/new.py", call)}


def test_dagster_shows_every_kind_of_metadata_as_text_without_controls_and_keys() -> None:
    columns = [dg.TableColumn(FORGED, FORGED, KEY, tags={FORGED: FORGED})]
    schema = dg.TableSchema(columns, dg.TableConstraints([FORGED]))
    metadata = {
        FORGED: FORGED,
        "text": dg.MetadataValue.text(FORGED),
        "md": dg.MetadataValue.md(f"{FORGED} {KEY}"),
        "url": dg.MetadataValue.url(FORGED),
        "json": dg.MetadataValue.json({FORGED: [KEY, {"deep": FORGED}, 1, None, True]}),
        "table": dg.MetadataValue.table([dg.TableRecord({FORGED: FORGED})], schema),
        "schema": schema,
    }

    said = repr(dg.AssetObservation("report", metadata=shown_metadata(metadata)))
    assert said.count(SHOWN_AS.replace("\\", "\\\\")) == repr(metadata).count("forged") == 19
    assert "Recognisable" not in said


def test_metadata_that_are_not_text_stay_as_they_are() -> None:
    at = dg.MetadataValue.timestamp(1_780_704_000.0)

    assert shown_metadata({"rows": 3, "seconds": 0.5, "reused": True, "at": at, "none": None}) == {
        **{"rows": 3, "seconds": 0.5, "reused": True, "at": at, "none": None}
    }
    with pytest.raises(TypeError, match="PathMetadataValue have no door"):
        shown_metadata({"path": dg.MetadataValue.path("/a")})


def test_a_record_is_visible_before_a_handler_has_it(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError(FORGED)
    except ValueError:
        get_logger("connector.tried").exception("of %s: %s", KEY, FORGED)

    assert caplog.messages == [f"of rk_live_…: {SHOWN_AS}"]
    assert f"ValueError: {SHOWN_AS}" in caplog.text
    assert not set(caplog.text) & set("\x1b\x9b\u202e\x07")


@given(st.text(), st.booleans())
def test_what_is_shown_holds_no_control(text: str, lines: bool) -> None:
    shown = visible(text, lines=lines)

    assert all(each.isprintable() or each.isspace() for each in shown)
    assert not set(shown) & ({"\r", "\v", "\f", "\x85", "\u2028", "\u2029"} | (set() if lines else {"\n"}))


@given(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=30))
def test_printable_text_is_shown_as_it_is(text: str) -> None:
    assert visible(f"a{text} b") == f"a{text} b"


@given(st.dictionaries(st.text(), st.text() | st.floats() | st.lists(st.text()) | st.none()))
def test_a_line_of_json_is_json_without_controls(value: dict[str, object]) -> None:
    line = json_line(value)

    assert line.isprintable() or all(each.isprintable() or each.isspace() for each in line)
    json.loads(line, parse_constant=pytest.fail)


def test_json_keeps_what_it_escapes() -> None:
    assert json.loads(json_line({"description": FORGED}))["description"] == FORGED
    assert json_line({"net": Decimal("1E-18"), "rate": float("nan"), "key": [KEY]}) == (
        '{"net": "0.000000000000000001", "rate": "nan", "key": ["rk_live_…"]}'
    )


SHOWN_AS = r"Coffee\x1b[1A\x1b[60Dforged 1,000,000.00\x9b\u202e\x07"


def test_each_way_out_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    rows = table(FORGED, title="\x1b" * 3)
    rows.add_row(f"{FORGED}\n{KEY}")

    echo(FORGED)
    echo(FORGED, err=True)
    echo_json({FORGED: FORGED})
    show(rows, FORGED)
    Shown(err=True).print(FORGED, soft_wrap=True)

    said = capsys.readouterr()
    assert not set(said.out + said.err) & set("\x1b\x9b\u202e\x07")
    assert said.out.count(SHOWN_AS) == 4
    assert said.err.count(SHOWN_AS[:-4]) == 2
    assert KEY not in said.out


def test_errors_and_findings_can_be_shown_as_they_are() -> None:
    finding = Finding(CheckResult.FAILED, f"{FORGED} {KEY}", examples=({"description": FORGED},))

    assert str(ConfigurationError(f"{FORGED} {KEY}")) == f"{SHOWN_AS} rk_live_…"
    assert finding.reason == f"{SHOWN_AS} rk_live_…"
    assert finding.examples == ({"description": SHOWN_AS},)


def test_the_user_and_password_of_a_url_are_not_shown() -> None:
    assert visible("s3://AKIA:s3cr/et+x@bucket/a and https://u:p@h/x") == "s3://…@bucket/a and https://…@h/x"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_what_an_output_cannot_encode_is_escaped(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding, write_through=True))
    rows = table("description")
    rows.add_row("Café ☕")

    echo("Café ☕")
    echo_json({"description": "Café ☕"})
    show(rows)

    lines = written.getvalue().decode(encoding).splitlines()
    assert lines[0] in {"Café ☕", r"Café \u2615", r"Caf\xe9 \u2615"}
    assert json.loads(lines[1]) == {"description": "Café ☕"}
