"""Where a file comes from: everything needed to trace a number back to a report run at Stripe.

It is written into the Parquet file itself, so that it can never be separated from the rows.
"""

import contextlib
import hashlib
import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from sys import intern
from typing import TYPE_CHECKING, Any, Self

from connector.api.json_fields import is_identifier
from connector.api.models import ReportRequest
from connector.dataset.change import Change
from connector.errors import ReportingError
from connector.money import EXACT, NARROW, WIDE
from connector.partitions import Interval
from connector.reserved import CONSTANTS

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

#: The key under which it stands in the Parquet file's metadata, as JSON.
METADATA_KEY = "stripe_report"

_MALFORMED = (KeyError, TypeError, AttributeError, ArithmeticError, RecursionError, ReportingError)

#: Larger exponents and more digits than any amount has; arithmetic with them would take all memory.
_LARGEST_EXPONENT = 100

#: Amounts as `to_json` writes them, with a space between each and the next.
_PLAIN = re.compile(r"-?\d{1,50}(?:\.\d{1,50})?(?: -?\d{1,50}(?:\.\d{1,50})?)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Provenance:
    """One partition's file: the request, the run that answered it, the bytes, and how they were converted.

    Times are aware UTC. `as_of` is when Stripe made the result file, which is what the data are as of;
    it can be before `run_created` where Stripe answered with an earlier run's file.

    Attributes:
        header: Stripe's names of the columns in the CSV, in its order.
        columns: the stored columns in order, and the Arrow type of each as text, without those of ours.
        money: how the file holds money, `NARROW` or `WIDE` of `connector.money`.
        announced_bytes: the size of the CSV that Stripe announced; None in a file that does not say.
        totals: sums of the report's amount column per currency, subtotals left out.
        sums: sums of all columns of numbers per currency, by line or reporting category; see
            `connector.convert.sums`.
        added_columns: were not asked for and are stored as text.
        withheld_columns: are not stored, since they may be personal data and were not asked for by name.
        books: in `simulated` mode, the identity of the simulator's books.
    """

    table: str
    period: str
    report_type: str
    parameters: Mapping[str, Any]
    interval: Interval | None
    mode: str
    account: str | None
    livemode: bool
    api_version: str
    run_id: str
    run_created: datetime
    run_succeeded: datetime | None
    file_id: str
    as_of: datetime
    csv_bytes: int
    csv_sha256: str
    rows: int
    decoder_version: int
    connector_version: str
    fetched_at: datetime
    header: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    totals: Mapping[str, Decimal] = field(default_factory=dict)
    sums: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    added_columns: tuple[str, ...] = ()
    withheld_columns: tuple[str, ...] = ()
    books: str | None = None
    request_ids: tuple[str, ...] = ()
    money: str = WIDE
    announced_bytes: int | None = None

    @property
    def request(self) -> ReportRequest:
        """What was asked, canonical."""
        return ReportRequest.of(self.report_type, self.parameters)

    @property
    def shape(self) -> str:
        """Equal for equal names and types of columns: the same bytes with other types are other data."""
        text = "\n".join(f"{name}: {kind}" for name, kind in self.columns.items())
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def data_version(self) -> str:
        """Equal for equal bytes read in the same way; what a re-run that changed nothing keeps."""
        text = f"{self.csv_sha256}:{self.decoder_version}:{self.shape}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def is_newer_than(self, other: "Provenance") -> bool:
        """Whether these data may replace those: made later, or the same file answered to a later run."""
        return (self.as_of, self.run_created, self.run_id) > (other.as_of, other.run_created, other.run_id)

    @property
    def metadata(self) -> dict[str, str]:
        """What is written into the file: what `to_json` says, but for what the file says already, which is
        the names and types of its columns, and the header, where that is what was asked for."""
        asked = self.request.columns
        rest = replace(self, columns={}, header=() if self.header == asked else self.header)
        return {METADATA_KEY: rest.to_json()}

    def to_json(self) -> str:
        """One JSON object without what goes without saying; `from_json` reads it back."""
        stated = {name: value for name, value in asdict(self).items() if _UNSAID.get(name, ...) != value}
        return json.dumps(_plain(stated), separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes, *, stored: Mapping[str, str] | None = None) -> Self:
        """What `to_json` wrote. Fields it does not know are ignored.

        Args:
            stored: the columns of the file that the text is in, which `metadata` does not say again.

        Raises ValueError for anything else.
        """
        try:
            payload: dict[str, Any] = json.loads(text)
            if "announced_bytes" not in payload:
                payload |= _announced_earlier(payload)
            said = {name: _READ[name](value) for name, value in payload.items() if name in _READ}
            # Whether the parameters are those of a request shows only when they are read as one.
            asked = ReportRequest.of(said["report_type"], said["parameters"])
            if stored is not None:
                said["columns"] = said.get("columns") or stored
                said["header"] = said.get("header") or asked.columns or ()
            return cls(**said)
        except _MALFORMED as error:
            raise ValueError(f"not a report's provenance: {error!r}") from error


#: What fields are where the JSON does not say.
_UNSAID = {
    each.name: each.default if each.default_factory is MISSING else each.default_factory()
    for each in fields(Provenance)
    if each.default is not MISSING or each.default_factory is not MISSING
}


def provenance_in(footer: "pq.FileMetaData", schema: "pa.Schema | None" = None) -> Provenance | None:
    """What a Parquet file's footer says of where it is from; None where it is not one of ours.

    Args:
        schema: its columns, where they were read already.
    """
    with contextlib.suppress(KeyError, ValueError, NotImplementedError):
        stated = (footer.metadata or {})[METADATA_KEY.encode()]
        return Provenance.from_json(stated, stored=_stored(schema or footer.schema.to_arrow_schema()))
    return None


#: The columns of files that were read lately: there are few kinds, however many files.
_kinds: "deque[tuple[pa.Schema, Mapping[str, str]]]" = deque(maxlen=8)


def _stored(schema: "pa.Schema") -> Mapping[str, str]:
    """The columns and their types as text, without those of ours."""
    for known, columns in tuple(_kinds):
        if known.equals(schema):
            return columns
    columns = {each.name: str(each.type) for each in schema if each.name not in CONSTANTS}
    _kinds.append((schema, columns))
    return columns


def _announced_earlier(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Files of earlier versions hold the whole report run as Stripe sent it."""
    result = _dict(payload.get("run", {})).get("result")
    return {} if result is None else {"announced_bytes": _dict(result).get("size")}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value.normalize(EXACT):f}"
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


# Reading it back. Each raises one of the errors that `from_json` expects.


def _exactly(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r:.80} is not a {kind.__name__}")
    return value


def _or_none(read: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else read(value)


def _mapping(read: Callable[[Any], Any], value: Any) -> dict[str, Any]:
    # The same names stand in every file of a table, and thousands of them may be held.
    return {intern(name): read(item) for name, item in _dict(value).items()}


_text, _flag, _dict = partial(_exactly, str), partial(_exactly, bool), partial(_exactly, dict)


def _run_id(value: Any) -> str:
    """Without one that can be looked up at Stripe, nobody can say whose the file is."""
    if not is_identifier(_text(value)):
        raise ValueError(f"{value!r:.80} is not an id Stripe would give")
    return str(value)


def _money(value: Any) -> str:
    if value not in (NARROW, WIDE):
        raise ValueError(f"{value!r:.80} is not a type that money is held in")
    return str(value)


def _count(value: Any) -> int:
    if _exactly(int, value) < 0:
        raise ValueError(f"{value} is negative")
    return int(value)


def _time(value: Any) -> datetime:
    found = datetime.fromisoformat(_text(value))
    if found.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return found if found.tzinfo is UTC else found.astimezone(UTC)


def _amount(value: Any) -> Decimal:
    found = Decimal(_text(value))
    if (
        not found.is_finite()
        or abs(found.adjusted()) > _LARGEST_EXPONENT
        or len(value) > 2 * _LARGEST_EXPONENT
    ):
        raise ValueError(f"{value:.80} is not an amount")
    return found


def _amounts(value: Any) -> dict[str, Decimal]:
    return _sums({"": value})[""]


def _sums(value: Any) -> dict[str, dict[str, Decimal]]:
    """Looks at all of them at once, as there are tens in a file, and at each where one looks odd."""
    found = {name: _dict(amounts) for name, amounts in _dict(value).items()}
    plain = _PLAIN.fullmatch(" ".join(text for amounts in found.values() for text in amounts.values()))
    read = Decimal if plain else _amount
    return {
        intern(name): {intern(currency): read(text) for currency, text in amounts.items()}
        for name, amounts in found.items()
    }


def _interval(value: Any) -> Interval:
    return Interval(_time(value["start"]), _time(value["end"]))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(each) for each in _exactly(list, value))


_READ: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("table", "period", "report_type", "mode", "api_version", "file_id"), _text),
    "run_id": _run_id,
    **dict.fromkeys(("csv_sha256", "connector_version"), _text),
    **dict.fromkeys(("csv_bytes", "rows", "decoder_version"), _count),
    **dict.fromkeys(("run_created", "as_of", "fetched_at"), _time),
    **dict.fromkeys(("header", "added_columns", "withheld_columns", "request_ids"), _texts),
    "parameters": _dict,
    "livemode": _flag,
    "money": _money,
    "account": partial(_or_none, _text),
    "books": partial(_or_none, _text),
    "announced_bytes": partial(_or_none, _count),
    "run_succeeded": partial(_or_none, _time),
    "interval": partial(_or_none, _interval),
    "columns": partial(_mapping, _text),
    "totals": _amounts,
    "sums": _sums,
}


@dataclass(frozen=True, slots=True)
class Published:
    """What is in the dataset after publishing.

    Attributes:
        uri: where the file is.
        provenance: what the dataset holds now: ours, or a newer one that was there before us.
        replaced: what was there before; None where there was nothing.
        outdated: a newer result was already there and stays; ours was put aside.
    """

    uri: str
    provenance: Provenance
    replaced: Provenance | None
    outdated: bool

    @property
    def change(self) -> Change | None:
        """What is different now; None where nothing was replaced."""
        if self.replaced is None or self.outdated:
            return None
        return Change.between(self.replaced, self.provenance)
