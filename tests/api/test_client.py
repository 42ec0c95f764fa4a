"""What the client sends, and what it makes of the answers."""

import itertools
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connector.api.client import StripeClient
from connector.api.credentials import Hosts
from connector.api.models import API_VERSION, ReportFile, RunStatus
from connector.api.responses import ResponseHead
from connector.api.retry import RetryPolicy
from connector.errors import (
    ConfigurationError,
    ConnectionFailedError,
    UnexpectedAnswerError,
)
from connector.simulator import SIMULATED_KEY, Simulator
from tests.api.handlers import DAY, always, day, seconds_for
from tests.conftest import ClientFor
from tests.faults.network import EditJson, Respond
from tests.support.clock import NOON, ManualClock


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


def test_a_client_shows_the_kind_of_its_key_and_whom_it_acts_for() -> None:
    assert repr(StripeClient("rk_live_51Abc", account="acct_1")) == (
        "StripeClient(rk_live_…, https://api.stripe.com, account=acct_1)"
    )
    with pytest.raises(ConfigurationError, match="account 'me' is not an account id; one looks like acct_"):
        StripeClient("rk_live_51Abc", account="me")


def test_the_time_is_stripes(client_for: ClientFor, clock: ManualClock) -> None:
    answer = httpx.Response(
        200, json={"data": [], "has_more": False}, headers={"Date": "Sun, 07 Jun 2026 10:00:00 GMT"}
    )
    client = client_for(always(answer))

    client.report_types()
    clock.sleep(30)

    assert client.now() == datetime(2026, 6, 7, 10, 0, 30, tzinfo=UTC)


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


def test_a_list_that_goes_on_and_on_is_left_after_a_thousand_pages(client_for: ClientFor) -> None:
    numbers = itertools.count(1)

    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": [{"id": f"acct_{next(numbers)}"}], "has_more": True})

    with pytest.raises(UnexpectedAnswerError, match="answered with a list that has no end"):
        client_for(handle).accounts()

    assert next(numbers) == 1_001


def test_without_a_limit_time_never_runs_out(client: StripeClient, clock: ManualClock) -> None:
    clock.sleep(1e9)

    assert client.time_left() == math.inf


def test_what_cannot_be_asked_is_said(client: StripeClient) -> None:
    client.create_report_run(DAY, idempotency_key="k" * 255)

    with pytest.raises(ConfigurationError, match=r"^an idempotency key has at most 255 characters$"):
        client.create_report_run(DAY, idempotency_key="k" * 256)
    with pytest.raises(ConfigurationError, match=r"^'\.\./x' is not an id Stripe would give$"):
        client.report_type("../x")
    with pytest.raises(ConfigurationError, match=rf"^'/{'x' * 79}' is not an id Stripe would give$"):
        client.report_type(f"/{'x' * 100}")


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
