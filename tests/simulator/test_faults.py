"""Faults act on the requests that they match, as often as they were added for, and on nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from connector.simulator import Fault, Match, Simulator, Stage
from tests.faults.inconsistencies import ChangedFile, EarlierAvailability, ShiftingPages, WrongDate
from tests.faults.network import (
    Compressed,
    Cut,
    Delay,
    Drip,
    EditJson,
    Html,
    IgnoreRange,
    Refuse,
    Reset,
    Respond,
    Silence,
    WrongLength,
    garbled,
    lock_timeout,
    long,
    malformed_json,
    rate_limited,
    short,
)
from tests.faults.runs import FileDeleted, FileLate, FileReads, RunFails, RunSays, RunTakes, RunVanishes
from tests.support.clock import ManualClock
from tests.support.stripe import caller

RUNS = "/v1/reporting/report_runs"
TYPES = "/v1/reporting/report_types"
SUMMARY = "balance.summary.1"
JUNE_1 = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
JUNE_2 = JUNE_1 + 86_400
JUNE = {"interval_start": JUNE_1, "interval_end": JUNE_2}
Create = Callable[..., httpx.Response]


@dataclass(frozen=True)
class Download:
    """A finished run's file and what it truly holds."""

    run: str
    url: str
    truth: bytes


@pytest.fixture
def download(sim: Simulator, http: httpx.Client, create: Create, clock: ManualClock) -> Download:
    run = create(SUMMARY, **JUNE).json()["id"]
    clock.sleep(60)
    url = http.get(f"{RUNS}/{run}").json()["result"]["url"]
    return Download(run, url, sim.csv(SUMMARY, interval_start=JUNE_1, interval_end=JUNE_2))


class TestMatching:
    def test_a_fault_acts_once_by_default(self, sim: Simulator, http: httpx.Client) -> None:
        planted = sim.faults.add(Respond(500))

        assert [http.get(TYPES).status_code for _ in range(3)] == [500, 200, 200]
        assert planted.hits == 1

    def test_the_nth_request_of_a_kind_can_be_hit(self, sim: Simulator, http: httpx.Client) -> None:
        sim.faults.add(Respond(502), f"GET {TYPES}", skip=2, times=2)

        statuses = [(http.get(RUNS).status_code, http.get(TYPES).status_code) for _ in range(5)]

        assert statuses == [(200, 200), (200, 200), (200, 502), (200, 502), (200, 200)]

    @pytest.mark.parametrize(
        ("aim", "hit"),
        [
            ("*", True),
            ("GET", True),
            ("POST", False),
            ("GET /v1/reporting/*", True),
            ("*/report_types", True),
            ("GET */contents", False),
            (Match(report_type="balance.*"), False),
            (Match(where=lambda context: "limit" in (context.call.query if context.call else "")), False),
        ],
    )
    def test_aims_are_globs_or_anything(
        self, sim: Simulator, http: httpx.Client, aim: Match | str, hit: bool
    ) -> None:
        sim.faults.add(Respond(500), aim)

        assert http.get(TYPES).status_code == (500 if hit else 200)

    def test_one_run_can_be_hit_with_its_file(
        self, sim: Simulator, http: httpx.Client, create: Create, download: Download
    ) -> None:
        other = create(SUMMARY, **JUNE).json()["id"]
        sim.faults.add(Respond(500), Match(run=download.run), times=None)

        assert http.get(f"{RUNS}/{other}").status_code == 200
        assert http.get(f"{RUNS}/{download.run}").status_code == 500
        assert http.get(download.url).status_code == 500

    def test_a_report_type_can_be_hit_when_it_is_asked_for(self, sim: Simulator, create: Create) -> None:
        sim.faults.add(Respond(500), Match("POST", report_type="balance_change*"))

        assert create(SUMMARY, **JUNE).status_code == 200
        assert create("balance_change_from_activity.itemized.3", **JUNE).status_code == 500

    def test_probability_is_drawn_from_the_seed(self) -> None:
        def statuses(seed: int) -> list[int]:
            sim = Simulator(ManualClock(), seed=seed)
            sim.faults.add(Respond(503), times=None, probability=0.3)
            http = caller(sim)
            return [http.get(TYPES).status_code for _ in range(100)]

        assert statuses(1) == statuses(1) != statuses(2)
        assert 15 <= statuses(1).count(503) <= 45

    def test_a_fault_can_be_taken_back(self, sim: Simulator, http: httpx.Client) -> None:
        sim.faults.remove(sim.faults.add(Respond(500)))
        sim.faults.add(Reset())
        sim.faults.clear()

        assert http.get(TYPES).status_code == 200


class TestAnswers:
    @pytest.mark.parametrize(
        ("fault", "status", "header", "code"),
        [
            (Respond(500), 500, "Stripe-Should-Retry: false", None),
            (Respond(503), 503, "Content-Type: application/json", None),
            (Respond(409), 409, "Content-Type: application/json", "idempotency_key_in_use"),
            (Respond(401), 401, "Content-Type: application/json", "api_key_expired"),
            (rate_limited(), 429, "Content-Type: application/json", "rate_limit"),
            (rate_limited(7), 429, "Retry-After: 7", "rate_limit"),
            (lock_timeout(), 429, "Stripe-Should-Retry: true", "lock_timeout"),
            (Respond(500, headers={"Retry-After": "1"}), 500, "Retry-After: 1", None),
        ],
    )
    def test_errors_look_like_stripes(
        self, http: httpx.Client, sim: Simulator, *, fault: Fault, status: int, header: str, code: str
    ) -> None:
        sim.faults.add(fault)
        response = http.get(TYPES)
        name, value = header.split(": ")

        assert response.status_code == status
        assert response.headers[name] == value
        assert response.json()["error"].get("code") == code
        assert "Request-Id" in response.headers

    def test_a_body_may_be_anything(self, sim: Simulator, http: httpx.Client) -> None:
        sim.faults.add(Respond(502, "<html>Bad Gateway</html>"))
        sim.faults.add(Respond(400, {"error": {"message": "no"}}))

        first, second = http.get(TYPES), http.get(TYPES)
        assert (first.status_code, first.text) == (502, "<html>Bad Gateway</html>")
        assert (second.status_code, second.json()["error"]) == (400, {"message": "no"})

    def test_a_page_for_people_may_come_with_200(self, sim: Simulator, http: httpx.Client) -> None:
        sim.faults.add(Html())
        response = http.get(TYPES)

        assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert response.text.startswith("<!DOCTYPE html>")

    def test_json_may_break_off_or_change(self, sim: Simulator, http: httpx.Client) -> None:
        def lose_the_data(value: dict[str, Any]) -> None:
            del value["data"]
            value["surprise"] = 1

        sim.faults.add(malformed_json())
        sim.faults.add(EditJson(lose_the_data), skip=1)

        with pytest.raises(ValueError, match="Expecting"):
            http.get(TYPES).json()
        assert set(http.get(TYPES).json()) == {"object", "has_more", "url", "surprise"}


class TestConnections:
    @pytest.mark.parametrize(
        ("fault", "error"),
        [(Reset(), httpx.ReadError), (Refuse(), httpx.ConnectError), (Silence(), httpx.ReadTimeout)],
    )
    def test_there_may_be_no_answer_and_no_run(
        self, sim: Simulator, create: Create, fault: Fault, error: type[Exception]
    ) -> None:
        sim.faults.add(fault, "POST")

        with pytest.raises(error):
            create(SUMMARY, **JUNE)
        assert sim.runs == []
        assert sim.requests[-1].status is None

    @pytest.mark.parametrize("fault", [Reset(stage=Stage.AFTER), Silence(stage=Stage.AFTER)])
    def test_an_answer_may_be_lost_after_the_run_was_made(
        self, sim: Simulator, create: Create, fault: Fault
    ) -> None:
        sim.faults.add(fault, "POST")
        with pytest.raises(httpx.TransportError):
            create(SUMMARY, headers={"Idempotency-Key": "k"}, **JUNE)
        again = create(SUMMARY, headers={"Idempotency-Key": "k"}, **JUNE)

        assert again.json()["id"] == sim.runs[0].id
        assert again.headers["Idempotent-Replayed"] == "true"
        assert len(sim.runs) == 1

    def test_a_connection_cannot_break_where_only_answers_are_remembered(self) -> None:
        with pytest.raises(ValueError, match="BEFORE or AFTER"):
            Reset(stage=Stage.EXECUTING)

    def test_silence_lasts_as_long_as_the_callers_wait_policy(
        self, sim: Simulator, http: httpx.Client, clock: ManualClock
    ) -> None:
        sim.faults.add(Silence(300))
        before = clock.monotonic()

        with pytest.raises(httpx.ReadTimeout):
            http.get(TYPES, timeout=30)
        assert clock.monotonic() - before == 30

    def test_a_delay_passes_time_and_may_be_too_long(
        self, sim: Simulator, http: httpx.Client, create: Create, clock: ManualClock
    ) -> None:
        before = clock.monotonic()
        sim.faults.add(Delay(3))
        assert http.get(TYPES, timeout=5).status_code == 200
        assert clock.monotonic() - before == 3

        sim.faults.add(Delay(30, stage=Stage.EXECUTING))
        with pytest.raises(httpx.ReadTimeout):
            create(SUMMARY, **JUNE)
        assert len(sim.runs) == 1


class TestDownloads:
    def test_a_body_may_be_cut(self, sim: Simulator, http: httpx.Client, download: Download) -> None:
        sim.faults.add(Cut(at=100), "GET */contents")
        received: list[bytes] = []
        with (
            http.stream("GET", download.url) as response,
            pytest.raises(httpx.RemoteProtocolError),
        ):
            received.extend(response.iter_raw())

        assert b"".join(received) == download.truth[:100]

    def test_a_short_body_may_look_whole(
        self, sim: Simulator, http: httpx.Client, download: Download
    ) -> None:
        """The length agrees and the last row is whole: only the file's size shows it."""
        sim.faults.add(short())
        response = http.get(download.url)

        assert response.headers["Content-Length"] == str(len(response.content))
        assert download.truth.startswith(response.content)
        assert response.content.endswith(b"\n")
        assert len(response.content) < len(download.truth)

    @pytest.mark.parametrize(
        ("fault", "received"),
        [
            (short(10, whole_rows=False), lambda truth: truth[:10]),
            (long(b"x"), lambda truth: truth + b"x"),
            (garbled(0), lambda truth: b"#" + truth[1:]),
            (WrongLength(-4), lambda truth: truth[:-4]),
            (Compressed(), lambda truth: truth),
            (Drip(chunk=7), lambda truth: truth),
        ],
    )
    def test_the_bytes_are_as_ordered(
        self,
        sim: Simulator,
        http: httpx.Client,
        download: Download,
        fault: Fault,
        received: Callable[[bytes], bytes],
    ) -> None:
        sim.faults.add(fault, "GET */contents")

        assert http.get(download.url).content == received(download.truth)
        assert http.get(download.url).content == download.truth

    def test_a_length_may_promise_too_much(
        self, sim: Simulator, http: httpx.Client, download: Download
    ) -> None:
        sim.faults.add(WrongLength(5))

        with pytest.raises(httpx.RemoteProtocolError):
            http.get(download.url)

    def test_a_slow_body_takes_time(
        self, sim: Simulator, http: httpx.Client, download: Download, clock: ManualClock
    ) -> None:
        sim.faults.add(Drip(chunk=100, pause=2))
        before = clock.monotonic()
        http.get(download.url)

        assert clock.monotonic() - before == 2 * ((len(download.truth) - 1) // 100)

    def test_ranges_may_be_ignored(self, sim: Simulator, http: httpx.Client, download: Download) -> None:
        sim.faults.add(IgnoreRange())
        response = http.get(download.url, headers={"Range": "bytes=5-"})

        assert (response.status_code, response.content) == (200, download.truth)

    def test_the_file_may_change_between_two_ranges(
        self, sim: Simulator, http: httpx.Client, download: Download
    ) -> None:
        sim.faults.add(ChangedFile(lambda part: b"?" * len(part)), skip=1)
        first = http.get(download.url, headers={"Range": "bytes=0-4"})
        second = http.get(download.url, headers={"Range": "bytes=5-9", "If-Range": first.headers["ETag"]})

        assert first.headers["ETag"] != second.headers["ETag"]
        assert (second.status_code, second.content) == (206, b"?????")

    def test_another_version_is_as_long_and_as_good_a_csv(
        self, sim: Simulator, http: httpx.Client, download: Download
    ) -> None:
        sim.faults.add(ChangedFile())
        content = http.get(download.url).content

        assert content != download.truth
        assert [len(cell) for cell in content.splitlines()] == [
            len(line) for line in download.truth.splitlines()
        ]


class TestInconsistencies:
    def test_a_list_may_lose_an_entry_between_two_pages(
        self, sim: Simulator, http: httpx.Client, create: Create
    ) -> None:
        made = [create(SUMMARY, **JUNE).json()["id"] for _ in range(5)][::-1]
        sim.faults.add(ShiftingPages(size=2), f"GET {RUNS}", times=None)
        first = http.get(RUNS).json()
        second = http.get(RUNS, params={"starting_after": made[1]}).json()

        assert [run["id"] for run in first["data"]] == made[:2]
        assert [run["id"] for run in second["data"]] == made[3:]
        assert (first["has_more"], second["has_more"]) == (True, False)

    def test_availability_may_move_back_but_not_before_its_start(
        self, sim: Simulator, http: httpx.Client
    ) -> None:
        ends = [each["data_available_end"] for each in http.get(TYPES).json()["data"]]
        sim.faults.add(EarlierAvailability(by=timedelta(days=2)))
        sim.faults.add(EarlierAvailability(by=timedelta(days=99_999)), skip=1)
        earlier, never = (http.get(TYPES).json()["data"] for _ in range(2))

        assert [each["data_available_end"] for each in earlier] == [end - 2 * 86_400 for end in ends]
        assert all(each["data_available_end"] == each["data_available_start"] for each in never)

    def test_the_date_may_be_wrong(self, sim: Simulator, http: httpx.Client) -> None:
        right = parsedate_to_datetime(http.get(TYPES).headers["Date"])
        sim.faults.add(WrongDate(by=timedelta(hours=-3)))

        assert parsedate_to_datetime(http.get(TYPES).headers["Date"]) == right - timedelta(hours=3)


class TestRuns:
    def test_a_run_may_fail_and_the_next_one_succeed(
        self, sim: Simulator, http: httpx.Client, create: Create, clock: ManualClock
    ) -> None:
        sim.faults.add(RunFails("Out of memory"), Match(report_type=SUMMARY))
        failing, good = (create(SUMMARY, **JUNE).json()["id"] for _ in range(2))
        clock.sleep(60)
        failed = http.get(f"{RUNS}/{failing}").json()

        assert (failed["status"], failed["error"], failed["result"]) == ("failed", "Out of memory", None)
        assert failed["succeeded_at"] is None
        assert http.get(f"{RUNS}/{good}").json()["status"] == "succeeded"

    def test_every_run_of_a_type_may_fail(self, sim: Simulator, create: Create) -> None:
        sim.faults.add(RunFails(seconds=0), Match(report_type=SUMMARY), times=None)

        assert {create(SUMMARY, **JUNE).json()["status"] for _ in range(3)} == {"failed"}

    def test_a_run_may_hang_until_someone_ends_it(
        self, sim: Simulator, http: httpx.Client, create: Create, clock: ManualClock
    ) -> None:
        sim.faults.add(RunTakes(None))
        run = create(SUMMARY, **JUNE).json()["id"]
        clock.sleep(1_000_000)
        assert http.get(f"{RUNS}/{run}").json()["status"] == "pending"

        sim.end(run)
        late = http.get(f"{RUNS}/{run}").json()
        assert late["status"] == "succeeded"
        assert late["result"]["created"] == late["succeeded_at"] == int(clock.now().timestamp())

    def test_a_status_may_be_a_word_nobody_knows(
        self, sim: Simulator, http: httpx.Client, create: Create, clock: ManualClock
    ) -> None:
        sim.faults.add(RunSays("queued"))
        sim.faults.add(RunTakes(5))
        run = create(SUMMARY, **JUNE).json()
        clock.sleep(5)

        assert run["status"] == "queued"
        assert http.get(f"{RUNS}/{run['id']}").json()["status"] == "succeeded"

    def test_a_finished_run_may_vanish(
        self, sim: Simulator, http: httpx.Client, create: Create, clock: ManualClock
    ) -> None:
        sim.faults.add(RunVanishes(10))
        run = create(SUMMARY, **JUNE).json()["id"]
        clock.sleep(60)
        url = http.get(f"{RUNS}/{run}").json()["result"]["url"]
        clock.sleep(10)

        assert http.get(f"{RUNS}/{run}").status_code == 404
        assert http.get(url).status_code == 404
        assert http.get(RUNS).json()["data"] == []

    def test_contents_may_come_a_moment_late(
        self, sim: Simulator, http: httpx.Client, create: Create, clock: ManualClock
    ) -> None:
        sim.faults.add(FileLate(3))
        run = create(SUMMARY, **JUNE).json()["id"]
        clock.sleep(60)
        file = http.get(f"{RUNS}/{run}").json()["result"]
        early = [http.get(file["url"]), http.get(f"/v1/files/{file['id']}")]
        clock.sleep(3)

        assert [answer.status_code for answer in early] == [404, 200]
        assert http.get(file["url"]).status_code == 200

    def test_a_file_may_be_deleted_and_its_run_stay(
        self, sim: Simulator, http: httpx.Client, create: Create, clock: ManualClock
    ) -> None:
        sim.faults.add(FileDeleted(10))
        run = create(SUMMARY, **JUNE).json()["id"]
        clock.sleep(60)
        file = http.get(f"{RUNS}/{run}").json()["result"]
        there = http.get(file["url"]).status_code
        clock.sleep(10)

        assert (there, http.get(file["url"]).status_code) == (200, 404)
        assert http.get(f"/v1/files/{file['id']}").status_code == 404
        assert http.get("/v1/files").json()["data"] == []
        assert http.get(f"{RUNS}/{run}").json()["result"] == file

    def test_a_file_may_read_otherwise_and_agree_with_its_size(
        self, sim: Simulator, http: httpx.Client, create: Create, clock: ManualClock
    ) -> None:
        sim.faults.add(FileReads(lambda content: content.replace(b'"net_amount"', b'"amount"')))
        create(SUMMARY, **JUNE)
        clock.sleep(60)
        file = http.get(RUNS).json()["data"][0]["result"]

        body = http.get(file["url"]).content
        assert body.startswith(b'"category","description","amount"')
        assert len(body) == file["size"] != len(sim.csv(SUMMARY, interval_start=JUNE_1, interval_end=JUNE_2))


def test_a_fault_of_ones_own_is_a_subclass_with_one_method(clock: ManualClock) -> None:
    class SkewedDate(Fault):
        """Stripe's clock is wrong."""

        def reply(self, call: object, answer: Any) -> Any:  # noqa: ARG002
            return answer.with_headers(Date="Thu, 01 Jan 1970 00:00:00 GMT")

    sim = Simulator(clock, opening=date(2026, 6, 1))
    sim.faults.add(SkewedDate())

    assert caller(sim).get(TYPES).headers["Date"].endswith("1970 00:00:00 GMT")
