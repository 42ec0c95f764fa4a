"""Every fault the simulator knows that costs time and must never cost data, by what people would call it.

What is missing here on purpose: files that are wrong at Stripe itself (`tests.faults.files`), and a bit that
turns on the way, which TLS notices and nobody else could.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from connector.simulator import ActiveFault, Fault, Faults, Match, RequestContext, Stage
from connector.simulator.protocol.messages import Call, Json, Reply
from tests.faults.inconsistencies import ChangedFile, EarlierAvailability, ShiftingPages, WrongDate
from tests.faults.network import (
    Compressed,
    Cut,
    Delay,
    Drip,
    EditJson,
    EditReply,
    Html,
    IgnoreRange,
    Refuse,
    Reset,
    Respond,
    Silence,
    WrongLength,
    lock_timeout,
    long,
    malformed_json,
    rate_limited,
    short,
)
from tests.faults.runs import RunFails, RunSays, RunTakes, RunVanishes

Plant = Callable[[Faults, float], list[ActiveFault]]

CONTENTS, JSON, LIST = "GET */contents", "*/reporting/*", "GET */report_runs"
DO_RETRY, DO_NOT = {"Stripe-Should-Retry": "true"}, {"Stripe-Should-Retry": "false"}


def _plants(*faults: tuple[Fault, Match | str]) -> Plant:
    """The faults, each on any fitting request with the probability given."""

    def plant(planted: Faults, probability: float) -> list[ActiveFault]:
        return [planted.add(fault, aim, times=None, probability=probability) for fault, aim in faults]

    return plant


def _from_then_on(fault: Fault, aim: str, after: int) -> Plant:
    """All is well for a while, and then never again."""
    return lambda planted, _: [planted.add(fault, aim, times=None, skip=after)]


def _resumed(occasion: RequestContext) -> bool:
    return occasion.call is not None and "Range" in occasion.call.headers


def _runs_in(body: Json) -> list[Json]:
    return [run for run in body.get("data", [body]) if run.get("object") == "reporting.report_run"]


def _without(*names: str) -> EditJson:
    def edit(body: Json) -> None:
        for run in _runs_in(body):
            for name in names:
                run.pop(name, None)

    return EditJson(edit)


def _with(**values: object) -> EditJson:
    def edit(body: Json) -> None:
        for each in (body, *_runs_in(body)):
            each.update(values)

    return EditJson(edit)


def _leading_to(url: str) -> EditJson:
    def edit(body: Json) -> None:
        for run in _runs_in(body):
            if run.get("result"):
                run["result"]["url"] = url

    return EditJson(edit)


def _redirect(_: Call, reply: Reply) -> Reply:
    moved = Reply(307, {**reply.headers, "Location": "https://evil.example/"})
    return moved.with_body(b"")


FAULTS: Mapping[str, Plant] = {
    "400": _plants((Respond(400), "*")),
    "401": _plants((Respond(401), "*")),
    "403": _plants((Respond(403), "*")),
    "404": _plants((Respond(404), "*")),
    "409": _plants((Respond(409), "*")),
    "429": _plants((rate_limited(), "*")),
    "429, Retry-After": _plants((rate_limited(7), "*")),
    "429, Retry-After for ever": _plants((rate_limited(10**9), "*")),
    "429, lock timeout": _plants((lock_timeout(), "*")),
    "500": _plants((Respond(500), "*")),
    "500, nothing done, stored": _plants((Respond(500, stage=Stage.EXECUTING), "POST")),
    "500, all done, stored": _plants((Respond(500, stage=Stage.EXECUTED), "POST")),
    "502": _plants((Respond(502), "*")),
    "503": _plants((Respond(503), "*")),
    "504": _plants((Respond(504), "*")),
    "Should-Retry: true on 400": _plants((Respond(400, headers=DO_RETRY), "*")),
    "Should-Retry: false on 503": _plants((Respond(503, headers=DO_NOT), "*")),
    "connection refused": _plants((Refuse(), "*")),
    "reset before": _plants((Reset(), "*")),
    "reset after, answer lost": _plants((Reset(stage=Stage.AFTER), "*")),
    "timeout before": _plants((Silence(), "*")),
    "timeout after, answer lost": _plants((Silence(stage=Stage.AFTER), "*")),
    "answer too late": _plants((Delay(90.0, stage=Stage.AFTER), "*")),
    "slow drip": _plants((Drip(200, 0.5), "*")),
    "download cut": _plants((Cut(), CONTENTS)),
    "download short, length agrees": _plants((short(), CONTENTS)),
    "download too long": _plants((long(), CONTENTS)),
    "wrong Content-Length": _plants((WrongLength(10), CONTENTS), (WrongLength(-10), CONTENTS)),
    "file changed between ranges": _plants(
        (Cut(), CONTENTS), (ChangedFile(), Match("GET", "*/contents", where=_resumed))
    ),
    "ranges ignored": _plants((Cut(), CONTENTS), (IgnoreRange(), CONTENTS)),
    "compressed transfer": _plants((Compressed(), "*"), (Cut(), CONTENTS)),
    "HTML for JSON": _plants((Html(), JSON)),
    "HTML for CSV": _plants((Html(), CONTENTS)),
    "malformed JSON": _plants((malformed_json(), JSON)),
    "unknown status": _plants((RunSays("queued"), "POST")),
    "unknown fields": _plants((_with(novelty={"a": [1, None]}), JSON)),
    "missing fields": _plants((_without("parameters"), JSON), (_without("created", "result"), JSON)),
    "run failed": _plants((RunFails(), "POST")),
    "runs failed always": lambda faults, _: _plants((RunFails(), "POST"))(faults, 1.0),
    "run late": _plants((RunTakes(5400), "POST")),
    "run pending for ever": _plants((RunTakes(None), "POST")),
    "run gone after it succeeded": _plants((RunVanishes(20.0), "POST")),
    "list pages shift": _plants((ShiftingPages(), LIST)),
    "availability moves back": _plants((EarlierAvailability(), "GET */report_types")),
    "key revoked": _from_then_on(Respond(401), "*", 25),
    "permission withdrawn": _from_then_on(Respond(403), CONTENTS, 5),
    "clock skew": _plants((WrongDate(by=timedelta(hours=2)), "*"), (WrongDate(by=-timedelta(hours=2)), "*")),
    "result elsewhere": _plants((_leading_to("https://evil.example/x"), JSON)),
    "redirected elsewhere": _plants((EditReply(_redirect), CONTENTS)),
}
