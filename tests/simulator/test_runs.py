"""Report runs: time, result, reuse, and requests sent twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from connector.simulator import Simulator, Stage
from tests.faults.network import Delay, Respond
from tests.faults.runs import ResultReused
from tests.support.clock import ManualClock
from tests.support.stripe import caller

RUNS = "/v1/reporting/report_runs"
SUMMARY = "balance.summary.1"
JUNE_1 = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
JUNE_2 = JUNE_1 + 86_400
JUNE: dict[str, int] = {"interval_start": JUNE_1, "interval_end": JUNE_2}
FORM = {
    "report_type": SUMMARY,
    "parameters[interval_start]": str(JUNE_1),
    "parameters[interval_end]": str(JUNE_2),
}
Create = Callable[..., httpx.Response]


class TestTime:
    def test_a_run_is_pending_until_its_time_has_come(
        self, http: httpx.Client, create: Create, clock: ManualClock
    ) -> None:
        run = create(SUMMARY, **JUNE).json()
        clock.sleep(59)
        waiting = http.get(f"{RUNS}/{run['id']}").json()
        clock.sleep(1)
        done = http.get(f"{RUNS}/{run['id']}").json()

        assert run == waiting
        assert (run["status"], run["result"], run["succeeded_at"]) == ("pending", None, None)
        assert (done["status"], done["error"]) == ("succeeded", None)
        assert done["succeeded_at"] == run["created"] + 60
        assert done["result"]["created"] == done["succeeded_at"]

    def test_it_may_have_succeeded_in_the_very_answer(self, clock: ManualClock) -> None:
        run = caller(Simulator(clock, run_seconds=0)).post(RUNS, data=FORM).json()

        assert run["status"] == "succeeded"
        assert run["result"]["size"] > 0

    def test_durations_are_drawn_from_the_seed(self) -> None:
        def durations(seed: int) -> list[float]:
            clock = ManualClock()
            sim = Simulator(clock, seed=seed, run_seconds=(10, 20))
            http = caller(sim)
            for _ in range(5):
                http.post(RUNS, data=FORM)
            return [run.ends_at - clock.now().timestamp() for run in sim.runs if run.ends_at]

        assert durations(1) == durations(1) != durations(2)
        assert all(10 <= seconds <= 20 for seconds in durations(1))

    def test_ids_differ_between_two_lives_of_one_seed(self) -> None:
        """A simulator started again must not hand out the ids of its former life for other runs."""
        lives = [Simulator(ManualClock(datetime(2026, 6, day, 13, tzinfo=UTC))) for day in (10, 11)]

        ids = [caller(sim).post(RUNS, data=FORM).json()["id"] for sim in lives]

        assert ids[0] != ids[1]


class TestFiles:
    def test_the_file_says_what_it_holds_and_how_long(
        self, http: httpx.Client, create: Create, clock: ManualClock
    ) -> None:
        run_id = create(SUMMARY, **JUNE).json()["id"]
        clock.sleep(60)
        file = http.get(f"{RUNS}/{run_id}").json()["result"]
        body = http.get(file["url"]).content

        assert file["url"] == f"https://files.stripe.com/v1/files/{file['id']}/contents"
        assert (file["filename"], file["title"]) == (f"{run_id}.csv", f"FinanceReportRun {run_id}")
        assert (file["purpose"], file["type"]) == ("finance_report_run", "csv")
        assert file["size"] == len(body)
        assert file["expires_at"] == file["created"] + timedelta(days=365).total_seconds()
        assert http.get(f"/v1/files/{file['id']}").json() == file
        assert http.get("/v1/files", params={"purpose": "finance_report_run"}).json()["data"] == [file]
        assert http.get("/v1/files", params={"purpose": "dispute_evidence"}).json()["data"] == []

    def test_a_file_is_gone_after_a_year(
        self, http: httpx.Client, create: Create, clock: ManualClock
    ) -> None:
        create(SUMMARY, **JUNE)
        clock.sleep(60)
        url = http.get(RUNS).json()["data"][0]["result"]["url"]
        clock.sleep(timedelta(days=365).total_seconds())

        assert http.get(url).status_code == 404

    def test_there_is_no_file_before_the_run_has_ended(
        self, sim: Simulator, http: httpx.Client, create: Create
    ) -> None:
        create(SUMMARY, **JUNE)

        assert http.get(f"/v1/files/{sim.runs[0].file.id}").status_code == 404
        assert http.get("/v1/files").json()["data"] == []

    def test_contents_need_the_key(self, clock: ManualClock) -> None:
        sim = Simulator(clock, run_seconds=0)
        url = caller(sim).post(RUNS, data=FORM).json()["result"]["url"]

        assert httpx.Client(transport=httpx.MockTransport(sim.handle)).get(url).status_code == 401

    @pytest.mark.parametrize(
        ("asked", "status", "piece"),
        [
            ("bytes=0-9", 206, slice(0, 10)),
            ("bytes=100-", 206, slice(100, None)),
            ("bytes=-7", 206, slice(-7, None)),
            ("bytes=5-999999", 206, slice(5, None)),
            ("bytes=0-1,4-5", 200, slice(None)),
            ("bytes=9-5", 200, slice(None)),
            ("rows=1-2", 200, slice(None)),
            ("bytes=999999-", 416, slice(0, 0)),
            ("bytes=-0", 416, slice(0, 0)),
        ],
    )
    def test_a_range_is_a_piece_of_the_whole(
        self, clock: ManualClock, asked: str, status: int, piece: slice
    ) -> None:
        http = caller(Simulator(clock, run_seconds=0))
        url = http.post(RUNS, data=FORM).json()["result"]["url"]
        whole = http.get(url).content

        response = http.get(url, headers={"Range": asked})

        assert (response.status_code, response.content) == (status, whole[piece])
        if status == 206:
            first, stop, _ = piece.indices(len(whole))
            assert response.headers["Content-Range"] == f"bytes {first}-{stop - 1}/{len(whole)}"
        if status == 416:
            assert response.headers["Content-Range"] == f"bytes */{len(whole)}"

    def test_a_range_of_another_edition_gets_everything(self, clock: ManualClock) -> None:
        http = caller(Simulator(clock, run_seconds=0))
        url = http.post(RUNS, data=FORM).json()["result"]["url"]
        tag = http.get(url).headers["ETag"]

        assert http.get(url, headers={"Range": "bytes=5-", "If-Range": tag}).status_code == 206
        assert http.get(url, headers={"Range": "bytes=5-", "If-Range": '"old"'}).status_code == 200


class TestReuse:
    def test_an_identical_request_gets_a_new_run_with_the_earlier_file(
        self, sim: Simulator, http: httpx.Client, clock: ManualClock
    ) -> None:
        sim.faults.add(ResultReused(), times=None)
        first = http.post(RUNS, data=FORM).json()
        clock.sleep(300)
        second = http.post(RUNS, data=FORM).json()

        assert second["id"] != first["id"]
        assert second["status"] == "succeeded"
        assert second["succeeded_at"] == second["created"] > second["result"]["created"]
        assert second["result"]["filename"] == f"{first['id']}.csv"
        assert http.get("/v1/files").json()["data"] == [second["result"]]

    @pytest.mark.parametrize(
        ("change", "wait"),
        [
            pytest.param({}, 30, id="the-first-is-still-pending"),
            pytest.param({}, 366 * 86_400, id="the-file-has-expired"),
            pytest.param({"parameters[currency]": "usd"}, 300, id="it-asks-something-else"),
        ],
    )
    def test_otherwise_it_is_computed_again(
        self, sim: Simulator, http: httpx.Client, clock: ManualClock, *, change: dict[str, str], wait: float
    ) -> None:
        sim.faults.add(ResultReused(), times=None)
        http.post(RUNS, data=FORM)
        clock.sleep(wait)

        assert http.post(RUNS, data=FORM | change).json()["status"] == "pending"


class TestIdempotency:
    def test_a_repeated_key_gets_the_first_answer_and_makes_no_second_run(
        self, sim: Simulator, create: Create, clock: ManualClock
    ) -> None:
        first = create(SUMMARY, headers={"Idempotency-Key": "k"}, **JUNE)
        clock.sleep(3_600)
        again = create(SUMMARY, headers={"Idempotency-Key": "k"}, **JUNE)

        assert again.content == first.content
        assert again.json()["status"] == "pending", "the answer of an hour ago, not the state of now"
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.headers["Original-Request"] == first.headers["Request-Id"] != again.headers["Request-Id"]
        assert "Idempotent-Replayed" not in first.headers
        assert len(sim.runs) == 1

    def test_a_key_is_forgotten_after_a_day(self, sim: Simulator, create: Create, clock: ManualClock) -> None:
        create(SUMMARY, headers={"Idempotency-Key": "k"}, **JUNE)
        clock.sleep(86_400)
        create(SUMMARY, headers={"Idempotency-Key": "k"}, **JUNE)

        assert len(sim.runs) == 2

    def test_a_key_used_for_something_else_is_an_error(self, sim: Simulator, create: Create) -> None:
        create(SUMMARY, headers={"Idempotency-Key": "k"}, **JUNE)
        other = create(SUMMARY, headers={"Idempotency-Key": "k"}, currency="usd", **JUNE)

        assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")
        assert len(sim.runs) == 1

    def test_a_key_belongs_to_one_account_and_mode(self, sim: Simulator, create: Create) -> None:
        create(SUMMARY, headers={"Idempotency-Key": "k"}, **JUNE)
        create(SUMMARY, headers={"Idempotency-Key": "k", "Stripe-Account": "acct_2"}, **JUNE)

        assert len(sim.runs) == 2

    def test_a_key_in_use_is_a_conflict(self, sim: Simulator, create: Create) -> None:
        """The second request arrives while the first one is still being executed."""
        meanwhile: list[httpx.Response] = []

        class Interrupted(Delay):
            def delay(self) -> float:
                meanwhile.append(create(SUMMARY, headers={"Idempotency-Key": "k"}, **JUNE))
                return 0.0

        sim.faults.add(Interrupted(stage=Stage.EXECUTING))
        first = create(SUMMARY, headers={"Idempotency-Key": "k"}, **JUNE)

        assert first.status_code == 200
        assert meanwhile[0].status_code == 409
        assert meanwhile[0].json()["error"]["type"] == "invalid_request_error"
        assert meanwhile[0].json()["error"]["code"] == "idempotency_key_in_use"

    def test_a_key_has_at_most_255_characters(self, create: Create) -> None:
        assert create(SUMMARY, headers={"Idempotency-Key": "k" * 255}, **JUNE).status_code == 200
        refused = create(SUMMARY, headers={"Idempotency-Key": "k" * 256}, **JUNE)
        assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")

    def test_what_was_refused_is_not_remembered(self, sim: Simulator, create: Create) -> None:
        headers = {"Idempotency-Key": "k"}
        assert create(SUMMARY, headers=headers, interval_start=JUNE_1).status_code == 400
        sim.faults.add(Respond(503))
        assert create(SUMMARY, headers=headers, **JUNE).status_code == 503

        assert create(SUMMARY, headers=headers, **JUNE).status_code == 200

    def test_an_error_while_executing_is_remembered_for_a_day(
        self, sim: Simulator, create: Create, clock: ManualClock
    ) -> None:
        """Stripe replays a stored 500 for a day."""
        headers = {"Idempotency-Key": "k"}
        sim.faults.add(Respond(500, stage=Stage.EXECUTING))
        first = create(SUMMARY, headers=headers, **JUNE)
        clock.sleep(86_399)
        again = create(SUMMARY, headers=headers, **JUNE)
        clock.sleep(1)

        assert (first.status_code, again.status_code) == (500, 500)
        assert first.headers["Stripe-Should-Retry"] == again.headers["Stripe-Should-Retry"] == "false"
        assert again.headers["Idempotent-Replayed"] == "true"
        assert sim.runs == []
        assert create(SUMMARY, headers=headers, **JUNE).status_code == 200

    def test_an_error_may_hide_a_run_that_was_made(self, sim: Simulator, create: Create) -> None:
        sim.faults.add(Respond(500, stage=Stage.EXECUTED))
        headers = {"Idempotency-Key": "k"}

        assert create(SUMMARY, headers=headers, **JUNE).status_code == 500
        assert create(SUMMARY, headers=headers, **JUNE).status_code == 500
        assert len(sim.runs) == 1


def test_many_threads_at_once_get_a_run_each(clock: ManualClock) -> None:
    sim = Simulator(clock, run_seconds=0, opening=date(2026, 5, 1))
    http = caller(sim)
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: http.post(RUNS, data=FORM).json()["id"], range(64)))

    assert len(set(ids)) == len(sim.runs) == len(sim.requests) == 64
