"""The client against a Stripe in memory: what it sends, what it makes of answers, what it never does."""

import gzip
import itertools
import math
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connector.api.client import StripeClient
from connector.api.credentials import Hosts
from connector.api.models import API_VERSION, ReportFile, ReportRequest, RunStatus, epoch
from connector.api.rate_limit import divided
from connector.api.responses import ResponseHead
from connector.api.retry import WATCHED_RETRY, RetryPolicy
from connector.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    InvalidRequestError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    UnexpectedAnswerError,
    UntrustedHostError,
)
from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.faults import Stage
from tests.conftest import ClientFor
from tests.faults.network import EditJson, Html, Refuse, Reset, Respond, lock_timeout, rate_limited
from tests.support.clock import NOON, ManualClock

Handler = Callable[[httpx.Request], httpx.Response]

DAY = ReportRequest.of(
    "balance.summary.1",
    {
        "interval_start": epoch(datetime(2026, 6, 5, tzinfo=UTC)),
        "interval_end": epoch(datetime(2026, 6, 6, tzinfo=UTC)),
        "columns": ["category", "net_amount", "currency"],
    },
)


ONCE = RetryPolicy(give_up_after=0)
TYPES_URL = "https://api.stripe.com/v1/reporting/report_types"


def day(number: int) -> ReportRequest:
    start = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(days=number)
    bounds = {"interval_start": epoch(start), "interval_end": epoch(start + timedelta(days=1))}
    return ReportRequest.of("balance.summary.1", bounds)


def always(response: httpx.Response) -> Handler:
    return lambda _: httpx.Response(response.status_code, headers=response.headers, content=response.content)


def test_a_run_is_created_watched_and_its_file_read(client: StripeClient, clock: ManualClock) -> None:
    run = client.create_report_run(DAY, idempotency_key="k")
    assert (run.status, run.request, run.result) == (RunStatus.PENDING, DAY, None)
    assert run.request_id

    clock.sleep(60)
    run = client.report_run(run.id)

    assert run.status is RunStatus.SUCCEEDED
    assert run.result is not None
    assert client.file(run.result.id) == run.result
    with client.contents(run.result) as contents:
        body = b"".join(contents.chunks)
    assert len(body) == contents.total == run.result.size
    assert body.startswith(b'"category","net_amount","currency"\n')


def test_every_request_pins_the_version_and_names_the_account(
    simulator: Simulator, client_for: ClientFor, clock: ManualClock
) -> None:
    client = client_for(simulator.handle, account="acct_1Connected")

    run = client.create_report_run(DAY, idempotency_key="k")
    clock.sleep(60)
    result = client.report_run(run.id).result
    assert result is not None
    with client.contents(result) as contents:
        list(contents.chunks)

    assert {seen.version for seen in simulator.requests} == {API_VERSION}
    assert {seen.account for seen in simulator.requests} == {"acct_1Connected"}


def test_no_request_has_the_context_that_only_organisation_keys_need(
    simulator: Simulator, client_for: ClientFor, clock: ManualClock
) -> None:
    sent: list[httpx.Request] = []

    def seen(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return simulator.handle(request)

    client = client_for(seen, account="acct_1Connected")
    run = client.create_report_run(DAY, idempotency_key="k")
    clock.sleep(60)
    result = client.report_run(run.id).result
    assert result is not None
    with client.contents(result) as contents:
        list(contents.chunks)

    assert len(sent) == 3
    assert not any("stripe-context" in request.headers for request in sent)
    assert sent[0].headers["content-type"] == "application/x-www-form-urlencoded"


def test_an_answer_may_come_packed_in_the_one_way_that_is_unpacked_here(client_for: ClientFor) -> None:
    allowed: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        allowed.append(request.headers["accept-encoding"])
        return httpx.Response(200, json={"data": [], "has_more": False})

    client_for(handle).report_types()

    assert allowed == ["gzip"]


def test_an_answer_is_waited_for_as_long_as_the_connections_bear_or_as_time_is_left(
    client_for: ClientFor, clock: ManualClock
) -> None:
    bounds: list[float] = []

    def handle(request: httpx.Request) -> httpx.Response:
        bounds.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, json={"data": [], "has_more": False})

    client_for(handle).report_types()
    hasty = client_for(handle, retry=RetryPolicy(client_lasts=3.0))
    clock.sleep(1)
    hasty.report_types()
    client_for(handle, retry=RetryPolicy(client_lasts=60.0)).report_types()

    assert bounds == [5.0, 2.0, 5.0], "httpx's own bound is five seconds"


def test_a_file_without_a_url_is_read_from_the_host_for_files_by_its_id(client_for: ClientFor) -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, content=b"a")

    file = ReportFile("file_1", NOON, 1, "finance_report_run", url=None)
    with client_for(handle).contents(file) as contents:
        assert b"".join(contents.chunks) == b"a"

    assert asked == ["https://files.stripe.com/v1/files/file_1/contents"]


def test_report_types_come_with_their_availability(client: StripeClient) -> None:
    types = client.report_types()

    summary = types["balance.summary.1"]
    assert summary == client.report_type("balance.summary.1")
    assert summary.data_available_end == datetime(2026, 6, 7, tzinfo=UTC)
    assert summary.default_columns == ("category", "description", "net_amount", "currency")


def test_a_list_is_read_page_by_page_newest_first(client: StripeClient, clock: ManualClock) -> None:
    made = []
    for number in range(7):
        made.append(client.create_report_run(day(number), idempotency_key=str(number)).id)
        clock.sleep(1)
    newest_first = made[::-1]

    first = client.report_runs(limit=3)
    second = client.report_runs(limit=3, starting_after=first.data[-1].id)

    assert [run.id for run in first.data] == newest_first[:3]
    assert [run.id for run in second.data] == newest_first[3:6]
    assert first.has_more


def test_runs_are_filtered_by_when_they_were_created(client: StripeClient, clock: ManualClock) -> None:
    for number in range(3):
        client.create_report_run(day(number), idempotency_key=str(number))
        clock.sleep(10)

    def since(**created: datetime) -> int:
        return len(client.report_runs(created=created).data)

    second = client.report_runs().data[1].created
    assert since(gte=second) == 2
    assert since(gt=second) == 1
    assert since(lt=second) == 1
    assert since(lte=second) == 2


def test_every_page_of_a_long_list_is_taken_once(client: StripeClient) -> None:
    for number in range(205):
        client.create_report_run(day(number % 30), idempotency_key=str(number))

    pages = list(client.every_report_run(since=NOON - timedelta(days=1)))

    assert [len(page.data) for page in pages] == [100, 100, 5]
    assert len({run.id for page in pages for run in page.data}) == 205


def test_a_lost_answer_is_asked_for_again_under_the_same_key(
    simulator: Simulator, client: StripeClient
) -> None:
    simulator.faults.add(Reset(stage=Stage.AFTER), "POST")

    client.create_report_run(DAY, idempotency_key="k")

    assert len(simulator.runs) == 1
    assert {seen.idempotency_key for seen in simulator.requests} == {"k"}


@pytest.mark.parametrize(
    "fault", [Respond(503), Respond(502), Html(), Reset()], ids=["503", "502", "a-page", "a-reset"]
)
def test_what_may_pass_is_tried_again(simulator: Simulator, client: StripeClient, fault: Respond) -> None:
    simulator.faults.add(fault, "GET", times=3)

    assert client.report_types()


def test_a_read_that_failed_is_tried_again_whatever_stripe_says_and_a_creation_is_not(
    simulator: Simulator, client: StripeClient
) -> None:
    """Stripe says no to most repetitions, because that of a creation would replay the stored failure."""
    never = Respond(500, headers={"Stripe-Should-Retry": "false"})
    simulator.faults.add(never, times=1)
    assert client.report_types()

    simulator.faults.add(never, times=1)
    with pytest.raises(ServerError):
        client.create_report_run(DAY, idempotency_key="k")


def test_the_head_of_every_answer_is_shown_to_who_observes(
    simulator: Simulator, client_for: ClientFor
) -> None:
    heads: list[ResponseHead] = []
    simulator.faults.add(Respond(503), times=1)

    client_for(simulator.handle, observe=heads.append).report_types()

    assert [(each.method, each.url, each.status) for each in heads] == [
        ("GET", "https://api.stripe.com/v1/reporting/report_types", 503),
        ("GET", "https://api.stripe.com/v1/reporting/report_types", 200),
    ]
    assert "request-id" in heads[1].headers


def test_a_client_that_acts_for_an_account_shares_all_with_the_one_it_came_from(
    client_for: ClientFor, clock: ManualClock
) -> None:
    sent: list[str | None] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.get("stripe-account"))
        return httpx.Response(200, json={"data": []})

    own = client_for(handle)
    acting = own.acting_for("acct_1")
    seconds = seconds_for(26, acting.report_types, clock) + seconds_for(25, own.report_types, clock)

    assert sent == ["acct_1"] * 26 + [None] * 25
    assert seconds == pytest.approx(1.03 * 2.0, abs=0.02), "one pace for both"
    assert (own.account, acting.account) == (None, "acct_1")
    assert own.acting_for(None) is own
    assert acting.acting_for("acct_1") is acting
    with pytest.raises(ConfigurationError, match="account 'me' is not an account id"):
        own.acting_for("me")


def test_one_of_several_processes_takes_its_part_and_begins_when_chance_has_it(
    client_for: ClientFor, clock: ManualClock
) -> None:
    client = client_for(always(httpx.Response(200, json={"data": []})), processes=4, share=0.8)
    pause = 1 / divided(25, processes=4, share=0.8)

    assert seconds_for(1, client.report_types, clock) == pytest.approx(pause / 2)
    assert seconds_for(10, client.report_types, clock) == pytest.approx(1.03 * 10 * pause, abs=0.02)


def test_a_client_shows_the_kind_of_its_key_and_whom_it_acts_for() -> None:
    assert repr(StripeClient("rk_live_51Abc", account="acct_1")) == (
        "StripeClient(rk_live_…, https://api.stripe.com, account=acct_1)"
    )
    with pytest.raises(ConfigurationError, match="account 'me' is not an account id; one looks like acct_"):
        StripeClient("rk_live_51Abc", account="me")


def test_a_limit_on_reads_is_waited_out_as_long_as_stripe_asks(
    simulator: Simulator, client: StripeClient, clock: ManualClock
) -> None:
    simulator.faults.add(rate_limited(retry_after=20))

    client.report_types()

    assert clock.monotonic() >= 20


@pytest.mark.parametrize("reason", ["endpoint-concurrency", "global-concurrency", "resource-specific", None])
def test_a_limit_on_new_runs_is_the_callers_to_deal_with(
    simulator: Simulator, client: StripeClient, reason: str | None
) -> None:
    simulator.faults.add(rate_limited(reason=reason))

    with pytest.raises(RateLimitError) as caught:
        client.create_report_run(DAY, idempotency_key="k")

    assert caught.value.limit == reason


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(rate_limited(reason="endpoint-rate"), id="endpoint-rate"),
        pytest.param(rate_limited(reason="global-rate"), id="global-rate"),
        pytest.param(lock_timeout(), id="lock-timeout"),
    ],
)
def test_a_new_run_refused_for_a_moment_is_asked_for_again_with_the_same_key(
    simulator: Simulator, client: StripeClient, refusal: Respond
) -> None:
    simulator.faults.add(refusal)

    client.create_report_run(DAY, idempotency_key="k")

    sent = [(seen.status, seen.idempotency_key) for seen in simulator.requests]
    assert sent == [(429, "k"), (200, "k")]


@pytest.mark.parametrize(
    ("refusal", "slower"),
    [
        pytest.param(rate_limited(reason="endpoint-rate"), True, id="endpoint-rate"),
        pytest.param(rate_limited(reason="global-rate"), True, id="global-rate"),
        pytest.param(rate_limited(), True, id="no-reason"),
        pytest.param(rate_limited(reason="global-concurrency"), False, id="global-concurrency"),
        pytest.param(rate_limited(reason="resource-specific"), False, id="resource-specific"),
        pytest.param(lock_timeout(), False, id="lock-timeout"),
    ],
)
def test_only_a_limit_on_requests_a_second_slows_requests_down(
    simulator: Simulator, client: StripeClient, clock: ManualClock, refusal: Respond, slower: bool
) -> None:
    """A test key has 25 requests a second."""
    simulator.faults.add(refusal)
    client.report_runs()
    began = clock.monotonic()

    for _ in range(5):
        client.report_runs()

    assert (clock.monotonic() - began > 5.5 / 25) is slower


def seconds_for(calls: int, call: Callable[[], object], clock: ManualClock) -> float:
    """How long so many calls take, where Stripe itself takes no time."""
    began = clock.monotonic()
    for _ in range(calls):
        call()
    return clock.monotonic() - began


def test_calls_keep_below_the_limit_of_a_sandbox(client: StripeClient, clock: ManualClock) -> None:
    assert seconds_for(51, client.report_types, clock) >= 2.0


def test_reads_slow_down_after_a_refusal_and_come_back_to_their_pace(
    simulator: Simulator, client: StripeClient, clock: ManualClock
) -> None:
    usual = seconds_for(20, client.report_types, clock)
    simulator.faults.add(rate_limited(), "GET", times=1)
    client.report_types()

    slowed = seconds_for(20, client.report_types, clock)
    seconds_for(50, client.report_types, clock)

    assert slowed > 1.2 * usual
    assert seconds_for(20, client.report_types, clock) == pytest.approx(usual, rel=0.1)


def test_a_refused_download_slows_those_that_follow(
    simulator: Simulator, client: StripeClient, clock: ManualClock
) -> None:
    run = client.create_report_run(DAY, idempotency_key="k")
    clock.sleep(60)
    result = client.report_run(run.id).result
    assert result is not None

    def download() -> None:
        with client.contents(result):
            pass

    usual = seconds_for(20, download, clock)
    simulator.faults.add(rate_limited(), "GET */contents")
    with pytest.raises(RateLimitError):
        download()

    assert seconds_for(20, download, clock) > 1.2 * usual


def test_downloads_come_back_to_their_pace_after_a_refusal(
    simulator: Simulator, client: StripeClient, clock: ManualClock
) -> None:
    run = client.create_report_run(DAY, idempotency_key="k")
    clock.sleep(60)
    result = client.report_run(run.id).result
    assert result is not None
    simulator.faults.add(rate_limited(), "GET */contents")
    with pytest.raises(RateLimitError), client.contents(result):
        pass

    for _ in range(50):
        with client.contents(result):
            pass
    before = clock.monotonic()
    for _ in range(20):
        with client.contents(result):
            pass

    assert clock.monotonic() - before == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, InvalidRequestError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, InvalidRequestError),
    ],
)
def test_what_cannot_pass_is_not_tried_again(
    simulator: Simulator, client: StripeClient, status: int, error: type[Exception]
) -> None:
    simulator.faults.add(Respond(status), times=None)

    with pytest.raises(error, match=f"HTTP {status}.*request req_"):
        client.report_types()

    assert len(simulator.requests) == 1


def test_an_error_carries_what_stripe_said(client: StripeClient) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        client.create_report_run(ReportRequest.of("balance.summary.1", {}), idempotency_key="k")

    assert (caught.value.status, caught.value.code) == (400, "parameter_missing")
    assert caught.value.param
    assert caught.value.request_id
    named = f"(parameter {caught.value.param}, request {caught.value.request_id})"
    assert str(caught.value).endswith(named)


def test_patience_with_a_broken_stripe_ends(
    simulator: Simulator, client: StripeClient, clock: ManualClock
) -> None:
    simulator.faults.add(Respond(503), times=None)

    with pytest.raises(ServerError):
        client.report_types()

    assert 60 <= clock.monotonic() <= 120


def test_who_watches_waits_seconds_for_a_port_where_nobody_listens_and_longer_once_it_was_open(
    simulator: Simulator, client_for: ClientFor, clock: ManualClock
) -> None:
    client = client_for(simulator.handle, retry=WATCHED_RETRY)
    waited = []
    for answers in (0, 1):
        simulator.faults.add(Refuse(), times=None, skip=answers)
        began = clock.monotonic()
        with pytest.raises(ConnectionFailedError):
            [client.report_types() for _ in range(answers + 1)]
        waited.append(clock.monotonic() - began)
        simulator.faults.clear()

    assert waited[0] < 15
    assert waited[1] > 60


def test_nothing_is_tried_again_when_the_clients_time_is_over_by_then(
    client_for: ClientFor, clock: ManualClock
) -> None:
    hasty = client_for(always(httpx.Response(503)), retry=RetryPolicy(client_lasts=3.0))

    with pytest.raises(ServerError):
        hasty.report_types()

    assert clock.monotonic() < 3.0


def test_a_wait_that_takes_all_the_time_that_is_left_is_not_begun(
    client_for: ClientFor, clock: ManualClock
) -> None:
    hasty = client_for(always(httpx.Response(503)), retry=RetryPolicy(first=2.0, client_lasts=1.0))

    with pytest.raises(ServerError):
        hasty.report_types()

    assert clock.monotonic() == 0.0


def test_of_many_retries_one_is_worth_a_warning(
    simulator: Simulator, client: StripeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "connector.api")
    simulator.faults.add(Respond(503), times=6)

    client.report_types()

    retries = [record for record in caplog.records if "; trying again in " in record.getMessage()]
    assert [each.levelname for each in retries] == ["INFO", "INFO", "INFO", "WARNING", "INFO", "INFO"]
    assert retries[0].getMessage().startswith(f"GET {TYPES_URL}: HTTP 503: Something went wrong")
    assert retries[0].getMessage().endswith("; trying again in 0.2 s")


def test_nothing_is_tried_again_once_the_client_is_closed(client_for: ClientFor, clock: ManualClock) -> None:
    def close(_: httpx.Request) -> httpx.Response:
        client.close()
        return httpx.Response(503)

    client = client_for(close)

    with pytest.raises(ServerError):
        client.report_types()

    assert clock.monotonic() == 0.0


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[]", b"null", b"{", b'{"object":"list"}', b'{"data":[{}],"has_more":false}', b"\xff\xfe"],
    ids=["a page", "an array", "null", "cut off", "no data", "rows without an id", "not UTF-8"],
)
def test_an_answer_that_is_no_answer_is_an_error_of_its_own(client_for: ClientFor, body: bytes) -> None:
    client = client_for(always(httpx.Response(200, content=body)))

    with pytest.raises(UnexpectedAnswerError, match="report_types"):
        client.report_types()


@pytest.mark.parametrize(
    ("headers", "kind"), [({}, "of no stated type"), ({"Content-Type": "text/html"}, "text/html")]
)
def test_a_page_in_the_place_of_an_answer_is_named_with_its_type(
    client_for: ClientFor, headers: dict[str, str], kind: str
) -> None:
    client = client_for(always(httpx.Response(200, content=b"<html>", headers=headers)))

    with pytest.raises(UnexpectedAnswerError) as caught:
        client.report_types()

    assert f"report_types answered HTTP 200 with a body ({kind}) that is not a JSON object" in str(
        caught.value
    )


def test_a_strange_entry_in_a_list_does_not_hide_the_others(
    simulator: Simulator, client: StripeClient
) -> None:
    """Somebody else's run, of a kind nobody has documented, must not stop a backfill."""
    client.create_report_run(DAY, idempotency_key="k")

    odd = {"id": "frr_odd", "report_type": "x.1", "parameters": {"interval_start": "soon"}}

    def add(body: Any) -> None:
        body["data"].insert(0, odd)

    planted = simulator.faults.add(EditJson(add), "GET")

    assert [run.request for run in client.report_runs().data] == [DAY]
    assert planted.hits == 1


def test_the_time_is_stripes(client_for: ClientFor, clock: ManualClock) -> None:
    answer = httpx.Response(
        200, json={"data": [], "has_more": False}, headers={"Date": "Sun, 07 Jun 2026 10:00:00 GMT"}
    )
    client = client_for(always(answer))

    client.report_types()
    clock.sleep(30)

    assert client.now() == datetime(2026, 6, 7, 10, 0, 30, tzinfo=UTC)


def redirecting(to: str, sent: list[httpx.Request]) -> Handler:
    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if request.url.path == "/v1/reporting/report_types":
            return httpx.Response(307, headers={"Location": to})
        return httpx.Response(200, json={"data": [], "has_more": False})

    return handle


def test_a_redirect_to_a_trusted_host_is_followed(client_for: ClientFor) -> None:
    sent: list[httpx.Request] = []
    client = client_for(redirecting("https://files.stripe.com/v1/elsewhere", sent))

    client.report_types()

    assert [request.url.host for request in sent] == ["api.stripe.com", "files.stripe.com"]


def test_the_key_never_follows_a_redirect_to_another_host(client_for: ClientFor) -> None:
    sent: list[httpx.Request] = []
    client = client_for(redirecting("https://evil.example/v1/reporting/report_types", sent))

    with pytest.raises(UntrustedHostError):
        client.report_types()

    assert {request.url.host for request in sent} == {"api.stripe.com"}


@pytest.mark.parametrize(
    ("to", "kind", "said"),
    [
        # Found by a fuzzer.
        ("https:evil.example/x", ConnectionFailedError, "GET {url}: InvalidURL: "),
        ("//evil.example:port", ConnectionFailedError, "GET {url}: RemoteProtocolError: "),
        ("/\x00", ConnectionFailedError, "GET {url}: RemoteProtocolError: "),
        ("::", ConnectionFailedError, "GET {url}: RemoteProtocolError: "),
        ("https://xn--evil_/x", ConnectionFailedError, "GET {url}: IDNAError: "),
        ("https://[", UntrustedHostError, "asked to fetch from https://%5b, which is neither "),
        # Shown without the key, this is not a host name.
        (f"https://{SIMULATED_KEY}.evil/", UntrustedHostError, "{url} redirects to what is not a URL: "),
    ],
)
def test_a_redirect_to_what_is_no_url_is_an_error_of_ours(
    client_for: ClientFor, to: str, kind: type[Exception], said: str
) -> None:
    client = client_for(redirecting(to, []), retry=ONCE)

    with pytest.raises(kind) as caught:
        client.report_types()

    assert str(caught.value).startswith(said.format(url=TYPES_URL))
    assert SIMULATED_KEY not in str(caught.value)


def test_a_file_at_what_is_no_url_is_not_asked_for(client_for: ClientFor) -> None:
    sent: list[httpx.Request] = []
    file = ReportFile("file_1", NOON, 1, "x", url="https://files.stripe.com/\x00")

    with (
        pytest.raises(UntrustedHostError, match=r"^Stripe's answer holds a URL that cannot be read: Invalid"),
        client_for(redirecting("/x", sent)).contents(file),
    ):
        pass

    assert not sent


def test_connections_that_follow_redirects_by_themselves_take_the_key_no_further(
    clock: ManualClock,
) -> None:
    sent: list[httpx.Request] = []
    evil = redirecting("https://evil.example/v1/x", sent)
    following = httpx.Client(transport=httpx.MockTransport(evil), follow_redirects=True)

    with (
        StripeClient(SIMULATED_KEY, http=following, clock=clock) as client,
        pytest.raises(UntrustedHostError),
    ):
        client.report_types()

    assert [request.url.host for request in sent] == ["api.stripe.com"]


def test_a_redirect_loop_ends(client_for: ClientFor) -> None:
    sent: list[httpx.Request] = []
    client = client_for(redirecting("/v1/reporting/report_types", sent))

    with pytest.raises(UntrustedHostError, match="more than"):
        client.report_types()

    assert len(sent) < 10


def test_an_id_that_would_leave_its_path_is_not_sent(simulator: Simulator, client: StripeClient) -> None:
    with pytest.raises(ConfigurationError):
        client.report_run("../files/file_1")

    assert not simulator.requests


def test_a_run_of_the_other_mode_is_refused(simulator: Simulator, client_for: ClientFor) -> None:
    """A live key whose answers come from test mode has met something that is not Stripe."""

    def as_test(request: httpx.Request) -> httpx.Response:
        request.headers["Authorization"] = f"Bearer {SIMULATED_KEY}"
        return simulator.handle(request)

    client = client_for(as_test, api_key="sk_live_1")

    with pytest.raises(ConfigurationError, match="livemode False"):
        client.create_report_run(DAY, idempotency_key="k")


def test_a_run_of_the_other_mode_is_left_out_of_lists_and_said_once(
    simulator: Simulator, client_for: ClientFor, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that stands in for Stripe may list both."""
    live = client_for(simulator.handle, api_key="sk_live_1")
    run = live.create_report_run(DAY, idempotency_key="k")
    other = client_for(simulator.handle, api_key="sk_test_1").create_report_run(DAY, idempotency_key="k")

    def mix(body: dict[str, Any]) -> None:
        body["data"].insert(0, body["data"][0] | {"id": other.id, "livemode": False})

    simulator.faults.add(EditJson(mix), "GET */report_runs", times=None)
    pages = [live.report_runs(), *live.every_report_run(since=run.created)]

    assert [[each.id for each in page.data] for page in pages] == [[run.id], [run.id]]
    assert caplog.messages == [
        f"left out {other.id}: report run {other.id} has livemode False; the key sk_live_… is of the other "
        "mode"
    ]


def test_a_closed_client_sends_nothing(simulator: Simulator, client: StripeClient) -> None:
    client.close()

    with pytest.raises(ConnectionFailedError):
        client.report_types()

    assert not simulator.requests


def test_plain_http_to_the_world_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        StripeClient("sk_test_1", hosts=Hosts.of("http://api.stripe.com"))


def failing(error: Exception) -> Handler:
    def handle(_: httpx.Request) -> httpx.Response:
        raise error

    return handle


def broken_off() -> Iterator[bytes]:
    yield b'{"error": '
    raise httpx.ReadError("reset by peer")


def unproven() -> Exception:
    reason = ssl.SSLCertVerificationError(1, "certificate verify failed")
    reason.verify_message = "certificate has expired"
    error = httpx.ConnectError("[SSL] failed")
    error.__cause__ = reason
    return error


@pytest.mark.parametrize(
    ("handler", "kind", "said"),
    [
        (
            failing(httpx.ReadError("reset by peer")),
            ConnectionFailedError,
            f"GET {TYPES_URL}: ReadError: reset by peer",
        ),
        (failing(httpx.ConnectError("")), ConnectionFailedError, f"GET {TYPES_URL}: ConnectError"),
        (failing(httpx.ReadTimeout("late")), ConnectionFailedError, f"GET {TYPES_URL}: no answer within 5 s"),
        pytest.param(
            failing(httpx.ConnectError("a\nb")),
            ConnectionFailedError,
            rf"GET {TYPES_URL}: ConnectError: a\nb",
            id="two lines",
        ),
        (
            failing(unproven()),
            UntrustedHostError,
            "api.stripe.com could not prove who it is (TLS: certificate has expired); nothing was sent "
            "there. Look at this machine's clock and certificates, and at what stands in between",
        ),
        (
            redirecting("/v1/reporting/report_types", []),
            UntrustedHostError,
            f"{TYPES_URL} was redirected more than 3 times",
        ),
        (
            always(
                httpx.Response(200, content=b"[]", headers={"Content-Type": "a/b", "Request-Id": "req_1"})
            ),
            UnexpectedAnswerError,
            f"{TYPES_URL} answered HTTP 200 with a body (a/b) that is not a JSON object (request req_1)",
        ),
        (
            always(httpx.Response(200, content=b" " * ((32 << 20) + 1), headers={"Request-Id": "req_1"})),
            UnexpectedAnswerError,
            f"{TYPES_URL} answered with more than 32 MiB where a JSON object was due (request req_1)",
        ),
        (
            always(httpx.Response(401)),
            AuthenticationError,
            f"GET {TYPES_URL}: HTTP 401: no explanation [key sk_test_…: Stripe does not know it; check "
            "STRIPE_API_KEY, and whether the key was rolled or has expired]",
        ),
        (
            lambda _: httpx.Response(503, content=broken_off()),
            ServerError,
            f"GET {TYPES_URL}: HTTP 503: no explanation",
        ),
        (
            lambda _: httpx.Response(200, content=broken_off()),
            ConnectionFailedError,
            f"{TYPES_URL} broke off: ReadError: reset by peer",
        ),
        (
            lambda _: httpx.Response(
                200, content=iter([gzip.compress(b"{}")[:-1]]), headers={"Content-Encoding": "gzip"}
            ),
            ConnectionFailedError,
            f"{TYPES_URL} broke off: error: the packed body ends too early",
        ),
        (
            lambda _: httpx.Response(
                200, content=iter([b""]), headers={"Content-Encoding": "br", "Request-Id": "req_1"}
            ),
            UnexpectedAnswerError,
            f"{TYPES_URL} answered with the Content-Encoding 'br', which nobody asked for (request req_1)",
        ),
        *(
            (
                always(httpx.Response(200, json=body, headers={"Request-Id": "req_1"})),
                UnexpectedAnswerError,
                f"{TYPES_URL} answered with {what} (request req_1)",
            )
            for body, what in [
                ({"data": {}}, "an object that is not a list of objects with ids"),
                ({"data": [{"id": "../x"}]}, "an object that is not a list of objects with ids"),
                ({"data": [{"id": "x.1"}], "has_more": True}, "a list that has no end"),
            ]
        ),
    ],
)
def test_why_there_is_no_answer_is_said(
    client_for: ClientFor, handler: Handler, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind) as caught:
        client_for(handler, retry=ONCE).report_types()

    assert str(caught.value) == said
    statuses: dict[type[Exception], int] = {
        UnexpectedAnswerError: 200,
        AuthenticationError: 401,
        ServerError: 503,
    }
    assert getattr(caught.value, "status", None) == statuses.get(kind)


def test_an_answer_that_comes_in_pieces_is_put_together(client_for: ClientFor) -> None:
    pieces = [b'{"data": [{"id": "acct_1"}', b', {"id": "acct_2"}', b"]}"]

    client = client_for(lambda _: httpx.Response(200, content=iter(pieces)))

    assert [each.id for each in client.accounts()] == ["acct_1", "acct_2"]


def test_an_answer_that_takes_longer_than_any_of_stripes_is_left(
    client_for: ClientFor, clock: ManualClock
) -> None:
    def drops() -> Iterator[bytes]:
        while True:
            clock.sleep(50)
            yield b" "

    client = client_for(lambda _: httpx.Response(200, content=drops()), retry=ONCE)

    with pytest.raises(ConnectionFailedError, match=f"^{TYPES_URL} was still answering after 120 s$"):
        client.report_types()

    assert clock.monotonic() == 150


def test_a_time_to_wait_that_is_named_as_a_date_counts_by_stripes_clock(
    client_for: ClientFor, clock: ManualClock
) -> None:
    headers = {"Date": "Sun, 07 Jun 2026 10:00:00 GMT", "Retry-After": "Sun, 07 Jun 2026 10:00:20 GMT"}
    answers = [httpx.Response(429, headers=headers), httpx.Response(200, json={"data": []})]

    client_for(lambda _: answers.pop(0)).report_types()

    assert clock.monotonic() == pytest.approx(20, abs=1)


def test_an_answer_from_stripes_store_is_a_replay(client: StripeClient) -> None:
    replayed = [client.create_report_run(DAY, idempotency_key=key).replayed for key in "kkl"]

    assert replayed == [False, True, False]


def test_a_list_that_goes_on_and_on_is_left_after_a_thousand_pages(client_for: ClientFor) -> None:
    numbers = itertools.count(1)

    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": [{"id": f"acct_{next(numbers)}"}], "has_more": True})

    with pytest.raises(UnexpectedAnswerError, match="answered with a list that has no end"):
        client_for(handle).accounts()

    assert next(numbers) == 1_001


def test_how_often_it_was_tried_is_said(client_for: ClientFor) -> None:
    client = client_for(failing(httpx.ReadError("reset")), retry=RetryPolicy(first=2.0, give_up_after=3.5))

    with pytest.raises(ConnectionFailedError) as caught:
        client.report_types()

    tried = "[tried 3 times in 3 s; try again later]"
    assert str(caught.value) == f"GET {TYPES_URL}: ReadError: reset {tried}"


def test_where_no_time_is_left_nothing_is_sent(client_for: ClientFor, clock: ManualClock) -> None:
    sent: list[httpx.Request] = []
    client = client_for(redirecting("/x", sent), retry=RetryPolicy(client_lasts=1.0))
    clock.sleep(1)

    with pytest.raises(ConnectionFailedError) as caught:
        client.report_types()

    assert str(caught.value) == f"GET {TYPES_URL}: not sent, since no time is left for it"
    assert not sent
    assert client.time_left() == 0


def test_without_a_limit_time_never_runs_out(client: StripeClient, clock: ManualClock) -> None:
    clock.sleep(1e9)

    assert client.time_left() == math.inf


OBJECT: dict[str, Any] = {"id": "frr_1", "report_type": "t.1", "status": "pending", "created": 1}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (OBJECT, "an object that lacks 'livemode'"),
        (OBJECT | {"livemode": 1}, "an object that cannot be read: livemode is neither true nor false"),
        (OBJECT | {"livemode": False}, "report run frr_1, which is another one"),
    ],
)
def test_an_object_that_is_not_what_was_asked_for_is_said(
    client_for: ClientFor, body: dict[str, Any], said: str
) -> None:
    with pytest.raises(UnexpectedAnswerError) as caught:
        client_for(always(httpx.Response(200, json=body)), retry=ONCE).report_run("frr_2")

    assert str(caught.value) == f"https://api.stripe.com/v1/reporting/report_runs/frr_2 answered with {said}"


def test_what_cannot_be_asked_is_said(client: StripeClient) -> None:
    client.create_report_run(DAY, idempotency_key="k" * 255)

    with pytest.raises(ConfigurationError, match=r"^an idempotency key has at most 255 characters$"):
        client.create_report_run(DAY, idempotency_key="k" * 256)
    with pytest.raises(ConfigurationError, match=r"^'\.\./x' is not an id Stripe would give$"):
        client.report_type("../x")
    with pytest.raises(ConfigurationError, match=rf"^'/{'x' * 79}' is not an id Stripe would give$"):
        client.report_type(f"/{'x' * 100}")


def test_an_entry_that_is_left_out_is_named(client_for: ClientFor, caplog: pytest.LogCaptureFixture) -> None:
    body = {"data": [OBJECT, OBJECT | {"id": "frr_2", "livemode": False}], "has_more": "true"}

    page = client_for(always(httpx.Response(200, json=body))).report_runs()

    assert ([run.id for run in page.data], page.has_more) == (["frr_2"], False)
    assert caplog.messages == [
        "left out frr_1: https://api.stripe.com/v1/reporting/report_runs answered with an object that lacks "
        "'livemode'"
    ]


def test_each_method_asks_for_what_it_is_named_after(client_for: ClientFor) -> None:
    sent: list[tuple[str, str]] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append((request.method, str(request.url).removeprefix("https://api.stripe.com/v1/")))
        return httpx.Response(200, json={"data": [], "has_more": True})

    client, at = client_for(handle), datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)
    client.report_types()
    client.accounts()
    client.report_runs()
    client.report_runs(created={"gt": at, "lte": at}, limit=7, starting_after="frr_1")
    list(client.every_report_run(since=at))
    list(client.every_report_run(since=at, until=at + timedelta(seconds=1)))
    for ask in (client.report_run, client.report_type, client.file):
        with pytest.raises(UnexpectedAnswerError):
            ask("x.1")

    tried = {each: sent.count(each) for each in sent}
    assert list(tried) == [
        ("GET", "reporting/report_types"),
        ("GET", "accounts?limit=100"),
        ("GET", "reporting/report_runs?limit=100"),
        ("GET", "reporting/report_runs?created%5Bgt%5D=5&created%5Blte%5D=5&limit=7&starting_after=frr_1"),
        ("GET", "reporting/report_runs?created%5Bgte%5D=5&limit=100"),
        ("GET", "reporting/report_runs?created%5Bgte%5D=5&created%5Blte%5D=6&limit=100"),
        ("GET", "reporting/report_runs/x.1"),
        ("GET", "reporting/report_types/x.1"),
        ("GET", "files/x.1"),
    ]


def test_accounts_are_read_page_after_page(client_for: ClientFor) -> None:
    pages = {None: (["acct_3", "acct_2"], True), "acct_2": (["acct_1"], False)}

    def handle(request: httpx.Request) -> httpx.Response:
        ids, more = pages[request.url.params.get("starting_after")]
        return httpx.Response(200, json={"data": [{"id": id} for id in ids], "has_more": more})

    accounts = client_for(handle).accounts()

    assert [each.id for each in accounts] == ["acct_3", "acct_2", "acct_1"]


@pytest.mark.parametrize(
    ("call", "rate"),
    [
        pytest.param(lambda client: client.report_runs(), 25, id="a-list"),
        pytest.param(lambda client: client.report_run("frr_2"), 25, id="one-by-its-id"),
        pytest.param(lambda client: client.create_report_run(DAY, idempotency_key="k"), 25, id="a-creation"),
        pytest.param(lambda client: client.file("file_1"), 20, id="a-file"),
        pytest.param(
            lambda client: client.contents(ReportFile("file_1", NOON, 1, "x")).__enter__(), 20, id="contents"
        ),
    ],
)
def test_every_endpoint_has_its_own_pace(
    client_for: ClientFor, clock: ManualClock, call: Callable[[StripeClient], object], rate: int
) -> None:
    """A live key bears a hundred requests a second, and a list beside them all is one of these."""
    body = OBJECT | {"id": "frr_2", "livemode": True, "size": 1, "purpose": "x", "data": []}
    client = client_for(always(httpx.Response(200, json=body)), api_key="rk_live_1")

    assert seconds_for(1, client.report_types, clock) == 0.0
    seconds = seconds_for(rate + 1, lambda: call(client), clock)

    assert seconds == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(
    ("sent", "known"), [("books-1", "books-1"), ("b\x7fks", None), ("", None), (None, None)]
)
def test_the_books_are_those_that_a_simulator_names(
    client_for: ClientFor, sent: str | None, known: str | None
) -> None:
    headers = {} if sent is None else {"Simulator-Books": sent}
    answer = httpx.Response(200, json={"data": []}, headers=headers)
    there = client_for(always(answer), hosts=Hosts.of("http://127.0.0.1:8123"))
    stripe = client_for(always(answer))

    assert there.books is None, "before the first answer"
    there.report_types()
    stripe.report_types()

    assert there.books == (known if sent != "b\x7fks" else "b\\x7fks")
    assert stripe.books is None
