# ruff: noqa: ARG002 - all have the signature of the base; few use all of it
"""Files, lists, availability and dates that change from one request to the next.

Only a comparison of two answers shows them.

Source: https://docs.stripe.com/api/pagination
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime

from connector.simulator.faults import Fault
from connector.simulator.protocol.forms import parse
from connector.simulator.protocol.messages import Call, Json, Reply
from tests.faults.network import EditJson


def _restated(body: bytes) -> bytes:
    """A CSV of the same length with other figures."""
    return body.translate(bytes.maketrans(b"8", b"9"))


@dataclass(frozen=True)
class ChangedFile(Fault):
    """The contents, or the range requested, are another version's, with another `ETag`.

    `If-Range` does not prevent it.
    """

    change: Callable[[bytes], bytes] = field(default=_restated)

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:
        if answer is None or answer.status not in {200, 206}:
            return answer
        return answer.with_body(self.change(answer.body)).with_headers(ETag='"another version"')


@dataclass(frozen=True)
class ShiftingPages(Fault):
    """A list that shifts while it is read: pages are short, and each further one lacks its first entry.

    As with pages by offset, when something before them is removed between two requests.
    """

    size: int = 10

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:
        if answer is None or answer.status != 200:
            return answer
        follows = "starting_after" in parse(call.query)

        def shift(body: Json) -> None:
            data = body.get("data", [])[1 if follows else 0 :]
            body["data"], body["has_more"] = data[: self.size], body["has_more"] or len(data) > self.size

        return EditJson(shift).reply(call, answer)


@dataclass(frozen=True)
class EarlierAvailability(Fault):
    """`data_available_end` of every type lies `by` earlier than it did."""

    by: timedelta = timedelta(days=40)

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:
        if answer is None or answer.status != 200:
            return answer

        def move(body: Json) -> None:
            for each in body.get("data", [body]):
                if "data_available_end" in each:
                    earlier = each["data_available_end"] - int(self.by.total_seconds())
                    each["data_available_end"] = max(each["data_available_start"], earlier)

        return EditJson(move).reply(call, answer)


@dataclass(frozen=True)
class WrongDate(Fault):
    """The `Date` of the answer is off by `by`."""

    by: timedelta = timedelta(hours=3)

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:
        if answer is None or "Date" not in answer.headers:
            return answer
        date = parsedate_to_datetime(answer.headers["Date"]) + self.by
        return answer.with_headers(Date=format_datetime(date, usegmt=True))
