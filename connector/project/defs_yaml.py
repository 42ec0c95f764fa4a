"""The file format of `defs.yaml`, as far as it is needed without Dagster: written, found, and read.

The key never stands in the file: it names the environment variable that holds it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from connector.catalogue import ReportSpec
from connector.errors import ConfigurationError
from connector.partitions import Windows
from connector.settings import API_KEY
from connector.text import hide_secrets

#: The component that reads the file.
COMPONENT = "assets.StripeReportsComponent"
_NAME = COMPONENT.rpartition(".")[2]

#: Where Dagster projects keep their components.
_PLACES = ("defs/**/defs.yaml", "*/defs/**/defs.yaml", "src/*/defs/**/defs.yaml")

#: More than any configuration has, and little to read.
_MOST_VALUES = 100_000

#: How the ids of the reports begin that assets of analytics are made of.
_ANALYSED = ("balance.summary", "balance_change_from_activity.")

_HEAD = """\
# Which reports are pulled, and how they are partitioned by time.
# The key stays in the environment: each run reads it from {variable}.
# The README of the package `assets` describes every field.
"""


@dataclass(frozen=True, slots=True)
class DefsYaml:
    """What a new `defs.yaml` says.

    Attributes:
        specs: the reports, in the order of the file.
        starts: the day each report's first window begins on, by its id.
        windows: how time is partitioned, the same for all.
        key_variable: the environment variable that holds the key.
        root, account: None where the environment decides.
        component: the component that reads the file; a subclass of ours has a name of its own.
        resource_key: None for the usual one.
        names: the tables' names by report id, where they are not the reports' own.
    """

    specs: tuple[ReportSpec, ...]
    starts: Mapping[str, date]
    windows: Windows
    key_variable: str = API_KEY
    root: str | None = None
    account: str | None = None
    component: str = COMPONENT
    resource_key: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """The file. What all reports have in common stands once; a report that begins later says so."""
        common = min(self.starts.values())
        connection = {"api_key": _reference(self.key_variable), "account": self.account, "root": self.root}
        starts = {id: {} if start == common else {"start": start} for id, start in self.starts.items()}
        names = {id: {"name": self.names[id]} if id in self.names else {} for id in self.starts}
        content = {
            "type": self.component,
            "attributes": {
                **({"resource_key": self.resource_key} if self.resource_key else {}),
                "connection": {name: value for name, value in connection.items() if value},
                "defaults": {"start": common, "window": self.windows.unit, "zone": self.windows.zone},
                "reports": [{"report": spec.id, **names[spec.id], **starts[spec.id]} for spec in self.specs],
                **({"analytics": True} if self._feeds_analytics else {}),
            },
        }
        written = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000)
        return f"{_HEAD.format(variable=self.key_variable)}{written}"

    @property
    def _feeds_analytics(self) -> bool:
        """Whether these are all the reports that assets of analytics are made of."""
        families = [spec.id.rpartition(".")[0] for spec in self.specs]
        return all(any(each.startswith(needed) for each in families) for needed in _ANALYSED)


class DefsFile:
    """A `defs.yaml` that is there.

    Attributes:
        path: the file.
        text: its content.
        attributes: what stands under `attributes:` of each of our components in it.

    Raises OSError, ValueError or yaml.YAMLError where it cannot be read: also for a field that stands twice,
    of which YAML readers drop the first without a word, for a key, and for aliases that stand for too much.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        refuse_slips(self.text)
        ours = filter(_is_ours, yaml.safe_load_all(self.text))
        self.attributes = tuple(_mapping(each.get("attributes")) for each in ours)

    def reports(self) -> Iterator[Mapping[str, Any]]:
        """The fields of each report, those of `defaults` among them, and what it is `connection` to;
        `start` is a day or None."""
        for attributes, connection in zip(self.attributes, self.connections, strict=True):
            defaults = _mapping(attributes.get("defaults"))
            for each in attributes.get("reports") or ():
                if isinstance(each, dict) and isinstance(each.get("report"), str):
                    fields = {**defaults, **each}
                    yield {**fields, "start": _day(fields.get("start")), "connection": connection}

    @property
    def connections(self) -> Sequence[Mapping[str, Any]]:
        """What stands under `connection:` of each of our components; empty where nothing does."""
        return [_mapping(each.get("connection")) for each in self.attributes]

    def takes_key_from(self, variable: str) -> bool:
        """Whether the key comes from that variable everywhere in the file."""
        named = (each.get("api_key") for each in self.connections)
        expected = "".join(_reference(variable).split())
        return all(value is None or "".join(str(value).split()) == expected for value in named)

    def lines_naming(self, reports: Collection[str]) -> list[tuple[int, str]]:
        """The lines of `report:` fields with one of these values, and their numbers from 1."""
        lines = self.text.splitlines()
        numbers = (
            value.start_mark.line
            for document in yaml.compose_all(self.text, Loader=yaml.SafeLoader)
            for name, value in _scalars(document)
            if name == "report" and value.value in reports
        )
        return [(number + 1, lines[number].strip()) for number in numbers]


def found_files(directory: Path) -> tuple[Sequence[DefsFile], Mapping[Path, str]]:
    """The files of a Dagster project in `directory` that configure our component, and those that cannot be
    read, with the reason."""
    files: list[DefsFile] = []
    unreadable: dict[Path, str] = {}
    for path in sorted({path for place in _PLACES for path in directory.glob(place)}):
        try:
            file = DefsFile(path)
        except (OSError, ValueError, yaml.YAMLError) as error:
            unreadable[path] = " ".join(str(error).split())
        else:
            files += [file] if file.attributes else []
    return files, unreadable


def seems_ours(path: Path) -> bool:
    """Whether a file that cannot be read names our component."""
    try:
        return _NAME.encode() in path.read_bytes()
    except OSError:
        return False


def refuse_unreadable(directory: Path) -> None:
    """Raises ConfigurationError naming the first `defs.yaml` in `directory` that cannot be used, and why."""
    for path in sorted(directory.rglob("defs.yaml")):
        try:
            DefsFile(path)
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise ConfigurationError(f"{path}: {' '.join(str(error).split())}") from None


def refuse_slips(text: str) -> None:
    """Raises ValueError for what YAML readers pass over or should not read: see `DefsFile`."""
    try:
        for document in yaml.compose_all(text, Loader=yaml.SafeLoader):
            if document is not None:
                _count(document, {})
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _count(node: yaml.Node, counted: dict[int, int]) -> int:
    """How many values a node stands for, with its aliases written out.

    Args:
        counted: the numbers of the nodes that were met before, by id; an alias is the node it names.

    Raises ValueError for a field that stands twice, for a secret, and for more values than any configuration
    has.
    """
    if id(node) in counted:
        return counted[id(node)]
    # Until it is known: an alias within what it names never ends.
    counted[id(node)] = _MOST_VALUES
    number = 1
    if isinstance(node, yaml.MappingNode):
        _refuse_doubled(node)
        number += sum(_count(each, counted) for pair in node.value for each in pair)
    elif isinstance(node, yaml.SequenceNode):
        number += sum(_count(each, counted) for each in node.value)
    elif hide_secrets(node.value) != node.value:
        raise ValueError(
            f"line {node.start_mark.line + 1} holds an API key, or the password of a URL. Keep it in an "
            f"environment variable, and write {_reference(API_KEY)} with the variable's name. Roll a key "
            "that others may have seen"
        )
    if number > _MOST_VALUES:
        raise ValueError(
            f"line {node.start_mark.line + 1}: its aliases stand for more than {_MOST_VALUES:,} values; "
            "write out what is meant"
        )
    counted[id(node)] = number
    return number


def _refuse_doubled(node: yaml.MappingNode) -> None:
    lines: dict[str, int] = {}
    for name, _ in node.value:
        if isinstance(name, yaml.ScalarNode) and name.value != "<<":
            line = name.start_mark.line + 1
            if name.value in lines:
                raise ValueError(
                    f"{name.value!r} stands twice, in line {lines[name.value]} and in line {line}; "
                    "keep one of them, or join the two"
                )
            lines[name.value] = line


def _mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def _reference(variable: str) -> str:
    return f"{{{{ env.{variable} }}}}"


def _is_ours(document: Any) -> bool:
    return str(_mapping(document).get("type", "")).rpartition(".")[2] == _NAME


def _day(value: Any) -> date | None:
    day = value.date() if isinstance(value, datetime) else value
    return day if isinstance(day, date) else None


def _scalars(node: yaml.Node | None) -> Iterator[tuple[str, yaml.ScalarNode]]:
    """Every field below a node whose value is a scalar, by name."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if isinstance(value, yaml.ScalarNode):
                yield name.value, value
            else:
                yield from _scalars(value)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _scalars(each)
