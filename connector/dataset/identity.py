"""What a dataset is, so that nothing else is ever put into it.

A table that holds daily files must not receive a monthly one: every engine would add the month to its
days. So each table is pinned to one report configuration, and publishing anything else is refused.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self
from urllib.parse import quote, unquote

from connector.clock import is_utc
from connector.errors import ConfigurationError, DatasetMismatchError
from connector.money import NARROW, WIDE
from connector.partitions import ACTING_FOR, BY_PAYOUT, CONNECTED_ACCOUNT, KeyFormat

#: What stands in the path where a key's own account is read.
OWN_ACCOUNT = "default"

#: What the level of a dimension is called in paths. Not like a column of the files: pandas refuses to read a
#: table whose paths and files both have one of that name.
_LEVELS = {CONNECTED_ACCOUNT: "connected"}

#: The format of tables: raised when files or pins are written otherwise than earlier versions read them.
FORMAT = 2

#: What a pin says of a table besides its identity.
_BESIDE = {"format", "books", "money", "widening"}

_MALFORMED = (KeyError, TypeError, AttributeError, RecursionError)

_TABLE = re.compile(r"[a-z][a-z0-9_]{0,127}")


@dataclass(frozen=True, slots=True)
class Dataset:
    """The identity of one table.

    Attributes:
        table: its name, e.g. `balance_summary`; lower case letters, digits, underscores.
        mode: `live`, `test` or `simulated`.
        account: the account acted for in the whole table; None for the key's own.
        report_type: with version, e.g. `balance.summary.1`.
        window: `hourly`, `daily`, `weekly`, `monthly`, or `payout`.
        zone: the IANA zone whose calendar sets the bounds of the windows; `UTC` for all names of UTC.
        filters: run parameters other than interval and columns, such as `currency` or `timezone`.
        dimensions: what distinguishes partitions besides their period, a level of directories each:
            `connected_account`, a run parameter; or `account`, the account that is acted for.
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
        object.__setattr__(self, "zone", "UTC" if is_utc(self.zone) else self.zone)
        object.__setattr__(self, "filters", _canonical(self.filters))
        object.__setattr__(self, "dimensions", tuple(self.dimensions))

    @property
    def path(self) -> str:
        """The table's place below the root."""
        return f"{self.mode}/{self.table}"

    @property
    def pin_path(self) -> str:
        """Where the identity is written: not in the table, since some engines read all files inside it."""
        return f"{self.mode}/_datasets/{self.table}.json"

    @property
    def files_path(self) -> str:
        """Below which its files are, as deep as there are dimensions, and the period."""
        if self.acting:
            return self.path
        return f"{self.path}/account={quote(self.account or OWN_ACCOUNT, safe='')}"

    def account_of(self, key: str) -> str | None:
        """The account in whose name a partition is asked for; None for the key's own."""
        return self.key_format.values(key)[0] if self.acting else self.account

    @property
    def acting(self) -> bool:
        """Whether each partition is asked for in the name of an account of its own."""
        return ACTING_FOR in self.dimensions

    @property
    def path_columns(self) -> tuple[str, ...]:
        """What engines read out of a file's path, in its order."""
        return ("account", *(_LEVELS[each] for each in self.dimensions if each != ACTING_FOR), "period")

    @property
    def key_format(self) -> KeyFormat:
        """How keys of its partitions are made."""
        return KeyFormat(self.window, self.dimensions)

    def file_path(self, key: str) -> str:
        """The place of one partition's file below the root: hive-readable, sorted by period, and safe in
        any file system or bucket."""
        values = self.key_format.values(key)
        named = zip(self.path_columns[-len(values) :], values, strict=True)
        place = "/".join(f"{name}={quote(value, safe='')}" for name, value in named)
        return f"{self.files_path}/{place}/report.parquet"

    def dimension_values(self, keys: Iterable[str]) -> tuple[str, ...]:
        """The values of the first dimension that these partitions have, sorted; none where there is none."""
        if not self.dimensions:
            return ()
        return tuple(sorted({self.key_format.values(key)[0] for key in keys}))

    def superseded_path(self, key: str) -> str:
        """The directory of the files that the file of a partition has replaced."""
        return f".superseded/{self.file_path(key).rpartition('/')[0]}"

    def key_of(self, path: str) -> str:
        """The key of the partition whose file is at `path`, as `file_path` made it."""
        levels = path.split("/")[-2 - len(self.dimensions) : -1]
        return self.key_format.key(*(unquote(level.partition("=")[2]) for level in levels))

    def to_json(self, *, books: str | None = None, money: str = WIDE, widening: bool = False) -> str:
        """The pin, as people may read it.

        Args:
            books: in `simulated` mode, the identity of the simulator's books.
            money: how the files hold money, `NARROW` or `WIDE` of `connector.money`. Pins of earlier versions
                do not say, and then it is wide.
            widening: the files are being rewritten, from narrow to wide.
        """
        pin = asdict(self) | {"format": FORMAT} | ({"books": books} if books else {})
        pin |= ({} if money == WIDE else {"money": money}) | ({"widening": True} if widening else {})
        return json.dumps(pin, indent=2, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes, *, widening: bool = False) -> Self:
        """The identity in a pin.

        Args:
            widening: also where the files are being rewritten.

        Raises:
            ValueError: this is not a pin, or a damaged one.
            DatasetMismatchError: it was written by an earlier or a later version of this connector, whose
                tables this one does not write to; or the files are being rewritten.
        """
        try:
            pin: dict[str, Any] = json.loads(text)
            names = {each.name for each in fields(cls)}
            _refuse_mistyped(pin)
            found = cls(**{name: value for name, value in pin.items() if name in names})
        except (*_MALFORMED, ConfigurationError) as error:
            raise ValueError(f"not a dataset's identity: {error}") from error
        _refuse_other_format(found, pin.get("format", 1), pin.keys() - names - _BESIDE)
        if pin.get("widening") and not widening:
            raise DatasetMismatchError(
                f"the files of table {found.table} are being rewritten with money as {WIDE}. Where that is "
                f"not under way, `stripe-reports upgrade {found.table} --wide` goes on with it"
            )
        return found


def beside_identity(pin: str | bytes) -> tuple[str | None, str, bool]:
    """What a pin that `Dataset.from_json` reads says besides: the identity of the simulator's books, None in
    other modes; how the files hold money; whether they are being rewritten."""
    found = json.loads(pin)
    books = found.get("books")
    return None if books is None else str(books), str(found.get("money", WIDE)), bool(found.get("widening"))


def _refuse_other_format(found: Dataset, format_: Any, unknown: Set[str]) -> None:
    if unknown or (isinstance(format_, int) and format_ > FORMAT):
        what = f"field {', '.join(sorted(unknown))}" if unknown else f"format {format_}"
        raise DatasetMismatchError(
            f"the pin of table {found.table} has {what}, which this version does not know: the table was "
            "written by a newer version of the connector. Upgrade the connector here, or use a new root."
        )
    if format_ != FORMAT:
        raise DatasetMismatchError(
            f"table {found.table} was written by an earlier version of the connector, whose files have "
            "neither `_date` nor a record of their columns. Use a new root: set STRIPE_REPORTS_ROOT or "
            "--root to another place and pull again."
        )


def _refuse_mistyped(pin: Mapping[str, Any]) -> None:
    texts = [pin["table"], pin["mode"], pin["report_type"], pin["window"], pin["zone"]]
    texts += [*pin.get("dimensions", ()), *([] if pin["account"] is None else [pin["account"]])]
    if not all(isinstance(each, str) for each in texts):
        raise TypeError("a name in it is not a text")
    if pin.get("money", WIDE) not in (NARROW, WIDE):
        raise TypeError("it holds money in a type that is not known")


def _canonical(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Filters as they are compared: lists are tuples, and UTC is the default."""
    return {
        name: _frozen(value)
        for name, value in filters.items()
        if not (name == "timezone" and (value is None or is_utc(str(value))))
    }


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


def check_table_name(name: str) -> None:
    """Raise ConfigurationError for what cannot be the name of a table."""
    if not _TABLE.fullmatch(name):
        raise ConfigurationError(
            f"table name {name[:80]!r}: use lower case letters, digits, underscores, a letter first"
        )


def cut_otherwise(dataset: Dataset) -> Iterator[Dataset]:
    """The same table with partitions by other accounts, or by none: its files lie at other places."""
    for dimensions in ((), (CONNECTED_ACCOUNT,), (ACTING_FOR,)):
        if dimensions != dataset.dimensions and dataset.window != BY_PAYOUT:
            account = None if dimensions == (ACTING_FOR,) else dataset.account
            yield replace(dataset, dimensions=dimensions, account=account)


def refuse_mixture(found: Dataset, asked: Dataset, *, empty: str | None = None) -> None:
    """Raise DatasetMismatchError where `asked` is another report configuration than the table's.

    Args:
        empty: where its pin is, of a table without files.
    """
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
        if empty:
            raise DatasetMismatchError(
                f"table {asked.table} has no files, and its pin is of a different report configuration: "
                f"{'; '.join(differing)}. Give this one a `name` of its own, or remove {empty}."
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
