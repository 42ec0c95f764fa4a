"""What travels while a probe runs, as it is: kept in memory only, and never the key.

A request leaves nothing but its method and address, and whether it wanted a part of a file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connector.clock import Clock

#: How much of a body is kept. A probe looks at no more of a file.
_MOST = 8 << 20


@dataclass(slots=True)
class Exchange:
    """A request, and what came back.

    Attributes:
        method, url: what was asked, with the query.
        part: a part of a file was asked for, and not the whole.
        asked, answered: seconds since the first request; `answered` when the head had come.
        status: None where there was no answer.
        headers: of the answer, names in lower case.
        body: the first bytes of the answer, packed as they came; `size` counts all of them.
        ended: the answer came to its end.
    """

    method: str
    url: str
    part: bool
    asked: float
    clock: Clock
    began: float
    answered: float | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    size: int = 0
    ended: bool = False

    def heads(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """The head of the answer has come."""
        self.answered = self.clock.monotonic() - self.began
        self.status, self.headers = status, {name.lower(): value for name, value in headers}

    def receives(self, chunk: bytes) -> None:
        """A piece of the body has come."""
        self.size += len(chunk)
        self.body += chunk[: _MOST - len(self.body)]

    def ends(self) -> None:
        """The body has come to its end."""
        self.ended = True


class Tape:
    """All exchanges of a client that is given to `StripeClient.listen`, in the order asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self.at = clock.now()
        self.exchanges: list[Exchange] = []

    def asks(self, method: str, url: str, *, part: bool) -> Exchange:
        """A request goes out."""
        asked = self._clock.monotonic() - self._began
        self.exchanges.append(Exchange(method, url, part, asked, self._clock, self._began))
        return self.exchanges[-1]
