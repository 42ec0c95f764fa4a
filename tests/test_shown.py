"""All that is shown goes through one door, which lets neither terminal controls nor keys through."""

import ast
import io
import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.checks.finding import CheckResult, Finding
from connector.errors import ConfigurationError
from connector.terminal.console import Shown
from connector.terminal.lines import echo, echo_json, json_line
from connector.terminal.tables import show, table
from connector.text import visible

ROOT = Path(__file__).parent.parent

FORGED = "Coffee\x1b[1A\x1b[60Dforged 1,000,000.00\x9b\u202e\x07"
KEY = "rk_live_51Recognisable0000000000000"

#: What writes to a terminal, and the modules that may: the door, and the simulator's own log of a server.
SINKS = {"click.echo", "click.secho", "click.style", "print", "sys.stdout.write", "sys.stderr.write"}
MADE = {"Console", "Table", "rich.print", "print_json"}
DOOR = "connector/terminal/"


def calls(module: Path) -> Iterator[ast.Call]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def modules() -> Iterator[tuple[str, Path]]:
    for package in ("connector", "assets"):
        for module in sorted((ROOT / package).rglob("*.py")):
            if not (place := module.relative_to(ROOT).as_posix()).startswith(DOOR):
                yield place, module


def test_text_leaves_through_the_door_alone() -> None:
    around = [
        f"{place}:{call.lineno} {ast.unparse(call.func)}"
        for place, module in modules()
        for call in calls(module)
        if ast.unparse(call.func) in SINKS | MADE
    ]

    assert around == []


def test_what_a_person_is_prompted_with_is_visible() -> None:
    prompts = [
        (place, call)
        for place, module in modules()
        for call in calls(module)
        if ast.unparse(call.func) in {"click.prompt", "click.confirm"}
    ]

    assert prompts
    assert [place for place, call in prompts if not ast.unparse(call.args[0]).startswith("visible(")] == []


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
