"""Where text leaves the program, found by walking its source: python -m tests.shown prints the list.

Text leaves on a terminal, in logs and warnings, in what Dagster shows, and in files that are not data. Each
such call is in a door, or its text is a literal or what a door gives.
"""

import ast
import inspect
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from assets.automation.alerts import Alert

ROOT = Path(__file__).parent.parent

#: The doors: everything printed, the loggers of modules, the log on standard error, and Dagster.
TERMINAL, LOGGERS, LOG, DAGSTER = (
    *("connector/terminal/", "connector/text.py", "connector/cli/display/output.py", "assets/shown.py"),
)

#: What prints, by the names it is called by.
PRINTS = {
    *("print", "input", "click.echo", "click.secho", "click.style", "click.echo_via_pager", "click.pause"),
    *("rich.print", "print_json", "Console", "Table", "os.write", "traceback.print_exc"),
}
DOOR_PRINTS = {"echo", "echo_json", "show", "Shown", "table"}
PROMPTS = {"click.prompt", "click.confirm"}

STREAMS = {"sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"}

#: What may be done with a standard stream elsewhere: nothing that writes.
_LOOKS = {"isatty", "read", "flush"}

LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "log"}
HANDLERS = {"logging.StreamHandler", "logging.FileHandler", "logging.basicConfig", "logging.lastResort"}

#: Parameters of Dagster's by which it is given text, and metadata.
TEXTS = {"description", "skip_reason", "skip_message", "text"}
METADATA = {"metadata"}

#: What metadata are made of, which `shown_metadata` goes through.
PARTS = {"TableColumn", "TableRecord", "TableSchema", "TableConstraints", "MetadataValue"}

#: Files that are not data, by the module that writes them.
WRITES = {"write_text", "write_bytes", "open_output_stream", "write_table", "ParquetWriter", "copyfile"}
FILES = {
    "assets/config/scaffolding.py": "defs.yaml, as YAML escapes",
    "assets/demo/__main__.py": "a picture, whose texts are escaped where it is drawn",
    "assets/dev.py": "dagster.yaml, as it is in the package",
    "connector/cli/init.py": "defs.yaml, as YAML escapes",
    "connector/convert/parquet.py": "Parquet",
    "connector/dataset/widening.py": "Parquet",
    "connector/dataset/filesystem/directory.py": "Parquet, and pins as JSON",
    "connector/simulator/": "CSV",
}


@dataclass(frozen=True, slots=True)
class Exit:
    """A call by which text leaves.

    Attributes:
        kind: by which way.
        passes: it is in a door, or is given what a door made, or a literal.
    """

    place: str
    line: int
    call: str
    kind: str
    passes: bool

    def __str__(self) -> str:
        return f"{self.place}:{self.line} {self.call}"


def exits() -> Iterator[Exit]:
    """All of them, in the order of the source."""
    for package in ("assets", "connector"):
        for module in sorted((ROOT / package).rglob("*.py")):
            yield from exits_in(module.relative_to(ROOT).as_posix(), module.read_text(encoding="utf-8"))


def exits_in(place: str, source: str) -> Iterator[Exit]:
    """Those of one module."""
    nodes = list(ast.walk(ast.parse(source)))
    looked = {id(each.value) for each in nodes if isinstance(each, ast.Attribute) and each.attr in _LOOKS}
    for node in nodes:
        match node:
            case ast.Call():
                found = _of_call(place, node)
            case ast.Attribute() if ast.unparse(node) in STREAMS and id(node) not in looked:
                found = iter([("terminal", place.startswith(TERMINAL))])
            case ast.ImportFrom() if not place.startswith(TERMINAL):
                found = _of_import(node)
            case _:
                continue
        for kind, passes in found:
            name = ast.unparse(node.func if isinstance(node, ast.Call) else node)
            yield Exit(place, node.lineno, name, kind, passes)


def _of_import(node: ast.ImportFrom) -> Iterator[tuple[str, bool]]:
    """Under a name of its own the walk would not know it again."""
    module = node.module or ""
    for each in node.names:
        if f"{module}.{each.name}" in PRINTS | PROMPTS | STREAMS | HANDLERS | {"logging.getLogger"}:
            yield "terminal", False
        elif module.split(".")[0] == "dagster" and _shows(getattr(dg, each.name, None)):
            yield "Dagster", False


def _of_call(place: str, call: ast.Call) -> Iterator[tuple[str, bool]]:
    name = ast.unparse(call.func)
    last = name.rpartition(".")[2]
    first = call.args[0] if call.args else None
    if name in PRINTS | DOOR_PRINTS:
        yield "terminal", name in DOOR_PRINTS or place.startswith(TERMINAL)
    elif last == "Progress":
        yield "terminal", any(each.arg == "console" for each in call.keywords)
    elif name in PROMPTS:
        yield "terminal", _made_by({"visible"}, first)
    elif name == "sys.exit":
        # A text would be printed.
        yield from [("terminal", False)] if isinstance(first, ast.JoinedStr) or _is_text(first) else []
    elif name in HANDLERS:
        yield "log", place == LOG
    elif name == "logging.getLogger":
        # The package's own logger is for handlers: nothing is logged by it.
        yield "log", place == LOGGERS or (isinstance(first, ast.Constant) and first.value == "connector")
    elif last in LEVELS and isinstance(call.func, ast.Attribute):
        yield from _of_log(place, ast.unparse(call.func.value), call)
    elif name == "warnings.warn":
        yield "log", _made_by({"shown", "visible"}, first)
    elif last in WRITES:
        yield "file", any(place.startswith(each) for each in FILES)
    elif last.startswith("report_") and name.endswith(f"instance.{last}"):
        yield "log", _made_by({"shown"}, *call.args)
    elif place.startswith("assets/") and place != DAGSTER:
        yield from (("Dagster", _given(value, parameter)) for parameter, value in _shown_by(name, call))


def _of_log(place: str, logger: str, call: ast.Call) -> Iterator[tuple[str, bool]]:
    level = ast.unparse(call.func).endswith(".log")
    if logger == "_log":
        # By the rule above, it is from `get_logger`.
        yield "log", True
    elif logger.endswith(("log", "logger", "logging")):
        yield "log", _made_by({"shown"}, *call.args[1 if level else 0 :])


def _shown_by(name: str, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """What a call gives Dagster to show: the parameter, and the expression."""
    if name.endswith("_metadata") and "." in name:
        yield from (("metadata", each) for each in call.args[:1])
    given = _callable(name)
    if not _shows(given):
        return
    names = list(inspect.signature(given).parameters)
    yield from (
        (each, value) for each, value in zip(names, call.args, strict=False) if each in TEXTS | METADATA
    )
    for keyword in call.keywords:
        # What is given as `**options` may be anything.
        if keyword.arg is None or keyword.arg in TEXTS | METADATA:
            yield keyword.arg or "", keyword.value


@cache
def _callable(name: str) -> Any:
    if name == Alert.__name__:
        return Alert
    found: Any = None
    if name.startswith("dg.") and name.split(".")[1] not in PARTS:
        found = dg
        for each in name.split(".")[1:]:
            found = getattr(found, each, None)
    return found


def _shows(given: Any) -> bool:
    try:
        return callable(given) and not {*inspect.signature(given).parameters}.isdisjoint(TEXTS | METADATA)
    except ValueError:
        return False


def _given(value: ast.expr, parameter: str) -> bool:
    if parameter in METADATA:
        return _made_by({"shown_metadata"}, value)
    return parameter in TEXTS and _made_by({"shown"}, value)


def _made_by(doors: set[str], *values: ast.expr | None) -> bool:
    """Whether each is a literal, or given by one of the doors."""
    return all(_one_made_by(doors, each) for each in values)


def _one_made_by(doors: set[str], value: ast.expr | None) -> bool:
    match value:
        case None | ast.Constant():
            return True
        case ast.IfExp():
            return _made_by(doors, value.body, value.orelse)
        case ast.Dict():
            return _made_by(doors, *value.values)
        case ast.Call():
            return ast.unparse(value.func) in doors
    return False


def _is_text(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _count(found: Mapping[str, int]) -> str:
    return ", ".join(f"{number} by {kind}" for kind, number in sorted(found.items()))


if __name__ == "__main__":
    every = list(exits())
    for each in every:
        print(f"{each.kind:9}{'' if each.passes else 'PASSES NO DOOR '}{each}")
    print(f"{len(every)} in all: {_count(Counter(each.kind for each in every))}")
