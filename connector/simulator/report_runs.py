"""Report runs and their files: what was asked for, when it is ready, and what it says.

A run's status is a function of the clock: nothing happens in the background. Its file is written when someone
first looks at it, from the ledger as it was when the run was made, so it is the same whenever that is.

Sources: https://docs.stripe.com/api/reporting/report_run/object, https://docs.stripe.com/api/files/object
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.simulator.books.entries import Owner
from connector.simulator.books.seeded_random import token
from connector.simulator.protocol.messages import Json

FILE_LIFE = 31_536_000
"""Seconds until a file expires: 365 days, as in the one sample that says so."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What becomes of a run.

    It ends `seconds` after its creation, or never (None), and fails if there is an `error`. Until then its
    status reads `waiting`. With `vanishes` it is unknown to Stripe that many seconds after its end. `rewrite`
    changes the bytes of its file before anything is known of them.
    """

    seconds: float | None
    error: str | None = None
    waiting: str = "pending"
    vanishes: float | None = None
    rewrite: Callable[[bytes], bytes] | None = None


class ReportFile:
    """A result. `created` in unix seconds; named after the run that it was first made for."""

    def __init__(self, id: str, run_id: str, created: int, write: Callable[[], bytes]) -> None:
        self.id = id
        self.run_id = run_id
        self.created = created
        self._write = write
        self._content: bytes | None = None
        self._lock = threading.Lock()

    @property
    def content(self) -> bytes:
        """The CSV; written once."""
        with self._lock:
            if self._content is None:
                self._content = self._write()
            return self._content

    def view(self, contents_origin: str) -> Json:
        """The file object."""
        return {
            "id": self.id,
            "object": "file",
            "created": self.created,
            "expires_at": self.created + FILE_LIFE,
            "filename": f"{self.run_id}.csv",
            "links": {
                "object": "list",
                "data": [],
                "has_more": False,
                "url": f"/v1/file_links?file={self.id}",
            },
            "purpose": "finance_report_run",
            "size": len(self.content),
            "title": f"FinanceReportRun {self.run_id}",
            "type": "csv",
            "url": f"{contents_origin}/v1/files/{self.id}/contents",
        }


@dataclass(slots=True)
class Run:
    """One report run. `created` is in unix seconds; `parameters` are as echoed, with the defaults."""

    id: str
    owner: Owner
    report_type: str
    parameters: Mapping[str, Any]
    created: int
    fate: RunPlan
    file: ReportFile
    reused: bool = False
    ends_at: float | None = field(default=None)

    def status(self, now: datetime) -> str:
        """`pending`, `succeeded` or `failed` at `now`."""
        if self.ends_at is None or now.timestamp() < self.ends_at:
            return self.fate.waiting
        return "failed" if self.fate.error is not None else "succeeded"

    def exists(self, now: datetime) -> bool:
        """False once Stripe has lost it."""
        if self.ends_at is None or self.fate.vanishes is None:
            return True
        return now.timestamp() < self.ends_at + self.fate.vanishes

    def view(self, now: datetime, contents_origin: str) -> Json:
        """The report run object; the file comes whole, without expanding."""
        status = self.status(now)
        done = status == "succeeded"
        return {
            "id": self.id,
            "object": "reporting.report_run",
            "created": self.created,
            "error": self.fate.error if status == "failed" else None,
            "livemode": self.owner.livemode,
            "parameters": dict(self.parameters),
            "report_type": self.report_type,
            "result": self.file.view(contents_origin) if done else None,
            "status": status,
            "succeeded_at": int(self.ends_at) if done and self.ends_at is not None else None,
        }


def _readable(run: Run, now: datetime) -> bool:
    """Whether the run's file is there: made, not lost with the run, not expired."""
    done = run.exists(now) and run.status(now) == "succeeded"
    return done and now.timestamp() < run.file.created + FILE_LIFE


class Runs:
    """All runs of all owners, oldest first. Safe to use from many threads."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._runs: list[Run] = []
        self._by_id: dict[str, Run] = {}
        self._lock = threading.RLock()

    def everything(self) -> list[Run]:
        """Oldest first."""
        with self._lock:
            return list(self._runs)

    def of(self, owner: Owner, now: datetime) -> list[Run]:
        """What `owner` can see at `now`, newest first."""
        return [run for run in reversed(self.everything()) if run.owner == owner and run.exists(now)]

    def files_of(self, owner: Owner, now: datetime) -> list[ReportFile]:
        """The files that exist at `now`, newest first; a file that answered two runs is one file."""
        found: dict[str, ReportFile] = {}
        for run in self.of(owner, now):
            if _readable(run, now):
                found.setdefault(run.file.id, run.file)
        return sorted(found.values(), key=lambda file: file.created, reverse=True)

    def about(self, id: str) -> Run | None:
        """The run with that id, or the one that a file with that id was made for."""
        return self._by_id.get(id)

    def find(self, owner: Owner, run_id: str, now: datetime) -> Run | None:
        """The run, if `owner` can see it at `now`."""
        run = self._by_id.get(run_id)
        return run if run and run.id == run_id and run.owner == owner and run.exists(now) else None

    def find_file(self, owner: Owner, file_id: str, now: datetime) -> ReportFile | None:
        """The file, if it exists at `now` and is `owner`'s."""
        run = self._by_id.get(file_id)
        if run is None or run.file.id != file_id or run.owner != owner:
            return None
        return run.file if _readable(run, now) else None

    def create(
        self,
        owner: Owner,
        report_type: str,
        parameters: Mapping[str, Any],
        *,
        now: datetime,
        fate: Callable[[int], RunPlan],
        write: Callable[[], bytes],
        reuse: float | None,
    ) -> Run:
        """A new run; answered at once from an identical one's file made at most `reuse` seconds ago.

        `fate` is asked with the number of the run, counted from 0.
        """
        with self._lock:
            number, created = len(self._runs), int(now.timestamp())
            run_id = f"frr_1{token(23, self._seed, 'run', number, created)}"
            earlier = self._reusable(owner, report_type, parameters, now, reuse)
            if earlier is not None:
                run = Run(run_id, owner, report_type, parameters, created, RunPlan(0), earlier, reused=True)
                run.ends_at = created
            else:
                run = self._fresh(
                    run_id,
                    owner=owner,
                    report_type=report_type,
                    parameters=parameters,
                    now=now,
                    fate=fate(number),
                    write=write,
                )
            self._runs.append(run)
            self._by_id[run.id] = run
            self._by_id.setdefault(run.file.id, run)
            return run

    def _fresh(
        self,
        run_id: str,
        *,
        owner: Owner,
        report_type: str,
        parameters: Mapping[str, Any],
        now: datetime,
        fate: RunPlan,
        write: Callable[[], bytes],
    ) -> Run:
        ends_at = None if fate.seconds is None else now.timestamp() + fate.seconds
        rewrite = fate.rewrite
        file = ReportFile(
            id=f"file_1{token(23, self._seed, 'file', run_id)}",
            run_id=run_id,
            created=int(now.timestamp() if ends_at is None else ends_at),
            write=write if rewrite is None else lambda: rewrite(write()),
        )
        return Run(run_id, owner, report_type, parameters, int(now.timestamp()), fate, file, ends_at=ends_at)

    def end(self, run_id: str, *, now: datetime) -> None:
        """Let a run that hangs, or takes long, end at `now`."""
        with self._lock:
            run = self._by_id[run_id]
            run.ends_at = now.timestamp()
            run.file.created = int(run.ends_at)

    def _reusable(
        self,
        owner: Owner,
        report_type: str,
        parameters: Mapping[str, Any],
        now: datetime,
        reuse: float | None,
    ) -> ReportFile | None:
        if reuse is None:
            return None
        for run in self.of(owner, now):
            same = run.report_type == report_type and run.parameters == parameters
            if same and run.status(now) == "succeeded" and now.timestamp() - run.file.created <= reuse:
                return run.file
        return None
