"""Stripe's Reporting and Files API: routes, endpoints, and what every answer carries.

Sources: https://docs.stripe.com/api, https://docs.stripe.com/reports/api
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from connector.simulator.api import pagination
from connector.simulator.api.contents import contents
from connector.simulator.api.idempotency import IdempotencyKeys
from connector.simulator.api.keys import FILES_READ, REPORTS_READ, REPORTS_WRITE, Caller, Keyring
from connector.simulator.api.rate_limits import Limiter
from connector.simulator.api.run_parameters import requested_type, run_parameters
from connector.simulator.books.entries import Owner
from connector.simulator.books.ledger import Ledger
from connector.simulator.faults import Faults, RequestContext, Stage
from connector.simulator.protocol import forms
from connector.simulator.protocol.errors import RefusalError, no_such, too_many_requests, unknown_url
from connector.simulator.protocol.messages import Call, Json, Reply, Sleep, json_reply
from connector.simulator.report_runs import ReportFile, Run, RunPlan, Runs
from connector.simulator.report_types.report_type import ReportType, prepared
from connector.simulator.reports.columns import Sheet
from connector.simulator.reports.csv_writer import document

API_VERSION = "2026-09-30.endive"
"""The version that answers when the caller names none."""

API_HOST, FILES_HOST = "api.stripe.com", "files.stripe.com"
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z_]+)?(\s*;.*)?")


@dataclass
class Stripe:
    """Everything the endpoints work with. Durations in seconds; `ends` holds `data_available_end` by type."""

    seed: int
    keyring: Keyring
    report_types: Mapping[str, ReportType]
    ledger: Callable[[Owner], Ledger]
    connected: tuple[str, ...]
    run_seconds: Callable[[int], float]
    reuse: float | None
    runs: Runs
    faults: Faults
    limiter: Limiter | None = None
    max_pending_runs: int | None = None
    summary_options: Mapping[str, bool] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    idempotency: IdempotencyKeys = field(default_factory=IdempotencyKeys)

    def available(self, report_type: ReportType, owner: Owner, now: datetime) -> tuple[int, int]:
        """`data_available_start` and `data_available_end` in unix seconds."""
        start = self.ledger(owner).opening
        end = report_type.available_until(int(now.timestamp()))
        return start, max(start, self.ends.get(report_type.id, end))

    def accounts(self, report_type: ReportType, run: Mapping[str, Any], owner: Owner) -> list[Owner]:
        """Whose books a run reads: the caller's, or of the accounts connected to it those asked for.

        Raises:
            RefusalError: an account asked for is not connected.
        """
        if not report_type.connected:
            return [owner]
        connected = self.connected if owner.account == self.keyring.account else ()
        wanted = [*run.get("connected_accounts", ()), *filter(None, [run.get("connected_account")])]
        for account in wanted:
            if account not in connected:
                name = (
                    "connected_account" if account == run.get("connected_account") else "connected_accounts"
                )
                raise no_such("account", account, param=f"parameters[{name}]", status=400)
        return [Owner(each, owner.livemode) for each in connected if not wanted or each in wanted]

    def check_payout(self, run: Mapping[str, Any], accounts: Iterable[Owner], as_of: int) -> None:
        """Stripe's refusal of a payout that none of `accounts` has made by `as_of`."""
        payout = run.get("payout")
        if payout and not any(self.ledger(owner).payout(payout, as_of=as_of) for owner in accounts):
            raise no_such("payout", payout, param="parameters[payout]", status=400)

    def write(self, report_type: ReportType, run: Mapping[str, Any], owner: Owner, as_of: int) -> bytes:
        """The CSV for the parameters `run`, from what was known at `as_of`."""
        sheets = [
            Sheet(
                owner=account,
                ledger=self.ledger(account),
                as_of=as_of,
                zone=ZoneInfo(run.get("timezone", "Etc/UTC")),
                seed=self.seed,
                **self.summary_options,
            )
            for account in self.accounts(report_type, run, owner)
        ]
        header = run.get("columns", report_type.columns)
        return document(header, report_type.rows(sheets, {**run, "columns": header}))


@dataclass(frozen=True)
class Request:
    """A call whose caller is known, on its way to an endpoint. `id` is the one in the path, or empty."""

    stripe: Stripe
    call: Call
    caller: Caller
    id: str
    sleep: Sleep

    @property
    def query(self) -> forms.Form:
        return forms.parse(self.call.query)

    @property
    def contents_origin(self) -> str:
        """Where files are read: Stripe's own host for them, or the server that was asked."""
        return f"https://{FILES_HOST}" if self.call.host == API_HOST else self.call.origin


Endpoint = Callable[[Request], Reply]


def respond(stripe: Stripe, call: Call, sleep: Sleep) -> Reply:
    """The answer to `call`: the endpoint's, or a refusal, with the headers that all answers have."""
    try:
        endpoint, id = _route(call)
        caller = stripe.keyring.caller(call)
        version = _version(call)
        if stripe.limiter is not None:
            stripe.limiter.admit(caller.owner, call)
        reply = endpoint(Request(stripe, call, caller, id, sleep))
    except RefusalError as refusal:
        version = call.headers.get("Stripe-Version", API_VERSION)
        reply = refusal.reply(
            f"https://dashboard.stripe.com/logs/{call.request_id}" if refusal.status != 401 else None
        )
    return dressed(reply, call, version)


def dressed(reply: Reply, call: Call, version: str = API_VERSION) -> Reply:
    """`reply` with the headers that every answer of Stripe's has."""
    always = {
        "Date": format_datetime(call.at, usegmt=True),
        "Request-Id": call.request_id,
        "Stripe-Version": version,
    }
    for name in ("Idempotency-Key", "Stripe-Account"):
        if name in call.headers and (name != "Idempotency-Key" or call.method == "POST"):
            always[name] = call.headers[name]
    return Reply(reply.status, {**always, **reply.headers}, reply.body, reply.delivery)


def _version(call: Call) -> str:
    version: str = call.headers.get("Stripe-Version", API_VERSION)
    if not _VERSION.fullmatch(version):
        raise RefusalError(f"Invalid Stripe API version: {version}")
    return version


def _route(call: Call) -> tuple[Endpoint, str]:
    method = "GET" if call.method == "HEAD" else call.method
    for route, pattern, endpoint in _ROUTES:
        match = re.fullmatch(pattern, call.path)
        on_files_host = endpoint is _file_contents
        wrong_host = call.host == (API_HOST if on_files_host else FILES_HOST)
        if match and route == method and not wrong_host:
            return endpoint, unquote(match[1]) if match.groups() else ""
    raise unknown_url(call.method, call.path)


# Report types


def _report_types(request: Request) -> Reply:
    request.caller.needs(REPORTS_READ)
    pagination.only_known(request.query, {"expand"})
    owner = request.caller.owner
    views = [
        _type_view(request, report_type)
        for report_type in request.stripe.report_types.values()
        if owner.livemode or not report_type.live_only
    ]
    url = "/v1/reporting/report_types"
    return json_reply(200, pagination.list_object(views, has_more=False, url=url))


def _report_type(request: Request) -> Reply:
    request.caller.needs(REPORTS_READ)
    pagination.only_known(request.query, {"expand"})
    return json_reply(200, _type_view(request, _known_type(request, request.id)))


def _known_type(request: Request, id: str) -> ReportType:
    report_type = request.stripe.report_types.get(id)
    if report_type is None:
        raise no_such("reporting report type", id, param="report_type")
    if report_type.live_only and not request.caller.owner.livemode:
        raise RefusalError(
            f"The report type {id} needs a live-mode key; this request used a test-mode key.",
            status=404,
            code="resource_missing",
            param="report_type",
        )
    return report_type


def _type_view(request: Request, report_type: ReportType) -> Json:
    owner, now = request.caller.owner, request.call.at
    start, end = request.stripe.available(report_type, owner, now)
    return report_type.view(
        seed=request.stripe.seed, now=int(now.timestamp()), start=start, end=end, livemode=owner.livemode
    )


# Report runs


def _create_run(request: Request) -> Reply:
    request.caller.needs(REPORTS_WRITE)
    stripe, call, owner = request.stripe, request.call, request.caller.owner
    form = forms.parse(call.body.decode("utf-8", "replace"))
    canonical = json.dumps(form, sort_keys=True)
    replay = stripe.idempotency.replay(owner, call, canonical)
    if replay is not None:
        return replay
    report_type = _known_type(request, requested_type(form))
    available = stripe.available(report_type, owner, call.at)
    parameters = run_parameters(form, report_type, available=available)
    accounts = stripe.accounts(report_type, parameters, owner)
    stripe.check_payout(parameters, accounts, prepared(int(call.at.timestamp())))
    _check_pending(request)
    return stripe.idempotency.execute(
        owner, call, canonical, lambda: _execute(request, report_type, parameters)
    )


def _check_pending(request: Request) -> None:
    most = request.stripe.max_pending_runs
    if most is None:
        return
    now = request.call.at
    runs = request.stripe.runs.of(request.caller.owner, now)
    if sum(run.status(now) not in {"succeeded", "failed"} for run in runs) >= most:
        raise too_many_requests("Too many report runs are pending. Wait for some to finish.")


def _execute(request: Request, report_type: ReportType, parameters: Json) -> Reply:
    """Make the run; what is answered here is what an idempotency key remembers."""
    stripe, call = request.stripe, request.call
    occasion = RequestContext(call.method, call.path, report_type.id, call=call)
    for fault in stripe.faults.striking(Stage.EXECUTING, occasion):
        request.sleep(fault.delay())
        answer = fault.reply(call, None)
        if answer is not None:
            return answer
    run = _make_run(request, report_type, parameters, occasion)
    reply = json_reply(200, run.view(call.at, request.contents_origin))
    for fault in stripe.faults.striking(Stage.EXECUTED, occasion):
        request.sleep(fault.delay())
        reply = fault.reply(call, reply) or reply
    return reply


def _make_run(request: Request, report_type: ReportType, parameters: Json, occasion: RequestContext) -> Run:
    stripe, owner, now = request.stripe, request.caller.owner, request.call.at
    as_of = prepared(int(now.timestamp()))

    def fate(number: int) -> RunPlan:
        drawn = RunPlan(stripe.run_seconds(number))
        for fault in stripe.faults.striking(Stage.RUN, occasion):
            drawn = fault.fate(drawn)
        return drawn

    return stripe.runs.create(
        owner,
        report_type.id,
        parameters,
        now=now,
        fate=fate,
        write=lambda: stripe.write(report_type, parameters, owner, as_of),
        reuse=stripe.reuse,
    )


def _runs(request: Request) -> Reply:
    request.caller.needs(REPORTS_READ)
    query, now = request.query, request.call.at
    pagination.only_known(query, pagination.COMMON)
    everything = request.stripe.runs.of(request.caller.owner, now)
    runs, has_more = pagination.page(everything, query, thing="report run")
    views = [run.view(now, request.contents_origin) for run in runs]
    return json_reply(200, pagination.list_object(views, has_more=has_more, url="/v1/reporting/report_runs"))


def _run(request: Request) -> Reply:
    request.caller.needs(REPORTS_READ)
    pagination.only_known(request.query, {"expand"})
    now = request.call.at
    run = request.stripe.runs.find(request.caller.owner, request.id, now)
    if run is None:
        raise no_such("report run", request.id, param="report_run")
    return json_reply(200, run.view(now, request.contents_origin))


# Files


def _files(request: Request) -> Reply:
    request.caller.needs(FILES_READ)
    query = request.query
    pagination.only_known(query, {*pagination.COMMON, "purpose"})
    everything = request.stripe.runs.files_of(request.caller.owner, request.call.at)
    if query.get("purpose", "finance_report_run") != "finance_report_run":
        everything = []
    files, has_more = pagination.page(everything, query, thing="file upload")
    views = [file.view(request.contents_origin) for file in files]
    return json_reply(200, pagination.list_object(views, has_more=has_more, url="/v1/files"))


def _file(request: Request) -> Reply:
    pagination.only_known(request.query, {"expand"})
    return json_reply(200, _known_file(request).view(request.contents_origin))


def _file_contents(request: Request) -> Reply:
    return contents(_known_file(request), request.call)


def _known_file(request: Request) -> ReportFile:
    request.caller.needs(FILES_READ)
    file = request.stripe.runs.find_file(request.caller.owner, request.id, request.call.at)
    if file is None:
        raise no_such("file upload", request.id, param="file")
    return file


_ROUTES: tuple[tuple[str, str, Endpoint], ...] = (
    ("GET", "/v1/reporting/report_types", _report_types),
    ("GET", "/v1/reporting/report_types/([^/]+)", _report_type),
    ("POST", "/v1/reporting/report_runs", _create_run),
    ("GET", "/v1/reporting/report_runs", _runs),
    ("GET", "/v1/reporting/report_runs/([^/]+)", _run),
    ("GET", "/v1/files", _files),
    ("GET", "/v1/files/([^/]+)", _file),
    ("GET", "/v1/files/([^/]+)/contents", _file_contents),
)
