"""`check`: whether the stored files are whole and the amounts in them agree."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from connector.cli.completion import complete_stored_table
from connector.cli.options import (
    FILES_ENVIRONMENT,
    json_option,
    lists_here,
    mode_option,
    root_option,
    tables_named,
    tables_of_mode,
)
from connector.errors import ConfigurationError
from connector.settings import Connection
from connector.terminal.lines import echo, echo_json
from connector.terminal.progress import following
from connector.terminal.tables import show, table

if TYPE_CHECKING:
    from connector.checks import CheckOutcome
    from connector.terminal.console import DisplayTable

#: How many reasons are printed for each check of a table; `--json` prints all.
_SHOWN = 5

_WORDS = ("passed", "failed", "warning", "inconclusive")
_COLOURS = {"failed": "bold red", "warning": "yellow", "inconclusive": "yellow"}

_CODES = """\b
Exit codes:
  0  no check failed; there may be warnings and inconclusive ones
  1  a check failed
  2  refused: usage, or there are no such files"""


@click.command(epilog=f"{FILES_ENVIRONMENT}\n\n{_CODES}")
@click.argument("tables", nargs=-1, metavar="[TABLE]...", shell_complete=complete_stored_table)
@root_option
@mode_option
@json_option
def check(tables: tuple[str, ...], *, connection: Connection, mode: str | None, as_json: bool) -> None:
    """Check that the stored files are whole and their amounts agree.

    Checks the tables named, else all of them, and compares each with every other that reports the same
    amounts. Reads files only: it needs no key and does not call Stripe.

    \b
    stripe-reports check
    stripe-reports check balance_summary --json
    """
    from connector.checks.audit import audit  # noqa: PLC0415 - it loads DuckDB

    store, lists = connection.store(), lists_here()
    for path, reason in store.unusable_tables().items():
        echo(f"Note: {path} was not checked: {reason}", err=True)
    there = tables_of_mode(store.datasets(), mode, store.root)
    found = []
    for dataset in tables_named(tables, there):
        others = [each for each in there if each != dataset]
        try:
            keys = partial(store.keys, dataset)
            with following(dataset.table, keys, wanted=not as_json) as follow:
                for each in audit(store, dataset, others, lists):
                    found.append(each)
                    follow(each.partition)
                    if as_json:
                        echo_json(_as_json(each))
        except ConfigurationError as error:
            echo(f"Note: {dataset.table} was not checked: {error}", err=True)
    _conclude(found, as_json=as_json)


def _conclude(found: "Sequence[CheckOutcome]", *, as_json: bool) -> None:
    counts = Counter(_word(each) for each in found)
    code = 1 if counts["failed"] else 0
    if as_json:
        summary = {"type": "summary", **{word: counts[word] for word in _WORDS}, "exit_code": code}
        echo_json(summary)
    else:
        show(*_counted(found))
        echo("\n".join(_reasons(found)) or f"All {len(found):,} checks passed.")
    sys.exit(code)


def _word(outcome: "CheckOutcome") -> str:
    """The result; a failure that is only a warning is called one."""
    from connector.checks import CheckResult, Severity  # noqa: PLC0415

    result = outcome.finding.result
    if result is CheckResult.FAILED and outcome.check.severity is Severity.WARN:
        return "warning"
    return result.value


def _counted(found: "Iterable[CheckOutcome]") -> "Iterator[DisplayTable]":
    """For each table of the dataset, the number of partitions by check and result."""
    from rich.text import Text  # noqa: PLC0415 - not needed for JSON

    counts: dict[str, dict[str, Counter[str]]] = {}
    for each in found:
        counts.setdefault(each.table, {}).setdefault(each.check.name, Counter())[_word(each)] += 1
    for name, checks in counts.items():
        shown = table("check", *_WORDS, title=name, numbers=_WORDS, whole=["check"])
        for check_name, numbers in checks.items():
            cells = (Text(f"{numbers[word] or ''}", style=_COLOURS.get(word, "")) for word in _WORDS)
            shown.add_row(Text(check_name), *cells)
        yield shown


def _reasons(found: "Iterable[CheckOutcome]") -> list[str]:
    """Why checks did not pass: the first few partitions of each, and how many more there are."""
    lines: list[str] = []
    counts: Counter[tuple[str, str]] = Counter()
    for each in found:
        if _word(each) != "passed":
            counts[each.table, each.check.name] += 1
            if counts[each.table, each.check.name] <= _SHOWN:
                lines.append(
                    f"{_word(each)}: {each.table} {each.partition}, {each.check.name}: {each.finding.reason}"
                )
    more = [
        f"and {number - _SHOWN:,} more of {name}, {check_name}"
        for (name, check_name), number in counts.items()
        if number > _SHOWN
    ]
    return [*lines, *more]


def _as_json(outcome: "CheckOutcome") -> dict[str, object]:
    return {
        "type": "finding",
        "table": outcome.table,
        "partition": outcome.partition,
        "check": outcome.check.name,
        "severity": outcome.check.severity.value,
        "other": outcome.check.other,
        "result": outcome.finding.result.value,
        "reason": outcome.finding.reason,
        "wrong": outcome.finding.wrong,
        "examples": [dict(each) for each in outcome.finding.examples],
    }
