"""Files made to hurt, each pulled in its own process. As a table: `python -m tests.chaos.hostile_files`.

The bytes are made as they are sent, so that only what the connector keeps of them is in memory.
"""

import gzip
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import httpx

from connector.api.client import StripeClient
from connector.dataset.store import Store
from connector.pipeline.collect import Missed, collect
from connector.query import ReportQuery
from connector.simulator import SIMULATED_KEY, Simulator
from tests.support.clock import NOON, ManualClock
from tests.support.partitions import days

MIB = 1 << 20
_STEP = 1 << 18
_COLUMNS = ("category", "description", "net_amount", "currency")
_HEADER = ",".join(f'"{name}"' for name in _COLUMNS).encode() + b"\n"
_ROW = b'"charge","a","1.00","usd"\n'


@dataclass(frozen=True)
class HostileFile:
    """A file as pieces of bytes. `size` is what it has, and what is announced of it unless told otherwise."""

    pieces: Callable[[], Iterator[bytes]]
    size: int
    announced: int | None = None
    encoding: str | None = None


def _filled(head: bytes, filling: bytes, tail: bytes, mib: int) -> HostileFile:
    """`filling` for so many MiB, between a beginning and an end."""
    step = filling * (_STEP // len(filling))
    count = mib * MIB // len(step)

    def pieces() -> Iterator[bytes]:
        yield head
        for _ in range(count):
            yield step
        yield tail

    return HostileFile(pieces, len(head) + count * len(step) + len(tail))


def _small(body: bytes) -> HostileFile:
    return HostileFile(lambda: iter([body]), len(body))


def _bomb(mib: int) -> HostileFile:
    packed = gzip.compress(b"0" * MIB) * mib
    chunks = [packed[at : at + 65_536] for at in range(0, len(packed), 65_536)]
    return HostileFile(lambda: iter(chunks), mib * MIB, announced=1000, encoding="gzip")


def _wide(columns: int, rows: int) -> HostileFile:
    names = ",".join(f'"more {number}"' for number in range(columns)).encode()
    row = _ROW[:-1] + b',"x"' * columns + b"\n"
    return _filled(_HEADER[:-1] + b"," + names + b"\n", row, b"", rows * len(row) // MIB + 1)


#: By what is wrong: the file at its full size for `scale` 1, smaller for less.
FILES: Mapping[str, Callable[[float], HostileFile]] = {
    "a cell of 2 GB": lambda scale: _filled(
        _HEADER + b'"charge","', b"a", b'","1.00","usd"\n', int(2048 * scale)
    ),
    "a cell that just passes": lambda _: _filled(_HEADER + b'"charge","', b"a", b'","1.00","usd"\n', 15),
    "a quote that nothing closes": lambda scale: _filled(
        _HEADER + _ROW + b'"', _ROW.replace(b'"', b""), b"", int(2048 * scale)
    ),
    "10 million columns": lambda scale: _filled(_HEADER[:-1], b',"abcdef"', b"\n", int(90 * scale) + 2),
    "as many columns as are allowed": lambda scale: _wide(9_990, int(400 * scale) + 2),
    "10 million fields in a row": lambda scale: _filled(_HEADER + _ROW, b",", b"\n", int(10 * scale) + 2),
    "a number of a billion digits": lambda scale: _filled(
        _HEADER + b'"charge","a","', b"9", b'","usd"\n', int(1024 * scale)
    ),
    "empty lines for 2 GB": lambda scale: _filled(_HEADER, b"\n", _ROW, int(2048 * scale)),
    "NUL bytes": lambda scale: _filled(_HEADER, b"\0", b"\n", int(512 * scale)),
    "invalid UTF-8": lambda scale: _filled(_HEADER, b'"charge","\xff","1.00","usd"\n', b"", int(512 * scale)),
    "a compressed bomb": lambda scale: _bomb(int(4096 * scale)),
}


@dataclass(frozen=True)
class Ending:
    """What became of a pull of one partition: its error, the process's peak memory, what lies at the root."""

    error: str
    kind: str
    peak_mib: float
    seconds: float
    files: list[str]


def pull(name: str, scale: float, root: Path) -> Ending:
    """Pull one partition whose file is that one, in this process."""
    clock, hostile = ManualClock(NOON), FILES[name](scale)
    simulator = Simulator(clock, seed=1, volume=1, opening=date(2026, 5, 1))

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/contents"):
            encoding = {"Content-Encoding": hostile.encoding} if hostile.encoding else {}
            return httpx.Response(200, headers=encoding, content=hostile.pieces())
        response = simulator.handle(request)
        size = f'"size": {hostile.announced or hostile.size}'.encode()
        body = re.sub(rb'"size": \d+', size, response.read())
        return httpx.Response(response.status_code, headers={"Date": response.headers["Date"]}, content=body)

    began, missed = time.monotonic(), []
    http = httpx.Client(transport=httpx.MockTransport(handle))
    with StripeClient(SIMULATED_KEY, http=http, clock=clock) as client:
        events = collect(client, Store(root), ReportQuery.of("balance_summary"), days("2026-05-02", 1))
        with closing(events):
            missed = [event.error for event in events if isinstance(event, Missed)]
    return Ending(
        error=str(missed[0]) if missed else "",
        kind=type(missed[0]).__name__ if missed else "",
        peak_mib=_peak_mib(),
        seconds=round(time.monotonic() - began, 1),
        files=[str(path) for path in root.rglob("*") if path.is_file() and path.parent.name != "locks"],
    )


def pull_apart(name: str, scale: float, root: Path) -> Ending:
    """The same in a process of its own, whose memory is its own."""
    program = [sys.executable, "-m", "tests.chaos.hostile_files", name, str(scale), str(root)]
    ran = subprocess.run(program, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return Ending(**json.loads(ran.stdout))


def _peak_mib() -> float:
    """Peak resident memory of this process alone; getrusage would count its parent's."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return round(int(found[1]) / 1024, 1)


def main() -> None:
    """The table at full size, or one pull for `pull_apart`."""
    if len(sys.argv) == 4:
        name, size, root = sys.argv[1:]
        print(json.dumps(asdict(pull(name, float(size), Path(root)))))
        return
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    for name in FILES:
        with tempfile.TemporaryDirectory() as place:
            ending = pull_apart(name, scale, Path(place))
        print(f"{name:32} {ending.peak_mib:7.0f} MiB {ending.seconds:6.1f} s  {ending.kind}: {ending.error}")


if __name__ == "__main__":
    main()
