"""Where a file comes from: everything needed to trace a number back to a report run at Stripe.

It is written into the Parquet file itself, so that it can never be separated from the rows.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self

import pyarrow as pa

from connector.api.models import ReportRequest
from connector.money import differences
from connector.partitions import Interval

#: The key under which it stands in the Parquet file's metadata, as JSON.
METADATA_KEY = "stripe_report"


@dataclass(frozen=True, slots=True)
class Provenance:
    """One partition's file: the request, the run that answered it, the bytes, and how they were converted.

    Times are aware UTC. `as_of` is when Stripe made the result file, which is what the data are as of;
    it can be before `run_created` where Stripe answered with an earlier run's file. `totals` are sums of
    the report's amount column per currency, subtotals left out. `run` is Stripe's report run object as it
    came, with every field. `added_columns` were not asked for and are stored as text; `withheld_columns`
    are not stored, since they may be personal data and were not asked for by name. `shape` differs between
    files whose columns have other names or types; it is empty in files from before it was recorded.
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
    totals: Mapping[str, Decimal] = field(default_factory=dict)
    added_columns: tuple[str, ...] = ()
    withheld_columns: tuple[str, ...] = ()
    shape: str = ""
    request_ids: tuple[str, ...] = ()
    run: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def request(self) -> ReportRequest:
        """What was asked, canonical."""
        return ReportRequest.of(self.report_type, self.parameters)

    @property
    def data_version(self) -> str:
        """Equal for equal bytes read in the same way; what a re-run that changed nothing keeps."""
        text = f"{self.csv_sha256}:{self.decoder_version}" + (f":{self.shape}" if self.shape else "")
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def is_newer_than(self, other: "Provenance") -> bool:
        """Whether these data may replace those: made later, or the same file answered to a later run."""
        return (self.as_of, self.run_created, self.run_id) > (other.as_of, other.run_created, other.run_id)

    def to_json(self) -> str:
        """One JSON object; `from_json` reads it back."""
        return json.dumps(_plain(asdict(self)), separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Raises ValueError for anything `to_json` did not write. Fields it does not know are ignored."""
        payload: dict[str, Any] = json.loads(text)
        try:
            for name in ("run_created", "run_succeeded", "as_of", "fetched_at"):
                payload[name] = _time(payload.get(name))
            if span := payload["interval"]:
                payload["interval"] = Interval(_known(span["start"]), _known(span["end"]))
            payload["totals"] = {name: Decimal(total) for name, total in payload.get("totals", {}).items()}
            for name in ("added_columns", "withheld_columns", "request_ids"):
                payload[name] = tuple(payload.get(name, ()))
            names = {each.name for each in fields(cls)}
            return cls(**{name: value for name, value in payload.items() if name in names})
        except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
            raise ValueError(f"not a report's provenance: {error!r}") from error


def shape_of(schema: pa.Schema) -> str:
    """A hash of the names and types of a file's columns: the same bytes read otherwise are other data."""
    text = "\n".join(f"{field.name}: {field.type}" for field in schema)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _time(text: str | None) -> datetime | None:
    return None if text is None else _known(text)


def _known(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Change:
    """What a new file changed against the one it replaced.

    `totals` are the differences of the amount column per currency; currencies that did not change are
    left out.
    """

    same_bytes: bool
    rows: int
    totals: dict[str, Decimal]

    @classmethod
    def between(cls, old: Provenance, new: Provenance) -> "Change":
        return cls(
            same_bytes=old.csv_sha256 == new.csv_sha256,
            rows=new.rows - old.rows,
            totals=differences(old.totals, new.totals),
        )


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
