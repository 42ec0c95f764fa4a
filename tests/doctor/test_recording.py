"""A recording of a probe shows how Stripe answered, and nothing of whose account it was."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connector.api.client import StripeClient
from connector.catalogue.dictionary import COLUMNS
from connector.doctor.permissions import IMPATIENT, ResponseLog
from connector.doctor.probe.anonymous_csv import FIRST_LINES, anonymous_csv
from connector.doctor.probe.anonymous_json import AnonymousJson, anonymous_headers
from connector.doctor.probe.assumptions import ProbeFinding
from connector.doctor.probe.balanced import balanced
from connector.doctor.probe.probe import probe
from connector.doctor.probe.pseudonyms import Pseudonyms
from connector.doctor.probe.recording import lines, recording_file
from connector.doctor.probe.tape import Tape
from connector.errors import ConfigurationError
from connector.query import ReportQuery
from connector.simulator import Match, Simulator
from connector.simulator.faults import Fault
from connector.simulator.protocol.messages import Call, Reply
from tests.conftest import ClientFor, Pull
from tests.doctor.test_probe import DIFFERENCES, KEY, Difference
from tests.faults.files import NoRows, OddCell, RowOutside, UnbalancedRow
from tests.faults.network import Cut, EditReply, Refuse, Respond
from tests.faults.runs import FileReads, ResultReused, RunFails, RunTakes
from tests.support.partitions import days
from tests.support.replay import Replay

#: By name: what came of it, and what was seen.
Seen = dict[str, tuple[str, str]]
Recorded = Callable[..., tuple[Seen, Path]]


def probed(client: StripeClient, heard: ResponseLog, *, restricted: bool = True) -> list[ProbeFinding]:
    return list(probe(client, heard, token="t", restricted=restricted))


def by_name(found: list[ProbeFinding]) -> Seen:
    return {each.name: (each.result.value, each.seen) for each in found}


def results(seen: Seen) -> dict[str, str]:
    return {name: result for name, (result, _) in seen.items()}


@pytest.fixture
def recorded(client_for: ClientFor, tmp_path: Path) -> Recorded:
    """Probe a Stripe and record it; returns what was seen, and the file."""

    def run(simulator: Simulator, **options: Any) -> tuple[Seen, Path]:
        heard = ResponseLog()
        client = client_for(simulator.handle, api_key=KEY, retry=IMPATIENT, observe=heard, **options)
        tape = Tape(client.clock)
        client.listen(tape)
        path = tmp_path / "probe.jsonl"
        with recording_file(path) as write:
            found = probed(client, heard)
            write(lines(tape, client, restricted=True, connector="0", results=found))
        return by_name(found), path

    return run


@pytest.fixture
def replayed(client_for: ClientFor) -> Callable[[Path], Seen]:
    """Probe what a recording answers."""

    def run(path: Path) -> Seen:
        replay, heard = Replay(path), ResponseLog()
        client = client_for(
            replay.handle,
            api_key=replay.key,
            hosts=replay.hosts,
            retry=IMPATIENT,
            observe=heard,
            clock=replay.clock,
            account=replay.about["account"],
        )
        return by_name(probed(client, heard, restricted=replay.about["restricted"]))

    return run


Replayed = Callable[[Path], Seen]


def test_a_recording_shows_the_probe_what_stripe_showed_it(
    recorded: Recorded, replayed: Replayed, simulator: Simulator, pull: Pull
) -> None:
    for report in ("balance_summary", "payouts_summary"):
        pull(ReportQuery.of(report), days("2026-06-01", 1))

    seen, path = recorded(simulator, account=simulator.account)

    assert replayed(path) == seen
    assert Replay(path).results == results(seen)


#: Recordings of earlier versions, and those that people handed in.
RECORDINGS = sorted((Path(__file__).parent / "recordings").glob("*.jsonl"))
#: What Stripe offered then is compared with a catalogue that has grown since.
OF_THE_CATALOGUE = {"documented_types", "live_only_types", "default_columns", "summary_lines", "signs"}


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_what_was_handed_in_shows_today_what_it_showed_then(replayed: Replayed, path: Path) -> None:
    then, now = Replay(path).results, results(replayed(path))
    compared = then.keys() - OF_THE_CATALOGUE

    assert {name: now.get(name) for name in compared} == {name: then[name] for name in compared}


@pytest.mark.parametrize(
    "planted", [pytest.param(each, id=f"{number}-{each.name}") for number, each in enumerate(DIFFERENCES)]
)
def test_a_difference_that_was_recorded_is_found_again(
    recorded: Recorded, replayed: Replayed, simulator: Simulator, planted: Difference
) -> None:
    simulator.faults.add(planted.fault, planted.aim, times=planted.times, skip=planted.skip)

    seen, path = recorded(simulator)

    assert results(replayed(path)) == results(seen)


@pytest.mark.parametrize(
    ("fault", "aim"),
    [
        (RunFails("Your report for Jane Doe failed."), "POST"),
        (RunTakes(None), "POST"),
        (Refuse(), "*"),
        (Refuse(), "GET */report_runs"),
        (Respond(403), "POST"),
        (Respond(429, headers={"Retry-After": "1"}), "GET"),
        (Cut(at=200), "GET */contents"),
        (ResultReused(), "POST"),
        (NoRows(), "POST"),
        (OddCell("about 1234.56", "gross"), "POST"),
        (RowOutside(), "POST"),
        (UnbalancedRow(), "POST"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Fault) else each.replace("/", "."),
)
def test_a_bad_day_that_was_recorded_ends_as_it_did(
    recorded: Recorded, replayed: Replayed, simulator: Simulator, fault: Fault, aim: Match | str
) -> None:
    simulator.faults.add(fault, aim, times=None)

    seen, path = recorded(simulator)

    assert results(replayed(path)) == results(seen)


def test_what_differs_only_in_what_is_not_recorded_differs_still(
    recorded: Recorded, replayed: Replayed, simulator: Simulator
) -> None:
    simulator.faults.add(OddCell("1234.56", "gross"), "POST", times=1)
    simulator.faults.add(OddCell("1234.57", "gross"), "POST", times=None, skip=1)

    seen, path = recorded(simulator)

    assert results(seen)["repeatable"] == results(replayed(path))["repeatable"] == "differs"


def test_a_part_that_had_other_bytes_than_the_whole_has_them_still(
    recorded: Recorded, replayed: Replayed, simulator: Simulator
) -> None:
    other = EditReply(
        lambda _, reply: reply.with_body(reply.body.swapcase()) if reply.status == 206 else reply
    )
    simulator.faults.add(other, "GET */contents", times=None)

    seen, path = recorded(simulator)

    assert results(seen)["ranges"] == results(replayed(path))["ranges"] == "differs"


# Nothing of anybody's


def told(call: Call, reply: Reply) -> Reply:
    """An answer in which people stand everywhere: in fields, in headers, in an object that nobody knows."""
    people = {
        "description": "Order 4711 of Jane Doe",
        "email": "jane.doe@example.com",
        "metadata": {"jane_doe": "vip"},
        "customer": "cus_Q1w2E3r4T5y6",
        "nested": [
            {"name": "Jane Doe", "amount": 123456, "key": KEY, "url": f"https://jane.example/{KEY}?{KEY}"}
        ],
    }
    value = reply.json()
    for each in (value, *value.get("data", ())):
        each.update(people)
    named = reply.with_headers(X_Jane="Jane Doe", Set_Cookie=KEY, Content_Type="application/json; jane=doe")
    return named.with_body(json.dumps(value).encode())


def in_rows(content: bytes) -> bytes:
    """A file in which a person stands in each row, and one amount that nobody else has."""
    header, *rows = content.splitlines()
    return b"\n".join(
        (header + b',"customer_email","description","payment_metadata[jane_doe]"',
         *(row + b',"jane.doe@example.com","Order 4711 of Jane Doe","vip ""123456"""' for row in rows), b""),
    )  # fmt: skip


REFUSED = {
    "error": {
        "type": "invalid_request_error",
        "message": f"No such thing for Jane Doe (jane.doe@example.com), '{KEY}': cus_Q1w2E3r4T5y6, 1234.56.",
        "param": "Jane Doe",
        "code": "Jane Doe",
    }
}


@pytest.mark.parametrize("wrong", [None, Respond(400, REFUSED)], ids=["answered", "refused"])
def test_nobody_stands_in_a_recording(
    recorded: Recorded, replayed: Replayed, simulator: Simulator, wrong: Fault | None
) -> None:
    simulator.faults.add(EditReply(told), Match(path="/v1/reporting/*"), times=None)
    simulator.faults.add(FileReads(in_rows), "POST", times=None)
    if wrong:
        simulator.faults.add(wrong, "POST", times=None)

    seen, path = recorded(simulator, account=simulator.account)
    written = path.read_text("utf-8")

    secrets = {simulator.account, KEY, *(each.id for each in simulator.runs)}
    secrets |= {each.file.id for each in simulator.runs} | {each.request_id for each in simulator.requests}
    rows = [line for each in simulator.runs for line in each.file.content.decode().splitlines()[1:]]
    secrets |= {each for line in rows for each in re.findall(r"(?:txn|po|cus)_\w+|\d+\.\d\d", line)}
    # An amount with few digits may stand there by chance: the law on forms is below.
    secrets = {each for each in secrets if not re.fullmatch(r"\d{1,3}\.\d\d", each)}
    assert {each for each in secrets if each in written} == set()
    assert re.findall(r"(?i)jane|doe|4711|vip|123456|1234\.56|recognisable|example\.com", written) == []
    assert results(replayed(path)) == results(seen)


# The rule itself: only the form of an answer decides what is recorded of it

MARK = "Jane-Q7@x.org"
marked = st.text(max_size=9).map(lambda text: f"{text}{MARK}") | st.just(f"cus_{MARK}")
numbers = st.just(918_273_645) | st.just(-9_182.73645)
fields = st.sampled_from(
    re.findall(
        r"\w+",
        "id object type status code param message error url columns timezone created interval_end "
        "report_type purpose currency metadata size version name",
    )
)
header_names = st.sampled_from(["date", "content-type", "etag", "location", "request-id", "retry-after", "x"])
payloads = st.recursive(
    marked | numbers | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields | marked, inner, max_size=4),
    max_leaves=20,
)


@given(
    payload=st.dictionaries(fields | marked, payloads), headers=st.dictionaries(fields | header_names, marked)
)
def test_nothing_that_strangers_write_passes_wherever_it_stands(
    payload: dict[str, Any], headers: dict[str, str]
) -> None:
    pseudonyms = Pseudonyms()
    anonymous = AnonymousJson(pseudonyms, lambda *_: None)

    written = json.dumps([anonymous.value("", payload), anonymous_headers(headers, pseudonyms, anonymous)])

    assert "Q7" not in written
    assert "18273645" not in written
    assert "182.73" not in written


texts = st.text(st.sampled_from("abc XYZ_-"), min_size=1, max_size=12).filter(
    lambda text: "_" not in text[1:]
)
fresh_ids = st.tuples(st.just("cus_"), st.uuids()).map(lambda parts: f"{parts[0]}{parts[1].hex}")
cells = st.one_of(
    st.tuples(texts, texts),
    st.tuples(fresh_ids, fresh_ids),
    *(st.tuples(*[st.integers(10**n, 10 ** (n + 1) - 1).map(lambda i: f"-{i}.50")] * 2) for n in range(4)),
)
#: Whatever stands in the others is Stripe's, adds up, or is compared with what else stands there.
OTHER = sorted(
    {*COLUMNS} - {"gross", "fee", "net", "category", "reporting_category", "type", "event_type"}
    - {name for name in COLUMNS if name.startswith("payout_") or name.endswith(("currency", "_id"))}
)  # fmt: skip


@given(
    header=st.lists(st.sampled_from(OTHER), min_size=1, max_size=5, unique=True),
    rows=st.lists(st.lists(cells, min_size=1, max_size=6), max_size=5),
)
def test_two_files_of_one_form_leave_the_same_recording(
    header: list[str], rows: list[list[tuple[str, str]]]
) -> None:
    first, second = (
        "".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in ([*header], *of)).encode()
        for of in ([[cell[which] for cell in row] for row in rows] for which in (0, 1))
    )

    assert anonymous_csv(first, Pseudonyms(), whole=True) == anonymous_csv(second, Pseudonyms(), whole=True)


money = st.tuples(st.integers(-99_999, 99_999), st.integers(0, 3)).map(
    lambda parts: Decimal(parts[0]).scaleb(-parts[1])
)


@given(gross=money, fee=money, sign=st.sampled_from([1, -1]), off=st.sampled_from([0, 0, 1]))
def test_amounts_add_up_exactly_where_they_did(gross: Decimal, fee: Decimal, sign: int, off: int) -> None:
    given_ = tuple(f"{each:f}" for each in (gross, fee, gross - sign * fee + off))

    other = balanced(*given_)

    assert fitting(*other) == fitting(*given_)
    assert [form(each) for each in other] == [form(each) for each in given_]


@given(gross=money, fee=money, sign=st.sampled_from([1, -1]), by=st.integers(1, 9), of_fee=st.booleans())
def test_amounts_of_one_form_leave_the_same(
    gross: Decimal, fee: Decimal, sign: int, by: int, of_fee: bool
) -> None:
    more = (0, by, -sign * by) if of_fee else (by, 0, by)
    first = (gross, fee, gross - sign * fee)
    second = tuple(f"{each + extra:f}" for each, extra in zip(first, more, strict=True))
    one = tuple(f"{each:f}" for each in first)
    assume([form(each) for each in one] == [form(each) for each in second])
    assume(fitting(*one) == fitting(*second))

    assert balanced(*one) == balanced(*second)


def fitting(gross: str, fee: str, net: str) -> list[int]:
    return [sign for sign in (1, -1) if Decimal(gross) - sign * Decimal(fee) == Decimal(net)]


def form(amount: str) -> str:
    """Its sign, its digits before and after the point, and whether it is nothing."""
    return re.sub(r"[1-9]|(?<=[\d.])0", "9", amount) if Decimal(amount) else amount


# The file


def test_a_long_file_is_recorded_by_its_beginning_and_by_what_is_unlike_it() -> None:
    usual = [f'"charge","usd","10.00","1.00","9.00","txn_{number:012d}"' for number in range(1_000)]
    odd = '"charge","usd","10.00","1.00","9","txn_00odd0000000"'
    header = '"reporting_category","currency","gross","fee","net","balance_transaction_id"'
    content = "\n".join([header, *usual, odd, *usual, ""]).encode()

    kept = anonymous_csv(content, Pseudonyms(), whole=True).decode().splitlines()

    assert len(kept) == FIRST_LINES + 1
    assert ',"2",' not in kept[1]
    assert re.search(r',"\d",', kept[-1])


def test_a_recording_is_its_owners_and_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "probe.jsonl"
    path.write_text("before")

    with pytest.raises(ZeroDivisionError), recording_file(path) as write:
        write(iter([{"a": 1 / 0}]))
    assert (path.read_text(), list(tmp_path.iterdir())) == ("before", [path])

    with recording_file(path) as write:
        write([{"a": 1}])
    assert (path.read_text(), list(tmp_path.iterdir())) == ('{"a": 1}\n', [path])
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["", "absent/probe.jsonl"])
def test_a_recording_that_cannot_be_written_is_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot record into"), recording_file(tmp_path / name):
        pass
