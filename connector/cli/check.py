"""`check`: whether the books in the files agree."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

import connector
from connector.api.models import Mode
from connector.cli.display.output import show
from connector.cli.options import json_option, root_option
from connector.dataset.identity import Dataset
from connector.errors import ConfigurationError
from connector.text import hint

if TYPE_CHECKING:
    from rich.table import Table

    from connector.checks import CheckOutcome

#: So many reasons are told for each check of a table; `--json` tells all.
_TOLD = 5

_CODES = """\b
Exit codes:
  0  every check passed; there may be warnings, and what nobody can decide
  1  a check failed that is more than a warning
  2  refused: usage, or there are no such files"""


@click.command(epilog=_CODES)
@click.argument("tables", nargs=-1, metavar="[TABLE]...")
@root_option
@click.option("--mode", help="live, test or simulated; needed when there are data of several.")
@json_option
def check(tables: tuple[str, ...], *, root: str, mode: str | None, as_json: bool) -> None:
    """See whether the files are whole and the books in them agree.

    Looks at the tables named, else at all of them, and compares each with every other that speaks of the same
    money. Reads files alone: no key, no call to Stripe.

    \b
    stripe-reports check balance_summary
    """
    from connector.checks.audit import audit  # noqa: PLC0415 - it loads DuckDB

    store = connector.Store(root)
    there = _of_one_mode(store.datasets(), mode, root)
    found = []
    for dataset in _named(tables, there):
        others = [each for each in there if each != dataset]
        try:
            for each in audit(store, dataset, others):
                found.append(each)
                if as_json:
                    click.echo(json.dumps(_as_json(each), ensure_ascii=False))
        except ConfigurationError as error:
            click.echo(f"Note: {dataset.table} was not checked: {error}", err=True)
    _conclude(found, as_json=as_json)


def _of_one_mode(datasets: Sequence[Dataset], mode: str | None, root: str) -> list[Dataset]:
    known = [each.value for each in Mode]
    if mode is not None and mode not in known:
        raise ConfigurationError(f"there is no mode {mode!r}; there are: {', '.join(known)}")
    modes = sorted({each.mode for each in datasets})
    if mode is None and len(modes) > 1:
        raise ConfigurationError(f"{root} holds data of {' and '.join(modes)}; choose one with --mode")
    found = [each for each in datasets if mode in {None, each.mode}]
    if not found:
        what = f"no {mode} data" if mode else "no data"
        raise ConfigurationError(f"{what} under {root}. `stripe-reports pull` puts some there.")
    return found


def _named(tables: Sequence[str], there: Sequence[Dataset]) -> list[Dataset]:
    names = [each.table for each in there]
    for table in tables:
        if table not in names:
            raise ConfigurationError(f"there is no table {table!r}{hint(table, names)}")
    return [each for each in there if not tables or each.table in tables]


def _conclude(found: "Sequence[CheckOutcome]", *, as_json: bool) -> None:
    counts = Counter(_word(each) for each in found)
    code = 1 if counts["failed"] else 0
    if as_json:
        words = ("passed", "failed", "warning", "inconclusive")
        summary = {"type": "summary", **{word: counts[word] for word in words}, "exit_code": code}
        click.echo(json.dumps(summary))
    else:
        show(_table(found))
        click.echo("\n".join(_reasons(found)) or f"All {len(found):,} checks passed.")
    sys.exit(code)


def _word(audited: "CheckOutcome") -> str:
    """The result; a failure that is worth a look and no more is a warning."""
    from connector.checks import CheckResult, Severity  # noqa: PLC0415

    if audited.finding.result is CheckResult.FAILED and audited.check.severity is Severity.WARN:
        return "warning"
    return audited.finding.result.value


def _table(found: "Iterable[CheckOutcome]") -> "Table":
    """One row for each check of a table, with the number of partitions by result."""
    from rich.table import Table  # noqa: PLC0415 - not needed for JSON
    from rich.text import Text  # noqa: PLC0415

    table = Table(header_style="bold")
    for name in ("table", "check"):
        table.add_column(name, overflow="fold")
    words = ("passed", "failed", "warning", "inconclusive")
    for name in words:
        table.add_column(name, justify="right")
    counts: dict[tuple[str, str], Counter[str]] = {}
    for each in found:
        counts.setdefault((each.table, each.check.name), Counter())[_word(each)] += 1
    colours = {"failed": "bold red", "warning": "yellow", "inconclusive": "yellow"}
    for (name, asked), numbers in counts.items():
        cells = (Text(f"{numbers[word] or ''}", style=colours.get(word, "")) for word in words)
        table.add_row(Text(name), Text(asked), *cells)
    return table


def _reasons(found: "Iterable[CheckOutcome]") -> list[str]:
    """Why checks did not pass: the first few partitions of each, and how many more there are."""
    lines: list[str] = []
    told: Counter[tuple[str, str]] = Counter()
    for each in found:
        if _word(each) != "passed":
            told[each.table, each.check.name] += 1
            if told[each.table, each.check.name] <= _TOLD:
                lines.append(
                    f"{_word(each)}: {each.table} {each.partition}, {each.check.name}: {each.finding.reason}"
                )
    more = [
        f"and {number - _TOLD:,} more of {name}, {asked}"
        for (name, asked), number in told.items()
        if number > _TOLD
    ]
    return [*lines, *more]


def _as_json(audited: "CheckOutcome") -> dict[str, object]:
    return {
        "type": "finding",
        "table": audited.table,
        "partition": audited.partition,
        "check": audited.check.name,
        "severity": audited.check.severity.value,
        "other": audited.check.other,
        "result": audited.finding.result.value,
        "reason": audited.finding.reason,
        "wrong": audited.finding.wrong,
        "examples": [dict(each) for each in audited.finding.examples],
    }
