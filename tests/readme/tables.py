"""The tables of the READMEs that are data. `python -m tests.readme` writes them into the pages."""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

import click
import dagster as dg
from pydantic import BaseModel

from assets import Automation, ConfiguredReport
from assets.config.check_models import ChecksModel
from assets.config.models import Attributes, AutomationModel, ConnectionModel, ReportDefaults, ReportModel
from assets.reports.check_rules import Rule
from connector.catalogue import REPORTS, Column, ColumnType
from connector.cli import ENVIRONMENT, EXIT_CODES, cli
from connector.convert.decode import Expected, open_report
from connector.query import ReportQuery


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    first, *others = (
        f"| {' | '.join(each.replace('|', chr(92) + '|') for each in row)} |\n" for row in [head, *rows]
    )
    return "".join([first, "|---" * len(head) + "|\n", *others])


# The command


def commands() -> str:
    """Every command in the order of the help, with its first sentence."""
    context = click.Context(cli)
    each = ((name, cli.commands[name]) for name in cli.list_commands(context))
    rows = [(f"`stripe-reports {name}`", command.get_short_help_str(limit=1000)) for name, command in each]
    return _table(("command", "what it does"), rows)


def exit_codes() -> str:
    rows = re.findall(r"^ +(\d+) +(.+)$", EXIT_CODES, re.MULTILINE)
    return _table(("exit code", "meaning"), rows) + "\n" + EXIT_CODES.splitlines()[-1] + "\n"


def environment() -> str:
    rows = [
        (f"`{name}`", said) for name, said in re.findall(r"^ +([A-Z_]+) +(.+)$", ENVIRONMENT, re.MULTILINE)
    ]
    return _table(("variable", "what it says"), rows)


# `defs.yaml`

_MODELS: Mapping[str, tuple[str, type[BaseModel]]] = {
    "": ("", Attributes),
    "connection": ("**`connection`**: the account and where its reports are stored", ConnectionModel),
    "defaults": ("**`defaults`**: what the reports of the file have in common", ReportDefaults),
    "reports": ("**`reports`**: a list of reports; each takes the fields above, and", ReportModel),
    "checks": ("**`checks`**, in `defaults` or in a report", ChecksModel),
    "automation": ("**`automation`**", AutomationModel),
}


def fields() -> str:
    """What may stand in a `defs.yaml`, with defaults."""
    return "\n".join(chain.from_iterable(_section(title, model) for title, model in _MODELS.values()))


def _section(title: str, model: type[BaseModel]) -> Iterator[str]:
    if title:
        yield f"{title}:\n"
    inherited = ReportDefaults.model_fields if model is ReportModel else {}
    rows = [
        (f"`{name}`", _default(field), field.description or "")
        for name, field in model.model_fields.items()
        if name not in inherited
    ]
    yield _table(("field", "default", "what it says"), rows)


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ([], {}) or isinstance(value, BaseModel):
        return ""
    shown = str(value).lower() if isinstance(value, bool) else value
    return f"`{shown:g}`" if isinstance(shown, float) else f"`{shown}`"


# What Dagster shows


def example_reports() -> list[ConfiguredReport]:
    """Reports that between them have every check and every sensor."""
    start = date(2026, 1, 1)
    queries = [
        ReportQuery.of(each) for each in sorted({spec.name for spec in REPORTS.values() if _usual(spec)})
    ]
    reports = [ConfiguredReport(query, start=None if query.by_payout else start) for query in queries]
    return [report.compared_with(reports) for report in reports]


def _usual(spec: Any) -> bool:
    return spec.status.value == "documented" and not spec.name.startswith("connected_account_")


def checks() -> str:
    """Every check with what it says, how grave a failure is, and whether it blocks."""
    rules: dict[str, Rule] = {}
    for report in example_reports():
        for rule in report.rules:
            rules.setdefault(_general(rule.check.name, rule.check.other), rule)
    rows = [
        (
            f"`{name}`",
            _general(rule.check.about, rule.check.other).replace("<table>", "`<table>`"),
            _grave(rule),
            "yes" if rule.blocking else "no",
        )
        for name, rule in rules.items()
    ]
    return _table(("check", "what it verifies", "a failure is", "blocks"), rows)


def _general(words: str, other: str | None) -> str:
    """Of a check that names another table, what holds of all of its kind."""
    return words.replace(other, "<table>") if other else words


def _grave(rule: Rule) -> str:
    return {"error": "an error", "warn": "a warning"}[rule.severity.value]


def automation() -> str:
    """The sensors and schedules of an account, and which of them ship running."""
    made = Automation().definitions(example_reports())
    rows = [
        (f"sensor `{each.name}`", _ships(each.default_status), each.description)
        for each in made.sensors or ()
    ]
    for each in made.schedules or ():
        assert isinstance(each, dg.ScheduleDefinition)
        rows.append((f"schedule `{each.name}`", _ships(each.default_status), each.description))
    return _table(("", "ships", "what it does"), [tuple(map(str, row)) for row in rows])


def _ships(status: dg.DefaultSensorStatus | dg.DefaultScheduleStatus) -> str:
    return str(status.value).lower()


# The files


def types() -> str:
    """The types of columns, as a file that has one of each is read."""
    columns = tuple(Column(each.value, each, "", local=each is ColumnType.TIMESTAMP) for each in ColumnType)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "report.csv"
        path.write_text(",".join(f'"{column.name}"' for column in columns) + "\n", encoding="utf-8")
        utc, local = (
            open_report(path, Expected(columns, timezone=zone), run_id="frr_1").schema
            for zone in (None, "Europe/Berlin")
        )
    rows = []
    for one, other in zip(utc, local, strict=True):
        without = f"; `{other.type}` where `timezone` is set" if other.type != one.type else ""
        rows.append((one.name, f"`{one.type}`{without}"))
    return _table(("type", "in Arrow and Parquet"), rows)


#: Page and name of each table, and what makes it.
TABLES: Mapping[tuple[str, str], Callable[[], str]] = {
    ("README.md", "commands"): commands,
    ("connector/README.md", "exit-codes"): exit_codes,
    ("connector/README.md", "environment"): environment,
    ("connector/dataset/README.md", "types"): types,
    ("assets/README.md", "fields"): fields,
    ("assets/README.md", "checks"): checks,
    ("assets/README.md", "automation"): automation,
}
