"""Report runs and their files: parameters, status, result.

A run's status is a function of the clock: nothing happens in the background. Its file is written when it is
first needed, from the ledger as it was when the run was created, so its bytes do not depend on that moment.

Source: https://docs.stripe.com/api/reporting/report_run/object, https://docs.stripe.com/api/files/object
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.simulator.books.seeded_random import token
from connector.simulator.owner import Owner
from connector.simulator.protocol.messages import Json

#: Seconds until a file expires: 365 days, as in the one real sample with an `expires_at`.
FILE_LIFE = 31_536_000


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What will happen to a run. Faults change it.

    Attributes:
        seconds: how long the run takes; with None it does not end.
        error: the run fails with it.
        waiting: its status until it ends.
        vanishes: seconds after its end from which the run is a 404.
        rewrite: changes the bytes of its file, before its size is known.
        reuse: the result is the file of an earlier, identical run that has succeeded, if there is one.
        contents_after: seconds after its end until which the file's contents are a 404.
        file_deleted: seconds after its end from which the file is a 404.
    """

    seconds: float | None
    error: str | None = None
    waiting: str = "pending"
    vanishes: float | None = None
    rewrite: Callable[[bytes], bytes] | None = None
    reuse: bool = False
    contents_after: float = 0.0
    file_deleted: float | None = None


class ReportFile:
    """The result of a run, named after it. `created` in unix seconds."""

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
    """One report run. `created` and `ends_at` in unix seconds; `parameters` as echoed, with the defaults."""

    id: str
    owner: Owner
    report_type: str
    parameters: Mapping[str, Any]
    created: int
    plan: RunPlan
    file: ReportFile
    ends_at: float | None

    def status(self, now: datetime) -> str:
        """`pending`, `succeeded` or `failed` at `now`, unless the plan has another word for the first."""
        if self.ends_at is None or now.timestamp() < self.ends_at:
            return self.plan.waiting
        return "failed" if self.plan.error is not None else "succeeded"

    def exists(self, now: datetime) -> bool:
        """False once it has vanished."""
        return not self._ended_for(self.plan.vanishes, now)

    def has_file(self, now: datetime) -> bool:
        """Whether its file exists at `now`: written, not deleted, not expired, not vanished with the run."""
        return (
            self.status(now) == "succeeded"
            and self.exists(now)
            and not self._ended_for(self.plan.file_deleted, now)
            and now.timestamp() < self.file.created + FILE_LIFE
        )

    def has_contents(self, now: datetime) -> bool:
        """Whether its file can be downloaded at `now`."""
        return self.has_file(now) and self._ended_for(self.plan.contents_after, now)

    def _ended_for(self, seconds: float | None, now: datetime) -> bool:
        ended = self.ends_at
        return ended is not None and seconds is not None and now.timestamp() >= ended + seconds

    def view(self, now: datetime, contents_origin: str) -> Json:
        """The report run object; the file comes whole, without expanding."""
        status = self.status(now)
        done = status == "succeeded"
        return {
            "id": self.id,
            "object": "reporting.report_run",
            "created": self.created,
            "error": self.plan.error if status == "failed" else None,
            "livemode": self.owner.livemode,
            "parameters": dict(self.parameters),
            "report_type": self.report_type,
            "result": self.file.view(contents_origin) if done else None,
            "status": status,
            "succeeded_at": int(self.ends_at) if done and self.ends_at is not None else None,
        }


class Runs:
    """All runs of all owners, oldest first. Safe to use from many threads."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._runs: list[Run] = []
        self._by_id: dict[str, Run] = {}
        self._lock = threading.RLock()

    def all(self) -> list[Run]:
        """Oldest first."""
        with self._lock:
            return list(self._runs)

    def of(self, owner: Owner, now: datetime) -> list[Run]:
        """The runs of `owner` that exist at `now`, newest first."""
        return [run for run in reversed(self.all()) if run.owner == owner and run.exists(now)]

    def files_of(self, owner: Owner, now: datetime) -> list[ReportFile]:
        """The files that exist at `now`, newest first. A file that is the result of two runs comes once."""
        found: dict[str, ReportFile] = {}
        for run in self.of(owner, now):
            if run.has_file(now):
                found.setdefault(run.file.id, run.file)
        return sorted(found.values(), key=lambda file: file.created, reverse=True)

    def by_id(self, id: str) -> Run | None:
        """The run with that id, or the one whose result is the file with that id."""
        return self._by_id.get(id)

    def find(self, owner: Owner, run_id: str, now: datetime) -> Run | None:
        """The run, if it exists at `now` and is `owner`'s."""
        run = self._by_id.get(run_id)
        return run if run and run.id == run_id and run.owner == owner and run.exists(now) else None

    def find_by_file(self, owner: Owner, file_id: str, now: datetime) -> Run | None:
        """The run whose result is that file, if the file exists at `now` and is `owner`'s."""
        run = self._by_id.get(file_id)
        if run is None or run.file.id != file_id or run.owner != owner:
            return None
        return run if run.has_file(now) else None

    def create(
        self,
        owner: Owner,
        report_type: str,
        parameters: Mapping[str, Any],
        *,
        now: datetime,
        plan: Callable[[int], RunPlan],
        write: Callable[[], bytes],
    ) -> Run:
        """A new run. `plan` gets its number, counted from 0; `write` returns the contents of its file."""
        with self._lock:
            number, created = len(self._runs), int(now.timestamp())
            run_id = f"frr_1{token(23, self._seed, 'run', number, created)}"
            planned = plan(number)
            file = self._identical(owner, report_type, parameters, now) if planned.reuse else None
            ends_at = None if planned.seconds is None else now.timestamp() + planned.seconds
            if file is not None:
                planned, ends_at = RunPlan(0), float(created)
            else:
                file = self._file(run_id, planned, created if ends_at is None else int(ends_at), write)
            run = Run(run_id, owner, report_type, parameters, created, planned, file, ends_at)
            self._runs.append(run)
            self._by_id[run.id] = run
            self._by_id.setdefault(file.id, run)
            return run

    def _file(self, run_id: str, plan: RunPlan, created: int, write: Callable[[], bytes]) -> ReportFile:
        rewrite = plan.rewrite
        return ReportFile(
            id=f"file_1{token(23, self._seed, 'file', run_id)}",
            run_id=run_id,
            created=created,
            write=write if rewrite is None else lambda: rewrite(write()),
        )

    def _identical(
        self, owner: Owner, report_type: str, parameters: Mapping[str, Any], now: datetime
    ) -> ReportFile | None:
        """The file of the newest run of the same type with the same parameters that has succeeded."""
        for run in self.of(owner, now):
            if run.report_type == report_type and run.parameters == parameters and run.has_file(now):
                return run.file
        return None

    def end(self, run_id: str, *, now: datetime) -> None:
        """Let a run end at `now`, whatever its plan says."""
        with self._lock:
            run = self._by_id[run_id]
            run.ends_at = now.timestamp()
            run.file.created = int(run.ends_at)
