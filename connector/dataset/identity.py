"""What a dataset is, so that nothing else is ever put into it.

A table that holds daily files must not receive a monthly one: every engine would add the month to its
days. So each table is pinned to one report configuration, and publishing anything else is refused.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self
from urllib.parse import quote, unquote

from connector.errors import ConfigurationError, DatasetMismatchError
from connector.partitions import KeyFormat

#: What stands in the path where a key's own account is read.
OWN_ACCOUNT = "default"

#: What the level of a dimension is called in paths. Not like a column of the files: pandas refuses to read a
#: table whose paths and files both have one of that name.
_LEVELS = {"connected_account": "connected"}

_TABLE = re.compile(r"[a-z][a-z0-9_]{0,127}")


@dataclass(frozen=True, slots=True)
class Dataset:
    """The identity of one table.

    Attributes:
        table: its name, e.g. `balance_summary`; lower case letters, digits, underscores.
        mode: `live`, `test` or `simulated`.
        account: the connected account acted for; None for the key's own.
        report_type: with version, e.g. `balance.summary.1`.
        window: `hourly`, `daily`, `weekly`, `monthly`, or `payout`.
        zone: the IANA zone whose calendar sets the bounds of the windows.
        filters: run parameters other than interval and columns, such as `currency` or `timezone`.
        dimensions: run parameters that distinguish partitions besides their period, such as
            `connected_account`: a level of directories each.
    """

    table: str
    mode: str
    account: str | None
    report_type: str
    window: str
    zone: str
    filters: Mapping[str, Any] = field(default_factory=dict)
    dimensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_table_name(self.table)

    @property
    def path(self) -> str:
        """The table's place below the root."""
        return f"{self.mode}/{self.table}"

    @property
    def pin_path(self) -> str:
        """Where the identity is written: not in the table, since some engines read all files inside it."""
        return f"{self.mode}/_datasets/{self.table}.json"

    @property
    def account_path(self) -> str:
        """Where its files are, all of one account."""
        return f"{self.path}/account={quote(self.account or OWN_ACCOUNT, safe='')}"

    @property
    def path_columns(self) -> tuple[str, ...]:
        """What engines read out of a file's path, in its order."""
        return ("account", *(_LEVELS[name] for name in self.dimensions), "period")

    @property
    def key_format(self) -> KeyFormat:
        """How keys of its partitions are made."""
        return KeyFormat(self.window, self.dimensions)

    def file_path(self, key: str) -> str:
        """The place of one partition's file below the root: hive-readable, sorted by period, and safe in
        any file system or bucket."""
        named = zip(self.path_columns[1:], self.key_format.values(key), strict=True)
        place = "/".join(f"{name}={quote(value, safe='')}" for name, value in named)
        return f"{self.account_path}/{place}/report.parquet"

    def key_of(self, path: str) -> str:
        """The key of the partition whose file is at `path`, as `file_path` made it."""
        levels = path.split("/")[-2 - len(self.dimensions) : -1]
        return self.key_format.key(*(unquote(level.partition("=")[2]) for level in levels))

    def to_json(self) -> str:
        """The pin as people may read it."""
        return json.dumps(asdict(self), indent=2, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Raises ValueError for anything `to_json` did not write."""
        try:
            identity = json.loads(text)
            return cls(**{**identity, "dimensions": tuple(identity.get("dimensions", ()))})
        except (TypeError, AttributeError, ConfigurationError) as error:
            raise ValueError(f"not a dataset's identity: {error}") from error


def check_table_name(name: str) -> None:
    """Raise ConfigurationError for what cannot be the name of a table."""
    if not _TABLE.fullmatch(name):
        raise ConfigurationError(
            f"table name {name[:80]!r}: use lower case letters, digits, underscores, a letter first"
        )


def refuse_mixture(found: Dataset, asked: Dataset) -> None:
    """Raise DatasetMismatchError where `asked` is another report configuration than the table's."""
    differing = [
        f"{name} is {_shown(was)} there and {_shown(now)} here"
        for name, was in asdict(found).items()
        if was != (now := asdict(asked)[name])
    ]
    if differing:
        stem, _, version = asked.report_type.rpartition(".")
        other_version = found.report_type != asked.report_type and found.report_type.startswith(f"{stem}.")
        upgrade = (
            f" `stripe-reports upgrade {asked.table} --to-version {version}` makes that version in a table "
            "of its own and compares the two."
            if other_version
            else ""
        )
        raise DatasetMismatchError(
            f"table {asked.table} holds data for a different report configuration: {'; '.join(differing)}. "
            "Mixing them would count money twice. Give this one a `name` of its own, or move the old table "
            "away."
            f"{upgrade}"
        )


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={item}" for name, item in sorted(value.items())) or "none"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return OWN_ACCOUNT if value is None else str(value)
