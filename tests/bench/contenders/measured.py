"""What a contender's work takes, once its imports are done: printed as one line of JSON.

With `BENCH_PROFILE` set also where its CPU seconds go; that one is not measured against others.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

# Whoever interrupts the bench wants no traceback of each contender.
signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def measured() -> Iterator[None]:
    """Wall and CPU seconds of the block, in all threads and children, and the process's peak of MiB."""
    wall, cpu = time.monotonic(), sum(os.times()[:4])
    with _profiled() as profile:
        yield
    wall, cpu = time.monotonic() - wall, sum(os.times()[:4]) - cpu
    status = Path("/proc/self/status").read_text(encoding="utf-8").split()
    peak = int(status[status.index("VmHWM:") + 1]) / 1024
    print(json.dumps({"wall": wall, "cpu": cpu, "peak": peak, "profile": profile}))


def _profiled() -> AbstractContextManager[dict[str, float]]:
    if "BENCH_PROFILE" not in os.environ:
        return nullcontext({})
    from tests.bench.sampling import sampled  # noqa: PLC0415 - so that no contender has it otherwise

    return sampled()
