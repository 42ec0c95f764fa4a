"""Stripe's API: keys, headers, errors, lists, parameters."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.api.keys import FILES_READ, REPORTS_READ, REPORTS_WRITE
from connector.simulator.api.rate_limits import Limiter
from tests.faults.network import Respond
from tests.support.clock import ManualClock

RUNS = "/v1/reporting/report_runs"
TYPES = "/v1/reporting/report_types"
SUMMARY = "balance.summary.1"
LIVE_KEY = "sk_live_simulated0000000000000000"
ITEMIZED = "balance_change_from_activity.itemized.3"
Create = Callable[..., httpx.Response]


def second(*day: int) -> int:
    return int(datetime(*day, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc]


JUNE_1, JUNE_2 = second(2026, 6, 1), second(2026, 6, 2)
JUNE: dict[str, Any] = {"interval_start": JUNE_1, "interval_end": JUNE_2}


def error(response: httpx.Response) -> Any:
    return response.json()["error"]


def client(sim: Simulator, key: str | None, **headers: str) -> httpx.Client:
    auth = {"Authorization": f"Bearer {key}"} if key else {}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Client(
        base_url="https://api.stripe.com",
        transport=httpx.MockTransport(sim.handle),
        headers={**auth, **named},
    )


def downloaded(sim: Simulator, key: str) -> bytes:
    """The balance summary of a day, as a caller with that key gets it; runs must end at once."""
    http = client(sim, key)
    form = {"report_type": SUMMARY} | {f"parameters[{name}]": str(value) for name, value in JUNE.items()}
    return http.get(http.post(RUNS, data=form).json()["result"]["url"]).content


class TestKeys:
    def test_a_key_works_as_user_name_and_as_bearer_token(self, sim: Simulator, http: httpx.Client) -> None:
        assert http.get(TYPES).status_code == 200
        assert client(sim, SIMULATED_KEY).get(TYPES).status_code == 200

    @pytest.mark.parametrize("key", [None, "nonsense", "pk_test_123", "sk_test_"])
    def test_anything_else_is_turned_away(self, sim: Simulator, key: str | None) -> None:
        response = client(sim, key).get(TYPES)

        assert response.status_code == 401
        assert error(response)["type"] == "invalid_request_error"
        assert "Request-Id" in response.headers

    def test_an_error_never_shows_the_key(self, clock: ManualClock) -> None:
        sim = Simulator(clock, keys={SIMULATED_KEY: [REPORTS_READ]})

        answers = [client(sim, "sk_test_verysecret1234"), client(sim, SIMULATED_KEY)]

        assert "verysecret" not in answers[0].get(TYPES).text
        assert SIMULATED_KEY not in answers[1].get("/v1/files").text

    def test_a_restricted_key_does_only_what_it_may(self, clock: ManualClock) -> None:
        sim = Simulator(clock, keys={"rk_test_1": [REPORTS_WRITE], "rk_test_2": [FILES_READ]})
        runs, files = client(sim, "rk_test_1"), client(sim, "rk_test_2")

        assert runs.get(RUNS).status_code == 200
        assert runs.get("/v1/files").status_code == 403
        assert files.get("/v1/files").status_code == 200
        assert files.get(TYPES).status_code == 403

    @pytest.mark.parametrize("needed", [REPORTS_READ, REPORTS_WRITE])
    def test_reading_is_enough_to_create_a_run_unless_it_was_made_stricter(
        self, clock: ManualClock, needed: str
    ) -> None:
        sim = Simulator(clock, keys={"rk_test_1": [REPORTS_READ]})
        sim.keyring.creating_needs = needed

        refused = client(sim, "rk_test_1").post(RUNS).status_code

        assert refused == (400 if needed == REPORTS_READ else 403)

    def test_a_revoked_key_stops_working(self, sim: Simulator, http: httpx.Client) -> None:
        sim.keyring.revoke(SIMULATED_KEY)

        assert error(http.get(TYPES))["code"] == "api_key_expired"

    def test_the_mode_follows_the_key_and_its_runs_are_its_own(self, sim: Simulator, create: Create) -> None:
        run = create(SUMMARY, **JUNE).json()
        live = client(sim, "rk_live_123")

        assert run["livemode"] is False
        assert live.get(f"{RUNS}/{run['id']}").status_code == 404
        assert live.get(TYPES).json()["data"][0]["livemode"] is True

    def test_all_keys_of_an_account_read_the_same_books(self, clock: ManualClock) -> None:
        sim = Simulator(clock, run_seconds=0)

        bodies = {downloaded(sim, key) for key in (SIMULATED_KEY, "rk_test_1", "rk_live_1", "sk_live_1")}

        assert bodies == {sim.csv(SUMMARY, **JUNE)}

    def test_a_key_may_belong_to_another_account_with_books_of_its_own(self, clock: ManualClock) -> None:
        sim = Simulator(clock, run_seconds=0)
        sim.add_account("rk_test_other", "acct_other")

        assert downloaded(sim, "rk_test_other") == sim.csv(SUMMARY, account="acct_other", **JUNE)
        assert downloaded(sim, "rk_test_other") != downloaded(sim, SIMULATED_KEY)
        assert len(client(sim, "rk_test_other").get(RUNS).json()["data"]) == 2
        as_first = client(sim, "rk_test_other", Stripe_Account=sim.account)
        assert as_first.get(TYPES).status_code == 403

    def test_an_account_acted_for_has_runs_and_books_of_its_own(
        self, sim: Simulator, http: httpx.Client, create: Create, clock: ManualClock
    ) -> None:
        mine = create(SUMMARY, interval_start=JUNE_1, interval_end=JUNE_2).json()["id"]
        as_other = {"Stripe-Account": "acct_other"}
        theirs = create(SUMMARY, headers=as_other, interval_start=JUNE_1, interval_end=JUNE_2).json()["id"]
        clock.sleep(60)

        listed = http.get(RUNS, headers=as_other).json()["data"]

        assert [run["id"] for run in listed] == [theirs]
        assert http.get(f"{RUNS}/{mine}").status_code == 200
        assert http.get(f"{RUNS}/{mine}", headers=as_other).status_code == 404
        assert sim.csv(SUMMARY, **JUNE) != sim.csv(SUMMARY, account="acct_other", **JUNE)
        assert http.get(f"/v1/files/{listed[0]['result']['id']}").status_code == 404

    def test_an_account_not_connected_is_forbidden(self, clock: ManualClock) -> None:
        sim = Simulator(clock, connected_accounts=["acct_known"])

        assert client(sim, SIMULATED_KEY, Stripe_Account="acct_known").get(TYPES).status_code == 200
        refused = client(sim, SIMULATED_KEY, Stripe_Account="acct_other").get(TYPES)
        assert (refused.status_code, error(refused)["code"]) == (403, "account_invalid")


class TestHeaders:
    def test_every_answer_has_its_id_and_the_simulators_date(self, http: httpx.Client) -> None:
        first, second = http.get(TYPES), http.get("/v1/nothing")

        assert first.headers["Request-Id"] != second.headers["Request-Id"]
        assert first.headers["Date"] == second.headers["Date"] == "Wed, 10 Jun 2026 15:30:00 GMT"

    def test_the_books_are_named_in_every_answer(self, sim: Simulator, http: httpx.Client) -> None:
        answers = [http.get(TYPES), http.get("/v1/nothing"), client(sim, None).get(TYPES)]
        sim.faults.add(Respond(500))
        answers.append(http.get(TYPES))
        live = client(sim, "rk_live_1").get(TYPES)
        acting = http.get(TYPES, headers={"Stripe-Account": sim.connected_accounts[0]})
        sim.add_account("sk_test_other", "acct_1other")
        other = client(sim, "sk_test_other").get(TYPES)

        assert [answer.status_code for answer in answers] == [200, 404, 401, 500]
        own = [*answers, live, acting]
        assert {answer.headers["Simulator-Books"] for answer in own} == {sim.books_id()}
        assert other.headers["Simulator-Books"] == sim.books_id("acct_1other") != sim.books_id()

    @pytest.mark.parametrize(
        "other",
        [
            {"seed": 8},
            {"opening": date(2026, 5, 2)},
            {"volume": 26},
            {"account": "acct_1other"},
            {"connected_accounts": ["acct_1other"]},
            {"extra_categories": False},
            {"payouts_without_currency": True},
        ],
        ids=str,
    )
    def test_other_books_have_another_name(
        self, sim: Simulator, clock: ManualClock, other: dict[str, Any]
    ) -> None:
        same: dict[str, Any] = {"seed": 7, "opening": date(2026, 5, 1)}

        assert Simulator(clock, **same, run_seconds=1).books_id() == sim.books_id()
        assert Simulator(clock, **same | other).books_id() != sim.books_id()

    def test_a_post_gets_its_key_back_and_a_get_does_not(self, http: httpx.Client, create: Create) -> None:
        made = create(SUMMARY, headers={"Idempotency-Key": "k"}, **JUNE)

        assert made.headers["Idempotency-Key"] == "k"
        assert made.headers["Original-Request"] == made.headers["Request-Id"]
        assert "Idempotency-Key" not in http.get(RUNS, headers={"Idempotency-Key": "k"}).headers
        assert "Original-Request" not in create(SUMMARY, **JUNE).headers

    def test_the_version_is_echoed_and_has_a_default(self, http: httpx.Client) -> None:
        pinned = http.get(TYPES, headers={"Stripe-Version": "2026-06-24.dahlia"})

        assert pinned.headers["Stripe-Version"] == "2026-06-24.dahlia"
        assert http.get(TYPES).headers["Stripe-Version"] == "2026-09-30.endive"
        assert http.get(TYPES, headers={"Stripe-Version": "tomorrow"}).status_code == 400

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/"),
            ("GET", "/v1/charges"),
            ("DELETE", f"{RUNS}/frr_1"),
            ("POST", TYPES),
            ("PUT", RUNS),
            ("GET", "/v1/files/file_1/contents"),
        ],
    )
    def test_what_does_not_exist_is_a_404_naming_the_request(
        self, http: httpx.Client, method: str, path: str
    ) -> None:
        """The last one: contents are read from another host."""
        response = http.request(method, path)

        assert response.status_code == 404
        assert f"({method}: {path})" in error(response)["message"]

    def test_head_answers_like_get_without_a_body(self, http: httpx.Client) -> None:
        head, get = http.head(TYPES), http.get(TYPES)

        assert head.content == b""
        assert head.headers["Content-Length"] == str(len(get.content))


class TestReportTypes:
    def test_all_come_in_one_list(self, http: httpx.Client) -> None:
        page = http.get(TYPES).json()

        assert {SUMMARY, ITEMIZED} <= {report_type["id"] for report_type in page["data"]}
        assert (page["object"], page["has_more"], page["url"]) == ("list", False, TYPES)
        assert page["data"][0] == http.get(f"{TYPES}/{page['data'][0]['id']}").json()

    def test_an_unknown_one_is_missing(self, http: httpx.Client) -> None:
        response = http.get(f"{TYPES}/balance.summary.9")

        assert (response.status_code, error(response)["code"]) == (404, "resource_missing")

    @pytest.mark.parametrize(
        ("now", "end"),
        [
            pytest.param((6, 11, 11, 59, 59), (6, 10, 12), id="a-day-is-not-there-before-noon-of-the-next"),
            pytest.param((6, 11, 12, 0, 0), (6, 11, 0), id="at-noon-it-is"),
            pytest.param((6, 11, 23, 59, 59), (6, 11, 0), id="and-stays-the-end-until-midnight"),
            pytest.param((6, 12, 0, 0, 0), (6, 11, 12), id="then-the-end-stands-at-noon"),
        ],
    )
    def test_availability_advances_at_midnight_and_at_noon(
        self, http: httpx.Client, clock: ManualClock, now: tuple[int, ...], end: tuple[int, ...]
    ) -> None:
        clock.move_to(datetime(2026, *now, tzinfo=UTC))  # type: ignore[arg-type,misc]

        assert http.get(f"{TYPES}/{SUMMARY}").json()["data_available_end"] == second(2026, *end)

    def test_updated_follows_shortly_after_and_never_lies_ahead(
        self, http: httpx.Client, clock: ManualClock
    ) -> None:
        clock.move_to(datetime(2026, 6, 11, 12, 0, 0, tzinfo=UTC))
        just_before = http.get(f"{TYPES}/{SUMMARY}").json()["updated"]
        clock.sleep(200)
        after = http.get(f"{TYPES}/{SUMMARY}").json()["updated"]

        assert just_before < second(2026, 6, 11, 1) < second(2026, 6, 11, 12) < after
        assert after <= clock.now().timestamp()

    def test_availability_can_be_held_back(self, sim: Simulator, http: httpx.Client, create: Create) -> None:
        sim.set_available_until(SUMMARY, datetime(2026, 6, 1, tzinfo=UTC))

        assert http.get(f"{TYPES}/{SUMMARY}").json()["data_available_end"] == JUNE_1
        assert create(SUMMARY, interval_start=JUNE_1, interval_end=JUNE_2).status_code == 400


class TestParameters:
    def test_the_run_echoes_them_typed_and_complete(self, create: Create) -> None:
        run = create(SUMMARY, interval_start=JUNE_1, interval_end=JUNE_2, currency="USD").json()

        assert run["parameters"] == {
            "interval_start": JUNE_1,
            "interval_end": JUNE_2,
            "currency": "usd",
            "timezone": "Etc/UTC",
            "columns": ["category", "description", "net_amount", "currency"],
        }

    def test_columns_may_be_indexed_or_not(self, http: httpx.Client) -> None:
        base = {
            "report_type": ITEMIZED,
            "parameters[interval_start]": str(JUNE_1),
            "parameters[interval_end]": str(JUNE_2),
        }
        plain = http.post(RUNS, data=base | {"parameters[columns][]": ["net", "payment_metadata[order_id]"]})
        indexed = http.post(
            RUNS,
            data=base
            | {"parameters[columns][1]": "payment_metadata[order_id]", "parameters[columns][0]": "net"},
        )

        assert plain.json()["parameters"] == indexed.json()["parameters"]
        assert plain.json()["parameters"]["columns"] == ["net", "payment_metadata[order_id]"]

    @pytest.mark.parametrize(
        ("change", "param", "code"),
        [
            pytest.param({"interval_start": None}, "interval_start", "parameter_missing", id="missing"),
            pytest.param({"interval_start": ""}, "interval_start", "parameter_invalid_empty", id="empty"),
            pytest.param({"interval_end": "soon"}, "interval_end", "parameter_invalid_integer", id="text"),
            pytest.param({"interval_end": "1.5"}, "interval_end", "parameter_invalid_integer", id="fraction"),
            pytest.param({"interval_end": JUNE_1}, "interval_start", None, id="nothing-between"),
            pytest.param({"interval_start": 0}, "interval_start", None, id="before-the-first-day"),
            pytest.param({"interval_end": second(2026, 6, 11)}, "interval_end", None, id="not-available-yet"),
            pytest.param({"interval_end": 10**17}, "interval_end", None, id="beyond-the-calendar"),
            pytest.param({"columns": ["net_amount", "gross"]}, "columns][1", None, id="unknown-column"),
            pytest.param({"columns": "net_amount"}, "columns", None, id="not-a-list"),
            pytest.param({"timezone": "Mars/Base"}, "timezone", None, id="no-such-zone"),
            pytest.param({"timezone": "../etc/passwd"}, "timezone", None, id="no-zone-at-all"),
            pytest.param({"currency": "xxx"}, "currency", None, id="no-such-currency"),
            pytest.param({"payout": "po_1"}, "payout", "parameter_unknown", id="not-taken-by-the-type"),
            pytest.param({"colour": "red"}, "colour", "parameter_unknown", id="unknown"),
        ],
    )
    def test_bad_ones_are_refused_by_name(
        self, sim: Simulator, create: Create, change: dict[str, Any], param: str, code: str | None
    ) -> None:
        good: dict[str, Any] = {"interval_start": JUNE_1, "interval_end": JUNE_2}
        wanted = {name: value for name, value in (good | change).items() if value is not None}

        response = create(SUMMARY, **wanted)

        assert response.status_code == 400
        assert error(response)["param"] == f"parameters[{param}]"
        assert error(response).get("code") == code
        assert sim.runs == []

    def test_an_interval_may_touch_both_ends_of_availability(
        self, http: httpx.Client, create: Create
    ) -> None:
        report_type = http.get(f"{TYPES}/{SUMMARY}").json()
        start, end = report_type["data_available_start"], report_type["data_available_end"]

        assert create(SUMMARY, interval_start=start, interval_end=end).status_code == 200
        assert create(SUMMARY, interval_start=start - 1, interval_end=end).status_code == 400
        late = create(SUMMARY, interval_start=start, interval_end=end + 1)
        assert late.status_code == 400
        assert f"{SUMMARY} is only available through {end} (" in late.json()["error"]["message"]

    def test_or_it_has_to_lie_a_second_inside_wherever_the_data_begin(self, clock: ManualClock) -> None:
        sim = Simulator(clock, run_seconds=0, opening=date(2026, 5, 1), bounds_excluded=True)
        sim.set_available_from(SUMMARY, datetime(2026, 5, 1, 22, tzinfo=UTC))
        with client(sim, LIVE_KEY) as http:
            report_type = http.get(f"{TYPES}/{SUMMARY}").json()
            start, end = report_type["data_available_start"], report_type["data_available_end"]
            answers = {
                (after, before): http.post(
                    RUNS,
                    data={
                        "report_type": SUMMARY,
                        "parameters[interval_start]": start + after,
                        "parameters[interval_end]": end - before,
                    },
                ).status_code
                for after in (0, 1)
                for before in (0, 1)
            }

        assert start == int(datetime(2026, 5, 1, 22, tzinfo=UTC).timestamp())
        assert answers == {(0, 0): 400, (0, 1): 400, (1, 0): 400, (1, 1): 200}

    def test_a_type_that_does_not_exist_is_missing(self, create: Create) -> None:
        response = create("balance.summary.9", interval_start=JUNE_1, interval_end=JUNE_2)

        assert (response.status_code, error(response)["code"]) == (404, "resource_missing")

    def test_the_form_has_no_other_members(self, http: httpx.Client) -> None:
        assert error(http.post(RUNS, data={"metadata": "x"}))["code"] == "parameter_unknown"
        assert error(http.post(RUNS))["code"] == "parameter_missing"


class TestLists:
    @pytest.fixture
    def ids(self, create: Create, clock: ManualClock) -> list[str]:
        """Twelve runs, a minute apart, newest first."""
        made = []
        for _ in range(12):
            made.append(create(SUMMARY, interval_start=JUNE_1, interval_end=JUNE_2).json()["id"])
            clock.sleep(60)
        return made[::-1]

    @staticmethod
    def listed(http: httpx.Client, **query: str | int) -> tuple[list[str], bool]:
        page = http.get(RUNS, params=query).json()
        return [run["id"] for run in page["data"]], page["has_more"]

    def test_they_are_newest_first_and_ten_by_default(self, http: httpx.Client, ids: list[str]) -> None:
        assert self.listed(http) == (ids[:10], True)
        assert self.listed(http, limit=100) == (ids, False)
        assert self.listed(http, limit=12) == (ids, False)

    def test_cursors_go_both_ways_and_leave_themselves_out(self, http: httpx.Client, ids: list[str]) -> None:
        assert self.listed(http, limit=3, starting_after=ids[2]) == (ids[3:6], True)
        assert self.listed(http, limit=3, starting_after=ids[8]) == (ids[9:], False)
        assert self.listed(http, limit=3, ending_before=ids[6]) == (ids[3:6], True)
        assert self.listed(http, limit=3, ending_before=ids[2]) == (ids[:2], False)

    def test_created_is_a_moment_or_bounds(self, sim: Simulator, http: httpx.Client, ids: list[str]) -> None:
        moments = [run.created for run in sim.runs]

        assert self.listed(http, created=moments[4]) == ([ids[-5]], False)
        bounds = {"created[gt]": moments[2], "created[lte]": moments[4]}
        assert self.listed(http, **bounds) == ([ids[-5], ids[-4]], False)
        bounds = {"created[gte]": moments[2], "created[lt]": moments[4]}
        assert self.listed(http, **bounds) == ([ids[-4], ids[-3]], False)

    @pytest.mark.parametrize(
        ("query", "param", "code"),
        [
            ({"limit": "0"}, "limit", "parameter_invalid_integer"),
            ({"limit": "101"}, "limit", "parameter_invalid_integer"),
            ({"limit": "many"}, "limit", "parameter_invalid_integer"),
            ({"starting_after": "frr_gone"}, "starting_after", "resource_missing"),
            ({"created[since]": "1"}, "created[since]", "parameter_unknown"),
            ({"created[gt]": "x"}, "created[gt]", "parameter_invalid_integer"),
            ({"status": "pending"}, "status", "parameter_unknown"),
            ({"starting_after": "a", "ending_before": "b"}, "ending_before", None),
        ],
    )
    def test_bad_queries_are_refused_by_name(
        self, http: httpx.Client, query: dict[str, str], param: str, code: str | None
    ) -> None:
        response = http.get(RUNS, params=query)

        assert response.status_code == 400
        assert (error(response)["param"], error(response).get("code")) == (param, code)


def test_limits_hold_for_each_second(clock: ManualClock) -> None:
    sim = Simulator(clock, limiter=Limiter())
    http = client(sim, SIMULATED_KEY)

    statuses = [http.get(TYPES).status_code for _ in range(26)]
    clock.sleep(1)

    assert statuses == [200] * 25 + [429]
    assert http.get(TYPES).status_code == 200


@pytest.mark.parametrize(
    ("key", "requests", "accepted", "reason"),
    [
        pytest.param(LIVE_KEY, [("GET", TYPES)] * 26, 25, "endpoint-rate", id="one-endpoint"),
        pytest.param(
            LIVE_KEY, [("GET", f"{RUNS}/frr_{n}") for n in range(26)], 25, "endpoint-rate", id="one-template"
        ),
        pytest.param(
            LIVE_KEY,
            [("GET", TYPES), ("GET", f"{TYPES}/{SUMMARY}")] * 25,
            50,
            None,
            id="a-list-and-its-items",
        ),
        pytest.param(LIVE_KEY, [("GET", RUNS), ("POST", RUNS)] * 25, 50, None, id="reads-and-writes"),
        pytest.param(
            SIMULATED_KEY, [("GET", RUNS), ("POST", RUNS)] * 13, 25, "global-rate", id="together-in-a-sandbox"
        ),
        pytest.param(
            LIVE_KEY,
            [("GET", f"/v1/files/file_{n}") for n in range(10)]
            + [("GET", f"https://files.stripe.com/v1/files/file_{n}/contents") for n in range(11)],
            20,
            "endpoint-rate",
            id="files-and-their-contents",
        ),
        pytest.param(
            LIVE_KEY,
            [
                *[("GET", TYPES), ("GET", f"{TYPES}/{SUMMARY}"), ("GET", RUNS), ("POST", RUNS)] * 25,
                ("GET", f"{RUNS}/frr_1"),
            ],
            100,
            "global-rate",
            id="all-endpoints",
        ),
    ],
)
def test_each_endpoint_is_counted_and_all_together_and_the_answer_says_which(
    clock: ManualClock, key: str, requests: list[tuple[str, str]], accepted: int, reason: str | None
) -> None:
    http = client(Simulator(clock, limiter=Limiter()), key)

    answers = [http.request(*each) for each in requests]

    assert [answer.status_code == 429 for answer in answers] == [n >= accepted for n in range(len(requests))]
    assert answers[-1].headers.get("Stripe-Rate-Limited-Reason") == reason


def test_too_many_pending_runs_are_refused_until_some_end(clock: ManualClock) -> None:
    sim = Simulator(clock, run_seconds=60, max_pending_runs=1)
    http = client(sim, SIMULATED_KEY)
    form = {
        "report_type": SUMMARY,
        "parameters[interval_start]": str(JUNE_1),
        "parameters[interval_end]": str(JUNE_2),
    }

    first, second_ = [http.post(RUNS, data=form) for _ in range(2)]
    assert [first.status_code, second_.status_code] == [200, 429]
    assert second_.headers["Stripe-Rate-Limited-Reason"] == "endpoint-concurrency"
    clock.sleep(timedelta(minutes=1).total_seconds())
    assert http.post(RUNS, data=form).status_code == 200


def test_requests_are_logged_without_the_key(sim: Simulator, http: httpx.Client, create: Create) -> None:
    run = create(SUMMARY, headers={"Idempotency-Key": "k"}, interval_start=JUNE_1, interval_end=JUNE_2)
    http.get(f"{RUNS}/{run.json()['id']}")

    posted, got = sim.requests
    assert (posted.method, posted.path, posted.status, posted.report_type) == ("POST", RUNS, 200, SUMMARY)
    assert (posted.idempotency_key, posted.run) == ("k", run.json()["id"])
    assert (got.run, got.report_type) == (run.json()["id"], SUMMARY)
    assert SIMULATED_KEY not in repr(sim.requests)
