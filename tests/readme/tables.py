"""The tables of the READMEs that are data. `python -m tests.readme` writes them into the pages."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

import click
import dagster as dg

from assets import Automation, ConfiguredReport, build_analytics
from connector.catalogue import Column, ColumnType
from connector.checks import Severity, all_checks
from connector.cli import ENVIRONMENT, EXIT_CODES, cli
from connector.convert.arrow_types import arrow_type
from connector.query import ReportQuery
from connector.sql.views.derived import OF_FILES, VIEWS
from tests.readme.fields import describe_fields


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


def fields() -> str:
    """What may stand in a `defs.yaml`, with types and defaults."""
    return describe_fields()


# What Dagster shows


def example_reports() -> list[ConfiguredReport]:
    """Reports that between them have every sensor."""
    names = ("balance_summary", "payout_reconciliation_itemized", "payout_reconciliation_by_id_itemized")
    queries = map(ReportQuery.of, names)
    return [ConfiguredReport(each, start=None if each.by_payout else date(2026, 1, 1)) for each in queries]


def checks() -> str:
    """Every check, how grave a failure is, and whether it blocks unless configured otherwise."""
    grave = {Severity.ERROR: "an error", Severity.WARN: "a warning"}
    rows = [
        (f"`{each.name}`", each.about, grave[each.severity], "yes" if each.blocks else "no")
        for each in all_checks()
    ]
    return _table(("check", "what it verifies", "a failure is", "blocks"), rows)


def automation() -> str:
    """The sensors and schedules of an account, and which of them ship running."""
    made = Automation().definitions(example_reports())
    rows = [
        (f"sensor `{each.name}`", _ships(each.default_status), each.description)
        for each in [*(made.sensors or ()), *(build_analytics(example_reports()).sensors or ())]
    ]
    for each in made.schedules or ():
        assert isinstance(each, dg.ScheduleDefinition)
        rows.append((f"schedule `{each.name}`", _ships(each.default_status), each.description))
    return _table(("", "ships", "what it does"), [tuple(map(str, row)) for row in rows])


def _ships(status: dg.DefaultSensorStatus | dg.DefaultScheduleStatus) -> str:
    return str(status.value).lower()


# The files


# SQL


def views() -> str:
    """The views beside the tables, with their columns."""
    movements = (
        "`<table>_movements`",
        "The rows of a summary without balances, subtotals and totals: a plain `sum` is right.",
        "those of the table",
    )
    views = [(each.name, each.about, each.columns) for each in VIEWS]
    views += [(name, about, columns) for name, (about, columns, _) in OF_FILES.items()]
    rows = (
        (f"`{name}`", about, ", ".join(f"`{column}`" for column in columns)) for name, about, columns in views
    )
    return _table(("view", "what it has", "columns"), [movements, *rows])


def types() -> str:
    """The types of columns, and what each is stored as."""
    columns = [Column(each.value, each, "", local=each is ColumnType.TIMESTAMP) for each in ColumnType]
    rows = []
    for column in columns:
        usual, local = (arrow_type(column, zone) for zone in (None, "Europe/Berlin"))
        elsewhere = f"; `{local}` where `timezone` is set" if local != usual else ""
        rows.append((column.name, f"`{usual}`{elsewhere}"))
    return _table(("type", "in Arrow and Parquet"), rows)


#: Page and name of each table, and what makes it.
TABLES: Mapping[tuple[str, str], Callable[[], str]] = {
    ("README.md", "commands"): commands,
    ("connector/README.md", "exit-codes"): exit_codes,
    ("connector/README.md", "environment"): environment,
    ("connector/dataset/README.md", "types"): types,
    ("connector/sql/README.md", "views"): views,
    ("assets/README.md", "fields"): fields,
    ("assets/README.md", "checks"): checks,
    ("assets/README.md", "automation"): automation,
}
