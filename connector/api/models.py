"""Stripe's JSON as frozen values. No other module looks into a payload.

Times are aware datetimes in UTC with whole seconds. Fields that Stripe adds later are ignored here and
stay in `ReportRun.raw`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from connector.api import json_fields as fields
from connector.clock import is_utc


class Mode(StrEnum):
    """Whose data these are. Each has a tree of its own, so that they never mix."""

    LIVE = "live"
    TEST = "test"
    SIMULATED = "simulated"


#: The version every request pins, so that an account's default cannot change what we parse.
#: Source: https://docs.stripe.com/api/versioning
API_VERSION = "2026-06-24.dahlia"

#: The zone Stripe prints times in when the `timezone` parameter is absent.
#: Source: https://docs.stripe.com/api/reporting/report_run/object
DEFAULT_TIMEZONE = "Etc/UTC"

ParameterValue = str | int | tuple[str, ...]


def epoch(moment: datetime) -> int:
    """Unix seconds of an aware datetime."""
    return int(moment.timestamp())


def moment(seconds: int) -> datetime:
    """The aware UTC datetime of unix seconds."""
    return datetime.fromtimestamp(seconds, UTC)


class RunStatus(StrEnum):
    """Where a report run stands. Stripe types the field as plain text: what we do not know is pending."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @classmethod
    def of(cls, text: str) -> "RunStatus":
        return cls(text) if text in set(cls) else cls.PENDING


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What a report run is asked for, in canonical form: two that ask the same are equal.

    Canonical means: integers are integers, an empty value is the same as none, the default time zone is
    the same as none, parameters are sorted by name, and the order of `columns` stays, because it is
    the order of the file.

    Source: https://docs.stripe.com/reports/api
    """

    report_type: str
    parameters: tuple[tuple[str, ParameterValue], ...]

    @classmethod
    def of(cls, report_type: str, parameters: Mapping[str, Any]) -> Self:
        """The canonical form of `parameters`, ours or as a report run echoes them."""
        canonical = {name: _canonical(name, value) for name, value in parameters.items()}
        given = {name: value for name, value in canonical.items() if value is not None}
        return cls(report_type, tuple(sorted(given.items())))

    def get(self, name: str) -> ParameterValue | None:
        """The canonical value of one parameter; None when it is not asked for."""
        return dict(self.parameters).get(name)

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The columns asked for, in file order; None when the choice is left to Stripe."""
        value = self.get("columns")
        return value if isinstance(value, tuple) else None

    @property
    def timezone(self) -> str | None:
        """The zone Stripe prints local times in; None for UTC."""
        value = self.get("timezone")
        return value if isinstance(value, str) else None

    def as_echoed(self, default_columns: Sequence[str] | None) -> "ReportRequest":
        """The same request as a report run may show it: where the choice of columns was left to Stripe, with
        the ones it made, if they are known."""
        if self.columns is not None or not default_columns:
            return self
        return self.of(self.report_type, {**dict(self.parameters), "columns": tuple(default_columns)})

    def form(self) -> list[tuple[str, str]]:
        """The body of `POST /v1/reporting/report_runs`, field by field, always in the same order."""
        fields = [("report_type", self.report_type)]
        for name, value in self.parameters:
            if isinstance(value, tuple):
                fields += [(f"parameters[{name}][]", item) for item in value]
            else:
                fields.append((f"parameters[{name}]", str(value)))
        return fields

    def as_json(self) -> dict[str, Any]:
        """`report_type` and `parameters` as plain JSON values; `of` reads it back."""
        parameters = {n: list(v) if isinstance(v, tuple) else v for n, v in self.parameters}
        return {"report_type": self.report_type, "parameters": parameters}

    def digest(self) -> str:
        """SHA-256 in hex, equal for equal requests in every process."""
        text = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _canonical(name: str, value: Any) -> ParameterValue | None:
    if value is None or value in ("", [], ()) or (name == "timezone" and is_utc(value)):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or name in {"interval_start", "interval_end"}:
        return int(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(str(item) for item in value)
    return str(value)


@dataclass(frozen=True, slots=True)
class ReportFile:
    """The file object of a finished report run.

    `size` is the length of the CSV in bytes. `created` is when the file was made, which can be before the
    report run was: Stripe may answer an identical request with an earlier run's file. `url` is None where
    Stripe gives none; `expires_at` is when the contents go away, None when Stripe does not say.

    Source: https://docs.stripe.com/api/files/object
    """

    id: str
    created: datetime
    size: int
    purpose: str
    filename: str | None = None
    title: str | None = None
    type: str | None = None
    url: str | None = None
    expires_at: datetime | None = None

    @classmethod
    def from_api(cls, payload: Mapping[str, Any]) -> Self:
        return cls(
            id=fields.identifier(payload, "id"),
            created=fields.moment(payload, "created"),
            size=fields.size(payload, "size"),
            purpose=fields.shown_text(payload, "purpose") or "",
            filename=fields.shown_text(payload, "filename"),
            title=fields.shown_text(payload, "title"),
            type=fields.shown_text(payload, "type"),
            url=fields.optional_text(payload, "url"),
            expires_at=fields.optional_moment(payload, "expires_at"),
        )


@dataclass(frozen=True, slots=True)
class ReportRun:
    """One execution of a report at Stripe, with every field of Stripe's object.

    `request` is what Stripe understood, its echo in canonical form. `result` is set when `status` is
    succeeded, unless the answer leaves it out (`lacks_file`); `error` is Stripe's text when it is failed.
    `raw` is the object as it came; `request_id` is that of the answer it came in, None for a run out of a
    list. `replayed` says that Stripe answered its creation from its store of idempotent answers: the run was
    created by an earlier request.

    Source: https://docs.stripe.com/api/reporting/report_run/object
    """

    id: str
    report_type: str
    parameters: Mapping[str, Any]
    request: ReportRequest
    status: RunStatus
    created: datetime
    livemode: bool
    result: ReportFile | None = None
    error: str | None = None
    succeeded_at: datetime | None = None
    request_id: str | None = field(default=None, compare=False)
    replayed: bool = field(default=False, compare=False)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def lacks_file(self) -> bool:
        """Whether it has succeeded, and the answer it came in leaves its file out."""
        return self.status is RunStatus.SUCCEEDED and self.result is None

    @classmethod
    def from_api(cls, payload: Mapping[str, Any]) -> Self:
        payload = fields.within_reason(payload)
        report_type = fields.identifier(payload, "report_type")
        parameters = fields.optional_object(payload, "parameters") or {}
        result = fields.optional_object(payload, "result")
        return cls(
            id=fields.identifier(payload, "id"),
            report_type=report_type,
            parameters=parameters,
            request=ReportRequest.of(report_type, parameters),
            status=RunStatus.of(fields.text(payload, "status")),
            created=fields.moment(payload, "created"),
            livemode=fields.flag(payload, "livemode"),
            result=ReportFile.from_api(result) if result else None,
            error=fields.shown_text(payload, "error"),
            succeeded_at=fields.optional_moment(payload, "succeeded_at"),
            raw=payload,
        )


@dataclass(frozen=True, slots=True)
class ReportType:
    """A kind of report, and for which times this account has its data.

    An interval is ready when it lies within `data_available_start` and `data_available_end`, both ends
    included. The end moves twice a day and can stand at noon. `updated` is when the data were last
    prepared. `default_columns` is None where the type takes no `columns`.

    Source: https://docs.stripe.com/api/reporting/report_type/object
    """

    id: str
    name: str
    data_available_start: datetime
    data_available_end: datetime
    updated: datetime
    default_columns: tuple[str, ...] | None = None
    livemode: bool | None = None

    @classmethod
    def from_api(cls, payload: Mapping[str, Any]) -> Self:
        return cls(
            id=fields.identifier(payload, "id"),
            name=fields.shown_text(payload, "name") or payload["id"],
            data_available_start=fields.moment(payload, "data_available_start"),
            data_available_end=fields.moment(payload, "data_available_end"),
            updated=fields.moment(payload, "updated"),
            default_columns=fields.optional_texts(payload, "default_columns"),
            livemode=None if payload.get("livemode") is None else fields.flag(payload, "livemode"),
        )


@dataclass(frozen=True, slots=True)
class ConnectedAccount:
    """An account that is connected to the key's own.

    `country` has two letters. `dashboard` is `full`, `express` or `none`: reports of accounts with a full
    Dashboard of their own are not visible to the platform. Each is None where Stripe does not say.

    Source: https://docs.stripe.com/api/accounts/object
    """

    id: str
    created: datetime | None = None
    country: str | None = None
    dashboard: str | None = None

    @classmethod
    def from_api(cls, payload: Mapping[str, Any]) -> Self:
        controller = fields.optional_object(payload, "controller") or {}
        dashboard = fields.optional_object(controller, "stripe_dashboard") or {}
        return cls(
            id=fields.identifier(payload, "id"),
            created=fields.optional_moment(payload, "created"),
            country=fields.shown_text(payload, "country"),
            dashboard=fields.shown_text(dashboard, "type"),
        )
