"""The key stands in no output, file or error, whatever goes wrong.

A key that can be told from everything else is used, and then everything a run left behind is searched for it:
also what an error carries, down to the local variables of the frames it came through, since error reporters
send those away.
"""

import base64
import os
import shutil
import traceback
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from connector.api.client import StripeClient
from connector.api.credentials import Hosts, mode_of
from connector.cli import main
from connector.errors import ReportingError
from connector.pipeline.events import Missed
from connector.query import ReportQuery
from connector.simulator import Simulator
from connector.simulator.faults import Fault
from connector.simulator.protocol.messages import Call, Reply, json_reply
from connector.simulator.server import serve
from tests.conftest import ClientFor, Pull
from tests.faults.network import Cut, EditJson, EditReply, Refuse, Reset, Respond
from tests.faults.runs import RunFails
from tests.support.clock import ManualClock
from tests.support.partitions import days

SECRET = "51Recognisable0000000000000"
KEY = f"rk_test_{SECRET}"

SUMMARY = ReportQuery.of("balance_summary")


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that it came of, also what is not shown."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def everything_of(error: BaseException) -> str:
    """All that an error carries, as an error reporter might send it."""
    said = []
    for each in chain(error):
        shown = traceback.TracebackException.from_exception(each, capture_locals=True, compact=False)
        said += ["".join(shown.format()), str(each), repr(each), repr(each.args), repr(vars(each))]
    return "\n".join(said)


def echo(call: Call, reply: Reply, status: int = 500) -> Reply:
    """An answer that gives back what it was sent, as debugging proxies do."""
    sent = call.headers.get("Authorization", "")
    error = {"type": "api_error", "message": f"You sent {sent}", "code": sent, "param": sent}
    return json_reply(status, {"error": error}, {"Request-Id": sent, **dict(reply.headers)})


def echo_as(form: Callable[[bytes], str]) -> EditReply:
    """A page that gives the key back in another form."""

    def page(call: Call, _: Reply) -> Reply:
        sent = call.headers.get("Authorization", "").encode()
        return json_reply(400, {"error": {"message": f"You sent {form(sent)}"}}, {"X-Sent": form(sent)})

    return EditReply(page)


def echo_page(call: Call, _: Reply) -> Reply:
    return Reply(200, {"Content-Type": f"text/html; {call.headers.get('Authorization')}"}, b"<html>")


def leads(url: str) -> EditJson:
    """The result of a finished run is said to be elsewhere."""
    return EditJson(lambda run: run["result"] and run["result"].update(url=url))


RUNS, RUN, CONTENTS = "*/report_runs", "GET */report_runs/*", "GET */contents"


def base64_of(secret: str) -> str:
    """Out of the middle of the base64 of what is sent."""
    return base64.b64encode(f"Bearer rk_test_{secret}".encode()).decode()[24:-8]


FORMS: list[Callable[[str], str]] = [
    str,
    base64_of,
    lambda secret: "".join(f"\\u{ord(each):04X}" for each in secret),
    lambda secret: "".join(f"%{ord(each):02x}" for each in secret),
    lambda secret: "".join(f"&#{ord(each)};" for each in secret),
]

BAD_DAYS: dict[str, tuple[Fault, str]] = {
    "401": (Respond(401), "*"),
    "403": (Respond(403), "POST"),
    "an echo in an error": (EditReply(echo), "*"),
    "an echo in a refusal": (EditReply(lambda call, reply: echo(call, reply, 400)), "GET */report_types"),
    "an echo in a page": (EditReply(echo_page), "*"),
    "an echo as JSON escapes": (echo_as(lambda sent: "".join(f"\\u{each:04X}" for each in sent)), "*"),
    "an echo as in a URL": (echo_as(lambda sent: "".join(f"%{each:02x}" for each in sent)), "*"),
    "an echo in HTML": (echo_as(lambda sent: "".join(f"&#{each};" for each in sent)), "*"),
    "an echo in base64": (echo_as(lambda sent: base64.b64encode(sent).decode()), "*"),
    "an echo of a failed run": (RunFails(f"failed for {KEY}"), "POST"),
    "refused": (Refuse(), "*"),
    "reset": (Reset(), "POST"),
    "cut": (Cut(), CONTENTS),
    "credentials in a URL": (leads(f"https://user:{KEY}@files.stripe.com/v1/files/f/contents"), RUN),
    "another host": (leads("https://evil.example/v1/files/f/contents"), RUN),
    "no URL": (leads("https://files.stripe.com:port/x"), RUN),
    "a redirect away": (Respond(302, "", {"Location": "https://evil.example/"}), CONTENTS),
}


@pytest.fixture
def keyed(client_for: ClientFor, simulator: Simulator) -> StripeClient:
    return client_for(simulator.handle, api_key=KEY)


@pytest.mark.parametrize("day", BAD_DAYS)
def test_no_error_carries_the_key(
    pull: Pull, keyed: StripeClient, simulator: Simulator, caplog: pytest.LogCaptureFixture, day: str
) -> None:
    caplog.set_level("DEBUG", "connector")
    fault, aim = BAD_DAYS[day]
    simulator.faults.add(fault, aim, times=None)

    try:
        errors = [
            e.error for e in pull(SUMMARY, days("2026-06-01", 2), client=keyed) if isinstance(e, Missed)
        ]
    except ReportingError as error:
        errors = [error]

    assert errors
    said = "\n".join(map(everything_of, errors)) + caplog.text
    assert [number for number, form in enumerate(FORMS) if form(SECRET) in said] == []


def test_a_closed_connection_carries_no_key(keyed: StripeClient) -> None:
    keyed.close()

    with pytest.raises(ReportingError) as caught:
        keyed.report_types()

    assert SECRET not in everything_of(caught.value)


@pytest.mark.parametrize("wrong", [f"{KEY}\n", f"pk_live_{SECRET}", f"whsec_{SECRET}", f"{KEY} {KEY}"])
def test_a_key_that_cannot_be_is_not_shown(wrong: str) -> None:
    make: list[Callable[[], object]] = [lambda: StripeClient(wrong), lambda: mode_of(wrong, Hosts.of())]
    for attempt in make:
        with pytest.raises(ReportingError) as caught:
            attempt()

        assert SECRET not in str(caught.value) + repr(caught.value)


def test_no_representation_shows_the_key(keyed: StripeClient) -> None:
    parts = [keyed, *(getattr(keyed, name) for name in vars(keyed))]
    inner = [value for part in parts if hasattr(part, "__dict__") for value in vars(part).values()]

    assert SECRET not in "\n".join(map(repr, [*parts, *inner]))


def test_what_listens_to_answers_does_not_hear_the_key(client_for: ClientFor, simulator: Simulator) -> None:
    heard: list[object] = []
    simulator.faults.add(
        EditReply(lambda c, r: r.with_headers(X_Echo=c.headers["Authorization"])), times=None
    )
    client = client_for(simulator.handle, api_key=KEY, observe=heard.append)

    client.report_types()

    assert heard
    assert SECRET not in repr(heard)


# What a command leaves behind


@pytest.fixture
def stripe(clock: ManualClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Simulator]:
    for name in [name for name in os.environ if name.startswith("STRIPE_")]:
        monkeypatch.delenv(name)
    simulator = Simulator(clock, seed=7, volume=3, opening=date(2026, 5, 1), run_seconds=0)
    with serve(simulator) as url:
        monkeypatch.setenv("STRIPE_API_BASE", url)
        monkeypatch.setenv("STRIPE_API_KEY", KEY)
        monkeypatch.chdir(tmp_path)
        yield simulator


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(str(ended.value.code))


JUNE = ("balance_summary", "--from", "2026-06-01", "--to", "2026-06-03")

COMMANDS = {
    "pull": ("pull", *JUNE),
    "pull-with-a-log": ("pull", *JUNE, "--log", "json", "--json"),
    "doctor": ("doctor",),
    "probe": ("doctor", "--probe", "--yes", "--record", "probe.jsonl"),
    "types": ("types", "--live"),
}


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("day", ["a good day", "401", "an echo in a refusal", "an echo of a failed run"])
def test_nothing_a_command_prints_or_writes_holds_the_key(
    stripe: Simulator, capfd: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...], day: str
) -> None:
    if day in BAD_DAYS:
        fault, aim = BAD_DAYS[day]
        stripe.faults.add(fault, aim, times=None)

    command(*arguments)

    said = capfd.readouterr()
    assert said.out + said.err
    assert SECRET not in said.out + said.err
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


SETTINGS = {
    "a base with the key in it": {"STRIPE_API_BASE": f"https://{KEY}@api.stripe.com"},
    "a base that is the key": {"STRIPE_API_BASE": KEY},
    "an account that is the key": {"STRIPE_ACCOUNT": KEY},
    "a key with a line end": {"STRIPE_API_KEY": f"{KEY}\n"},
    "a key in quotes": {"STRIPE_API_KEY": f'"{KEY}"'},
    "a key with its variable": {"STRIPE_API_KEY": f"STRIPE_API_KEY={KEY}"},
    "a publishable key": {"STRIPE_API_KEY": f"pk_live_{SECRET}", "STRIPE_API_BASE": ""},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("arguments", [("pull", *JUNE), ("doctor",), ("doctor", "--probe", "--yes")])
def test_a_setting_that_holds_the_key_by_mistake_is_refused_and_not_shown(
    stripe: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    settings: dict[str, str],
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    code = command(*arguments)

    said = capfd.readouterr()
    assert code in {1, 2}
    assert SECRET.lower() not in (said.out + said.err).lower()


TYPED = {
    "as a report": ("pull", KEY, "--from", "2026-06-01", "--to", "2026-06-02"),
    "as a command": (KEY,),
    "as a zone": ("pull", *JUNE, "--zone", KEY),
    "as a column": ("pull", *JUNE, "--columns", f"net,{KEY}"),
    "as a name": ("pull", *JUNE, "--name", KEY),
    "as a filter": ("pull", *JUNE, "--filter", KEY),
    "as the value of a filter": ("pull", *JUNE, "--filter", f"currency={KEY}"),
    "as a window": ("pull", *JUNE, "--window", KEY),
    "as a day": ("pull", "balance_summary", "--from", KEY, "--to", "2026-06-02"),
    "as an account": ("pull", *JUNE, "--account", KEY),
    "as an option": ("pull", *JUNE, f"--{KEY}"),
    "as a timeout": ("pull", *JUNE, "--wait-timeout", KEY),
    "as a table": ("check", KEY),
    "in a query": ("sql", f"SELECT '{KEY}"),
    "behind something": ("pull", f"x{KEY}", "--from", "2026-06-01", "--to", "2026-06-02"),
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two days are, once they were pulled."""
    return tmp_path_factory.mktemp("stored") / "data"


@pytest.mark.parametrize("arguments", TYPED.values(), ids=TYPED)
def test_a_key_that_is_typed_in_the_wrong_place_is_not_shown(
    stripe: Simulator, capfd: pytest.CaptureFixture[str], stored: Path, arguments: tuple[str, ...]
) -> None:
    if not stored.exists():
        command("pull", *JUNE, "--root", str(stored))
    shutil.copytree(stored, "data")
    capfd.readouterr()

    code = command(*arguments)

    said = capfd.readouterr()
    assert code != 0
    assert said.out + said.err
    assert SECRET.lower() not in (said.out + said.err).lower()
