"""Stripe's Reporting and Files API, and accounts: routes, endpoints, and the headers of every answer.

`Simulator-Books` is the one header that is not Stripe's: it names the books that the account's reports are
made from, so that a caller can see that two simulators, or two accounts, are not the same.

Source: https://docs.stripe.com/api, https://docs.stripe.com/reports/api
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import format_datetime
from urllib.parse import unquote

from connector.simulator.api import pagination
from connector.simulator.api.accounts import Account
from connector.simulator.api.backend import Backend
from connector.simulator.api.contents import contents
from connector.simulator.api.keys import ACCOUNTS_READ, FILES_READ, REPORTS_READ, Caller
from connector.simulator.api.run_parameters import requested_type, run_parameters
from connector.simulator.faults import RequestContext, Stage
from connector.simulator.owner import Owner
from connector.simulator.protocol import forms
from connector.simulator.protocol.errors import StripeError, no_such, too_many_requests, unknown_url
from connector.simulator.protocol.messages import Call, Json, Reply, Sleep, json_reply
from connector.simulator.report_runs import Run, RunPlan
from connector.simulator.report_types.report_type import ReportType, prepared

#: The version of an answer to a request that names none.
API_VERSION = "2026-09-30.endive"

API_HOST, FILES_HOST = "api.stripe.com", "files.stripe.com"
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z_]+)?(\s*;.*)?")


@dataclass(frozen=True)
class Request:
    """A call with its caller, for an endpoint. `id` is the one in the path, or empty."""

    backend: Backend
    call: Call
    caller: Caller
    id: str
    sleep: Sleep

    @property
    def owner(self) -> Owner:
        return self.caller.owner

    @property
    def query(self) -> forms.Form:
        return forms.parse(self.call.query)

    @property
    def contents_origin(self) -> str:
        """Where files are read: Stripe's host for files, or the server of this request."""
        return f"https://{FILES_HOST}" if self.call.host == API_HOST else self.call.origin


Endpoint = Callable[[Request], Reply]


def respond(backend: Backend, call: Call, sleep: Sleep) -> Reply:
    """The endpoint's answer to `call`, or an error, with the headers of every answer."""
    try:
        endpoint, id = _route(call)
        caller = backend.keyring.caller(call)
        version = _version(call)
        if backend.limiter is not None:
            # Whose limits count where one acts for an account is not documented: the stricter reading.
            owner = Owner(backend.keyring.own_account(call), caller.owner.livemode)
            backend.limiter.admit(owner, call)
        reply = endpoint(Request(backend, call, caller, id, sleep))
    except StripeError as error:
        version = call.headers.get("Stripe-Version", API_VERSION)
        reply = error.reply(
            f"https://dashboard.stripe.com/logs/{call.request_id}" if error.status != 401 else None
        )
    return with_usual_headers(backend, reply, call, version)


def with_usual_headers(backend: Backend, reply: Reply, call: Call, version: str = API_VERSION) -> Reply:
    """`reply` with the headers of every answer."""
    usual = {
        "Date": format_datetime(call.at, usegmt=True),
        "Request-Id": call.request_id,
        "Stripe-Version": version,
        "Simulator-Books": backend.books_id(backend.keyring.own_account(call)),
    }
    for name in ("Idempotency-Key", "Stripe-Account"):
        if name in call.headers and (name != "Idempotency-Key" or call.method == "POST"):
            usual[name] = call.headers[name]
    return Reply(reply.status, {**usual, **reply.headers}, reply.body, reply.delivery)


def _version(call: Call) -> str:
    version: str = call.headers.get("Stripe-Version", API_VERSION)
    if not _VERSION.fullmatch(version):
        raise StripeError(f"Invalid Stripe API version: {version}")
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
    request.caller.require(REPORTS_READ)
    pagination.only_known(request.query, {"expand"})
    owner = request.owner
    views = [
        _type_view(request, report_type)
        for report_type in request.backend.report_types.values()
        if owner.livemode or not report_type.live_only
    ]
    url = "/v1/reporting/report_types"
    return json_reply(200, pagination.list_object(views, has_more=False, url=url))


def _report_type(request: Request) -> Reply:
    request.caller.require(REPORTS_READ)
    pagination.only_known(request.query, {"expand"})
    return json_reply(200, _type_view(request, _known_type(request, request.id)))


def _known_type(request: Request, id: str) -> ReportType:
    report_type = request.backend.report_types.get(id)
    if report_type is None:
        raise no_such("reporting report type", id, param="report_type")
    if report_type.live_only and not request.owner.livemode:
        raise StripeError(
            f"The report type {id} is only available for live data and requires a live mode key.",
            status=404,
            code="resource_missing",
            param="report_type",
        )
    return report_type


def _type_view(request: Request, report_type: ReportType) -> Json:
    owner, now = request.owner, request.call.at
    start, end = request.backend.available(report_type, owner.account, now)
    return report_type.view(
        seed=request.backend.seed, now=int(now.timestamp()), start=start, end=end, livemode=owner.livemode
    )


# Report runs


def _create_run(request: Request) -> Reply:
    request.caller.require(request.backend.keyring.creating_needs)
    backend, call, owner = request.backend, request.call, request.owner
    form = forms.parse(call.body.decode("utf-8", "replace"))
    canonical = json.dumps(form, sort_keys=True)
    replay = backend.idempotency.replay(owner, call, canonical)
    if replay is not None:
        return replay
    report_type = _known_type(request, requested_type(form))
    requestable = backend.requestable(report_type, owner.account, call.at)
    parameters = run_parameters(form, report_type, available=requestable)
    backend.refuse_left(parameters)
    accounts = backend.accounts(report_type, parameters, owner.account)
    backend.check_payout(parameters, accounts, prepared(int(call.at.timestamp())))
    _check_pending(request)
    return backend.idempotency.execute(
        owner, call, canonical, lambda: _execute(request, report_type, parameters)
    )


def _check_pending(request: Request) -> None:
    most = request.backend.max_pending_runs
    if most is None:
        return
    now = request.call.at
    runs = request.backend.runs.of(request.owner, now)
    if sum(run.status(now) not in {"succeeded", "failed"} for run in runs) >= most:
        raise too_many_requests(
            "Too many report runs are pending. Wait for some to finish.", "endpoint-concurrency"
        )


def _execute(request: Request, report_type: ReportType, parameters: Json) -> Reply:
    """Create the run; an idempotency key remembers the answer given here."""
    backend, call = request.backend, request.call
    context = RequestContext(call.method, call.path, report_type.id, call=call)
    for fault in backend.faults.acting(Stage.EXECUTING, context):
        request.sleep(fault.delay())
        answer = fault.reply(call, None)
        if answer is not None:
            return answer
    run = _make_run(request, report_type, parameters, context)
    reply = json_reply(200, run.view(call.at, request.contents_origin))
    for fault in backend.faults.acting(Stage.EXECUTED, context):
        request.sleep(fault.delay())
        reply = fault.reply(call, reply) or reply
    return reply


def _make_run(request: Request, report_type: ReportType, parameters: Json, context: RequestContext) -> Run:
    backend, owner, now = request.backend, request.owner, request.call.at
    as_of = prepared(int(now.timestamp()))

    def plan(number: int) -> RunPlan:
        planned = RunPlan(backend.run_seconds(number))
        for fault in backend.faults.acting(Stage.RUN, context):
            planned = fault.plan(planned)
        return planned

    return backend.runs.create(
        owner,
        report_type.id,
        parameters,
        now=now,
        plan=plan,
        write=lambda: backend.write(report_type, parameters, owner.account, as_of),
    )


def _runs(request: Request) -> Reply:
    request.caller.require(REPORTS_READ)
    query, now = request.query, request.call.at
    pagination.only_known(query, pagination.COMMON)
    found = request.backend.runs.of(request.owner, now)
    runs, has_more = pagination.page(found, query, thing="report run")
    views = [run.view(now, request.contents_origin) for run in runs]
    return json_reply(200, pagination.list_object(views, has_more=has_more, url="/v1/reporting/report_runs"))


def _run(request: Request) -> Reply:
    request.caller.require(REPORTS_READ)
    pagination.only_known(request.query, {"expand"})
    now = request.call.at
    run = request.backend.runs.find(request.owner, request.id, now)
    if run is None:
        raise no_such("report run", request.id, param="report_run")
    return json_reply(200, run.view(now, request.contents_origin))


# Accounts


def _accounts(request: Request) -> Reply:
    request.caller.require(ACCOUNTS_READ)
    query, backend = request.query, request.backend
    pagination.only_known(query, pagination.COMMON)
    connected = backend.connected if request.owner.account == backend.keyring.account else ()
    # Each is created on the first day of its books, a minute after the one before.
    books = ((each, backend.ledger(each)) for each in connected)
    everyone = [
        Account(each, ledger.opening + 60 * number, number, ledger.platform_pays)
        for number, (each, ledger) in enumerate(books)
    ]
    newest_first = [each for each in reversed(everyone) if each.id not in backend.left]
    accounts, has_more = pagination.page(newest_first, query, thing="account")
    views = [account.view() for account in accounts]
    return json_reply(200, pagination.list_object(views, has_more=has_more, url="/v1/accounts"))


# Files


def _files(request: Request) -> Reply:
    request.caller.require(FILES_READ)
    query = request.query
    pagination.only_known(query, {*pagination.COMMON, "purpose"})
    found = request.backend.runs.files_of(request.owner, request.call.at)
    if query.get("purpose", "finance_report_run") != "finance_report_run":
        found = []
    files, has_more = pagination.page(found, query, thing="file upload")
    views = [file.view(request.contents_origin) for file in files]
    return json_reply(200, pagination.list_object(views, has_more=has_more, url="/v1/files"))


def _file(request: Request) -> Reply:
    pagination.only_known(request.query, {"expand"})
    return json_reply(200, _run_of_file(request).file.view(request.contents_origin))


def _file_contents(request: Request) -> Reply:
    run = _run_of_file(request)
    if not run.has_contents(request.call.at):
        raise no_such("file upload", request.id, param="file")
    return contents(run.file, request.call)


def _run_of_file(request: Request) -> Run:
    request.caller.require(FILES_READ)
    run = request.backend.runs.find_by_file(request.owner, request.id, request.call.at)
    if run is None:
        raise no_such("file upload", request.id, param="file")
    return run


_ROUTES: tuple[tuple[str, str, Endpoint], ...] = (
    ("GET", "/v1/reporting/report_types", _report_types),
    ("GET", "/v1/reporting/report_types/([^/]+)", _report_type),
    ("POST", "/v1/reporting/report_runs", _create_run),
    ("GET", "/v1/reporting/report_runs", _runs),
    ("GET", "/v1/reporting/report_runs/([^/]+)", _run),
    ("GET", "/v1/accounts", _accounts),
    ("GET", "/v1/files", _files),
    ("GET", "/v1/files/([^/]+)", _file),
    ("GET", "/v1/files/([^/]+)/contents", _file_contents),
)
