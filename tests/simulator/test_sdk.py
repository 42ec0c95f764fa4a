"""Stripe's own SDK against the simulator, over a real port: where it is content, the shapes are right.

All that it offers of reports and files, and all errors, for threads and for asyncio.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any, cast

import pytest
import stripe

from connector.simulator import SIMULATED_KEY, Simulator, Stage
from connector.simulator.api.keys import FILES_READ, REPORTS_READ, REPORTS_WRITE
from connector.simulator.server import serve
from tests.faults.network import Reset, Respond, lock_timeout, rate_limited
from tests.support.clock import ManualClock

#: The SDK hands httpx a body in a way that httpx deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")

SUMMARY, FEES = "balance.summary.1", "all_fees.balance_transaction_created.itemized.2"
JUNE_1 = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
DAY = 86_400
CONNECTED = "acct_1Connected"
LIVE_KEY = f"sk_live_{'a' * 24}"
READS_REPORTS = f"rk_test_{'r' * 24}"
REVOKED = f"sk_test_{'v' * 24}"


def asked(day: int = 0, **changed: Any) -> dict[str, Any]:
    start = JUNE_1 + day * DAY
    bounds = {"interval_start": start, "interval_end": start + DAY}
    return {"report_type": SUMMARY, "parameters": bounds | changed}


class _Threads(stripe.RequestsClient):
    """The SDK's transport, which does not wait before it tries again."""

    def _sleep_time_seconds(self, num_retries: int) -> float:  # noqa: ARG002
        return 0.0


class _Asyncio(stripe.HTTPXClient):
    """Likewise, for asyncio."""

    def _sleep_time_seconds(self, num_retries: int) -> float:  # noqa: ARG002
        return 0.0


class Sdk:
    """The SDK's client at one base, for threads or for asyncio, asked in the same way."""

    def __init__(self, url: str, *, threads: bool) -> None:
        self._url = url
        self._threads = _Threads() if threads else None
        self._runner = asyncio.Runner()
        self._asyncio = None if threads else _Asyncio()

    def client(self, key: str = SIMULATED_KEY, *, retries: int = 0) -> stripe.StripeClient:
        return stripe.StripeClient(
            key,
            base_addresses={"api": self._url, "files": self._url},
            http_client=self._threads or self._asyncio,
            max_network_retries=retries,
        )

    def __call__(
        self, service: str, method: str, *given: Any, key: str = SIMULATED_KEY, retries: int = 0
    ) -> Any:
        """What a method of the SDK's gives: `sdk("files", "retrieve", "file_1")`."""
        found: Any = self.client(key, retries=retries).v1
        for name in service.split("."):
            found = getattr(found, name)
        if self._threads:
            return getattr(found, method)(*given)
        return self._runner.run(getattr(found, f"{method}_async")(*given))

    def every(self, page: Any) -> list[Any]:
        """All of a list, page by page as the SDK turns them."""

        async def collected() -> list[Any]:
            return [each async for each in page.auto_paging_iter()]

        return list(page.auto_paging_iter()) if self._threads else self._runner.run(collected())

    def contents(self, url: str, key: str = SIMULATED_KEY) -> tuple[bytes, int]:
        """A file's bytes and the status, by the SDK's transport: its methods read JSON alone."""
        headers = {"Authorization": f"Bearer {key}"}
        if self._threads:
            body, status, _ = self._threads.request("get", url, headers)
        else:
            assert self._asyncio
            body, status, _ = self._runner.run(self._asyncio.request_async("get", url, headers))
        # Declared as text, and bytes as they came.
        return bytes(cast(Any, body)), status

    def streamed(self, url: str) -> bytes:
        """A file's bytes, piece by piece."""
        headers = {"Authorization": f"Bearer {SIMULATED_KEY}"}
        if self._threads:
            stream, _, _ = self._threads.request_stream("get", url, headers)
            return bytes(cast(Any, stream).read())
        transport = self._asyncio
        assert transport

        async def collected() -> bytes:
            stream, _, _ = await transport.request_stream_async("get", url, headers)
            return b"".join([chunk async for chunk in stream])

        return self._runner.run(collected())

    def raw(self, path: str) -> Any:
        """What `raw_request` makes of an answer."""
        client = self.client()
        if self._threads:
            return client.deserialize(client.raw_request("get", path), api_mode="V1")
        return client.deserialize(self._runner.run(client.raw_request_async("get", path)), api_mode="V1")

    def close(self) -> None:
        if self._threads:
            self._threads.close()  # type: ignore[no-untyped-call]
        if self._asyncio:
            self._runner.run(self._asyncio.close_async())  # type: ignore[no-untyped-call]
        self._runner.close()


RUNS, TYPES, FILES = "reporting.report_runs", "reporting.report_types", "files"


@pytest.fixture
def sim() -> Simulator:
    """Accepts every key; only one account is connected."""
    return Simulator(
        ManualClock(), seed=7, run_seconds=0, opening=date(2026, 5, 1), connected_accounts=[CONNECTED]
    )


@pytest.fixture(params=["threads", "asyncio"])
def sdk(request: pytest.FixtureRequest, sim: Simulator) -> Iterator[Sdk]:
    with serve(sim) as url:
        sdk = Sdk(url, threads=request.param == "threads")
        yield sdk
        sdk.close()


# Operations


def test_a_run_is_created_and_retrieved(sdk: Sdk) -> None:
    run = sdk(RUNS, "create", asked(columns=["currency", "net_amount"], timezone="Europe/Berlin"))
    again = sdk(RUNS, "retrieve", run.id)

    assert isinstance(run, stripe.reporting.ReportRun)
    assert (run.object, run.report_type, run.livemode, run.error) == (
        "reporting.report_run", SUMMARY, False, None,
    )  # fmt: skip
    assert run.parameters.columns == ["currency", "net_amount"]
    assert run.parameters.timezone == "Europe/Berlin"
    assert (run.parameters.interval_start, run.parameters.interval_end) == (JUNE_1, JUNE_1 + DAY)
    assert again.to_dict() == run.to_dict()
    assert again.status == "succeeded"
    assert isinstance(again.result, stripe.File)
    assert run.succeeded_at == again.result.created == run.created


def test_each_answer_is_known_by_its_request(sdk: Sdk, sim: Simulator) -> None:
    run = sdk(RUNS, "create", asked(), {"idempotency_key": "mine"})
    said = run.last_response

    assert (said.code, said.idempotency_key) == (200, "mine")
    assert said.request_id == sim.requests[-1].request_id
    assert said.headers["Original-Request"] == said.request_id
    assert said.headers["Stripe-Version"] == stripe.api_version
    assert sdk(RUNS, "list").last_response.request_id == sim.requests[-1].request_id


def test_the_same_request_with_its_key_is_the_same_run(sdk: Sdk, sim: Simulator) -> None:
    run, again = (sdk(RUNS, "create", asked(), {"idempotency_key": "mine"}) for _ in range(2))

    assert again.to_dict() == run.to_dict()
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.headers["Original-Request"] == run.last_response.request_id
    assert len(sim.runs) == 1


@pytest.mark.parametrize("query", [{}, {"created": {"gte": JUNE_1}}], ids=["all", "since"])
def test_a_list_is_turned_page_by_page(sdk: Sdk, sim: Simulator, query: dict[str, Any]) -> None:
    for day in range(7):
        sdk(RUNS, "create", asked(day))
    newest_first = [run.id for run in reversed(sim.runs)]

    page = sdk(RUNS, "list", {"limit": 3, **query})
    back = sdk(RUNS, "list", {"limit": 3, "ending_before": newest_first[-1], **query})

    assert (page.object, page.url, page.has_more) == ("list", "/v1/reporting/report_runs", True)
    assert [run.id for run in sdk.every(page)] == newest_first
    assert [run.id for run in sdk.every(back)] == newest_first[-2::-1]
    assert len(sim.requests) == 7 + 3 + 2
    assert sdk(RUNS, "list", {"limit": 7, **query}).has_more is False
    assert sdk(RUNS, "list", {"created": {"lt": JUNE_1}}).is_empty


def test_types_are_listed_and_retrieved(sdk: Sdk, sim: Simulator) -> None:
    types = sdk(TYPES, "list")
    one = sdk(TYPES, "retrieve", SUMMARY)

    assert (types.object, types.url, types.has_more) == ("list", "/v1/reporting/report_types", False)
    assert sdk.every(types) == types.data
    assert one == next(each for each in types.data if each.id == SUMMARY)
    assert isinstance(one, stripe.reporting.ReportType)
    assert (one.object, one.version, one.livemode) == ("reporting.report_type", 1, False)
    assert one.data_available_start < one.data_available_end < one.updated


def test_a_live_key_has_live_runs_and_the_types_of_live_mode(sdk: Sdk) -> None:
    run = sdk(RUNS, "create", asked(), key=LIVE_KEY)

    assert run.livemode is True
    assert sdk(TYPES, "retrieve", FEES, key=LIVE_KEY).livemode is True
    assert FEES in {each.id for each in sdk(TYPES, "list", key=LIVE_KEY).data}
    assert sdk(RUNS, "list").is_empty


def test_files_are_listed_and_retrieved_and_read(sdk: Sdk, sim: Simulator) -> None:
    run, other = (sdk(RUNS, "create", asked(day)) for day in range(2))
    pages = sdk(FILES, "list", {"purpose": "finance_report_run", "limit": 1})
    file = sdk(FILES, "retrieve", run.result.id)

    assert (pages.object, pages.url, pages.has_more) == ("list", "/v1/files", True)
    assert [each.id for each in sdk.every(pages)] == [other.result.id, run.result.id]
    assert file.to_dict() == run.result.to_dict()
    assert (file.object, file.type, file.purpose) == ("file", "csv", "finance_report_run")
    assert sdk.contents(file.url) == (
        sim.csv(SUMMARY, interval_start=JUNE_1, interval_end=JUNE_1 + DAY), 200,
    )  # fmt: skip
    assert len(sdk.contents(file.url)[0]) == file.size
    assert sdk.contents(file.url, key="nonsense")[1] == 401
    assert sdk.streamed(file.url) == sdk.contents(file.url)[0]


def test_raw_requests_are_answered_alike(sdk: Sdk) -> None:
    run = sdk(RUNS, "create", asked())
    again = sdk.raw(f"/v1/reporting/report_runs/{run.id}")

    with pytest.raises(stripe.InvalidRequestError) as unknown:
        sdk.raw("/v1/reporting/nothing")
    with pytest.raises(stripe.APIError) as contents:
        sdk.raw(f"/v1/files/{run.result.id}/contents")

    assert isinstance(again, stripe.reporting.ReportRun)
    assert again.to_dict() == run.to_dict()
    assert (unknown.value.http_status, unknown.value.code) == (404, None)
    # They read JSON alone: a CSV is an error that holds it.
    assert contents.value.http_status == 200
    assert str(contents.value.http_body).encode() == sdk.contents(run.result.url)[0]


def test_a_connected_account_has_runs_of_its_own(sdk: Sdk) -> None:
    for_it = {"stripe_account": CONNECTED}
    run = sdk(RUNS, "create", asked(), for_it)

    assert run.last_response.headers["Stripe-Account"] == CONNECTED
    assert [each.id for each in sdk(RUNS, "list", {}, for_it).data] == [run.id]
    assert sdk(RUNS, "list").is_empty


OBJECTS = {
    "run": lambda run, _: (run, stripe.reporting.ReportRun),
    "file": lambda run, _: (run.result, stripe.File),
    "type": lambda _, one: (one, stripe.reporting.ReportType),
}


@pytest.mark.parametrize("of", OBJECTS.values(), ids=OBJECTS)
def test_an_object_has_the_fields_that_the_sdk_declares(sdk: Sdk, of: Callable[[Any, Any], Any]) -> None:
    answered, declared = of(sdk(RUNS, "create", asked()), sdk(TYPES, "retrieve", SUMMARY))

    # Only of deleted objects.
    assert set(answered.to_dict()) == set(declared.__annotations__) - {"deleted", "OBJECT_NAME"}


def test_the_older_way_of_the_sdk_reads_the_same(
    sdk: Sdk, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = sdk(RUNS, "create", asked())
    transport = _Threads()
    monkeypatch.setattr(stripe, "api_base", sdk._url)
    monkeypatch.setattr(stripe, "default_http_client", transport)

    listed = stripe.reporting.ReportRun.list(api_key=SIMULATED_KEY)
    again = stripe.reporting.ReportRun.construct_from({"id": run.id}, SIMULATED_KEY).refresh()
    transport.close()  # type: ignore[no-untyped-call]

    assert [each.id for each in listed] == [run.id]
    assert again.status == "succeeded"


# Errors

Asks = Callable[[Sdk], Any]
BEYOND = asked(day=300)
#: What is asked, and what the SDK makes of the answer: class, status, code, param, words of its message.
ERRORS: dict[str, tuple[Asks, type[stripe.StripeError], int, str | None, str | None, str]] = {
    "a key that is none": (
        lambda sdk: sdk(TYPES, "list", key="nonsense"),
        stripe.AuthenticationError, 401, None, None, "Invalid API Key provided: ****ense",
    ),
    "a revoked key": (
        lambda sdk: sdk(RUNS, "list", key=REVOKED),
        stripe.AuthenticationError, 401, "api_key_expired", None, "Expired API Key",
    ),
    "a key without permission": (
        lambda sdk: sdk(FILES, "list", key=READS_REPORTS),
        stripe.PermissionError, 403, None, None, "'rak_file",
    ),
    "an account that is not connected": (
        lambda sdk: sdk(RUNS, "list", {}, {"stripe_account": "acct_1Foreign"}),
        stripe.PermissionError, 403, "account_invalid", None, "does not have access to account",
    ),
    "a type of live mode": (
        lambda sdk: sdk(RUNS, "create", {**asked(), "report_type": FEES}),
        stripe.InvalidRequestError, 404, "resource_missing", "report_type", "requires a live mode key",
    ),
    "a type of live mode, read": (
        lambda sdk: sdk(TYPES, "retrieve", FEES),
        stripe.InvalidRequestError, 404, "resource_missing", "report_type", "only available for live data",
    ),
    "a type that is none": (
        lambda sdk: sdk(TYPES, "retrieve", "balance.summary.99"),
        stripe.InvalidRequestError, 404, "resource_missing", "report_type", "No such reporting report type",
    ),
    "a run that is none": (
        lambda sdk: sdk(RUNS, "retrieve", "frr_none"),
        stripe.InvalidRequestError, 404, "resource_missing", "report_run", "No such report run: 'frr_none'",
    ),
    "a file that is none": (
        lambda sdk: sdk(FILES, "retrieve", "file_none"),
        stripe.InvalidRequestError, 404, "resource_missing", "file", "No such file upload: 'file_none'",
    ),
    "no type": (
        lambda sdk: sdk(RUNS, "create", {}),
        stripe.InvalidRequestError, 400, "parameter_missing", "report_type", "Missing required param",
    ),
    "no end": (
        lambda sdk: sdk(RUNS, "create", {"report_type": SUMMARY, "parameters": {"interval_start": 1}}),
        stripe.InvalidRequestError, 400, "parameter_missing", "parameters[interval_end]", "Missing required",
    ),
    "an end that is no number": (
        lambda sdk: sdk(RUNS, "create", asked(interval_end="noon")),
        stripe.InvalidRequestError, 400, "parameter_invalid_integer", "parameters[interval_end]",
        "Invalid integer: noon",
    ),
    "a column that is none": (
        lambda sdk: sdk(RUNS, "create", asked(columns=["currency", "nett"])),
        stripe.InvalidRequestError, 400, None, "parameters[columns][1]", "nett",
    ),
    "a zone that is none": (
        lambda sdk: sdk(RUNS, "create", asked(timezone="Mars/North")),
        stripe.InvalidRequestError, 400, None, "parameters[timezone]", "Mars/North",
    ),
    "an interval without data": (
        lambda sdk: sdk(RUNS, "create", BEYOND),
        stripe.InvalidRequestError, 400, None, "parameters[interval_start]", "only available through",
    ),
    "a parameter that is none": (
        lambda sdk: sdk(RUNS, "create", {**asked(), "report": SUMMARY}),
        stripe.InvalidRequestError, 400, "parameter_unknown", "report", "Received unknown parameter",
    ),
    "a cursor that is none": (
        lambda sdk: sdk(RUNS, "list", {"starting_after": "frr_none"}),
        stripe.InvalidRequestError, 400, "resource_missing", "starting_after", "No such report run",
    ),
    "a key of another request": (
        lambda sdk: [sdk(RUNS, "create", asked(day), {"idempotency_key": "mine"}) for day in range(2)],
        stripe.IdempotencyError, 400, None, None, "'mine'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS.values(), ids=ERRORS)
def test_an_error_is_the_sdks_own(
    sdk: Sdk,
    sim: Simulator,
    case: tuple[Asks, type[stripe.StripeError], int, str | None, str | None, str],
) -> None:
    asks, kind, status, code, param, message = case
    sim.keyring.permissions = {
        READS_REPORTS: {REPORTS_READ},
        **{key: {REPORTS_READ, REPORTS_WRITE, FILES_READ} for key in (SIMULATED_KEY, REVOKED)},
    }
    sim.keyring.revoke(REVOKED)

    with pytest.raises(stripe.StripeError) as raised:
        asks(sdk)

    error = raised.value
    assert type(error) is kind
    assert error.error is not None
    assert (error.http_status, error.error.code, error.error.param) == (status, code, param)
    assert message in str(error.user_message)
    assert error.request_id == sim.requests[-1].request_id
    assert error.error.doc_url == (code and f"https://docs.stripe.com/error-codes#{code.replace('_', '-')}")
    assert (error.error.request_log_url is None) == (status == 401)


REASONS = ["global-rate", "endpoint-rate", "global-concurrency", "endpoint-concurrency", "resource-specific"]


@pytest.mark.parametrize("reason", REASONS)
def test_a_limit_says_which_and_is_not_tried_again(sdk: Sdk, sim: Simulator, reason: str) -> None:
    sim.faults.add(rate_limited(reason=reason), times=None)

    with pytest.raises(stripe.RateLimitError) as raised:
        sdk(RUNS, "list", retries=2)

    error: Any = raised.value
    assert error.headers["Stripe-Rate-Limited-Reason"] == reason
    assert (error.http_status, error.error.code, error.request_id) == (
        429, "rate_limit", sim.requests[-1].request_id,
    )  # fmt: skip
    assert len(sim.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [lock_timeout(), Respond(409), Respond(503), Reset(), Reset(stage=Stage.AFTER)],
    ids=["lock", "409", "503", "reset", "lost answer"],
)
def test_what_passes_is_sent_again_and_makes_one_run(sdk: Sdk, sim: Simulator, fault: Any) -> None:
    sim.faults.add(fault, "POST", times=2)

    run = sdk(RUNS, "create", asked(), retries=2)

    assert [each.id for each in sim.runs] == [run.id]
    assert len({each.idempotency_key for each in sim.requests}) == 1
    assert len(sim.requests) == 3


def test_a_stored_500_is_replayed_and_not_tried_again(sdk: Sdk, sim: Simulator) -> None:
    sim.faults.add(Respond(500, stage=Stage.EXECUTING), "POST", times=1)
    errors: list[Any] = []
    for _ in range(2):
        with pytest.raises(stripe.APIError) as raised:
            sdk(RUNS, "create", asked(), {"idempotency_key": "mine"}, retries=2)
        errors.append(raised.value)

    first, again = errors
    assert [each.http_status for each in errors] == [500, 500]
    assert [each.headers.get("Idempotent-Replayed") for each in errors] == [None, "true"]
    assert again.headers["Original-Request"] == first.request_id
    assert (len(sim.requests), sim.runs) == (2, [])
    assert sdk(RUNS, "create", asked(), {"idempotency_key": "another"}).status == "succeeded"


def test_a_server_that_is_gone_is_a_connection_error(sdk: Sdk, sim: Simulator) -> None:
    sim.faults.add(Reset(), times=None)

    with pytest.raises(stripe.APIConnectionError):
        sdk(TYPES, "list")
