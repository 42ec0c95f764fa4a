"""What a contender's work takes, once its imports are done: printed as one line of JSON."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def measured() -> Iterator[None]:
    """Wall and CPU seconds of the block, in all threads and children, and the process's peak of MiB."""
    wall, cpu = time.monotonic(), sum(os.times()[:4])
    yield
    wall, cpu = time.monotonic() - wall, sum(os.times()[:4]) - cpu
    status = Path("/proc/self/status").read_text(encoding="utf-8").split()
    peak = int(status[status.index("VmHWM:") + 1]) / 1024
    print(json.dumps({"wall": wall, "cpu": cpu, "peak": peak}))
