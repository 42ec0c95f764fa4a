"""One partition on its way to a finished report run."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from connector.api.models import ReportRequest, ReportRun, ReportType
from connector.errors import ReportingError
from connector.runs.adoption import (
    PartitionRequest,
    Refusal,
    Situation,
    WaitPolicy,
    choose,
    differences,
    refusal,
    unlike,
)
from connector.runs.events import Origin

#: What was just created may not be visible everywhere at once.
_VISIBLE_AFTER = timedelta(minutes=1)
#: Stripe's servers may disagree about the time by so much.
_SKEW = timedelta(seconds=5)


@dataclass(slots=True, eq=False)
class PartitionProgress:
    """What is known of one partition that has not ended.

    Attributes:
        alike: the requests that ask the same, as runs may show them; the one to send stands first.
        began: when the command began, by Stripe's clock.
        updated: when Stripe last prepared the type's data; None when unknown.
        abandon_after: how long a run may be pending.
        listed: the runs in Stripe's list that ask the same, by id.
        known: ids of all runs at Stripe that ask the same. A new run is created under a key made from them.
        own: ids of the runs this command created, by requests that Stripe did not answer from its store.
        asked: ids of the runs that Stripe answered this very request with.
        lost: how many report runs came to nothing: failed, gone, pending for too long, or without a file.
        refused: how many runs Stripe answered a creation with that cannot be the answer.
        replaces: the run that hangs, where one is to be created in its place.
        run, since: the run that is waited for, and since when, by the monotonic clock.
        polled_at: when the last poll began that it was part of, by the monotonic clock.
        unread: why that poll showed nothing of its run; None where it did.
    """

    wanted: PartitionRequest
    alike: Collection[ReportRequest]
    began: datetime
    updated: datetime | None
    abandon_after: timedelta
    listed: dict[str, ReportRun] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    lost: int = 0
    refused: int = 0
    replaces: ReportRun | None = None
    run: ReportRun | None = None
    origin: Origin = Origin.CREATED
    since: float = 0.0
    polled_at: float = float("-inf")
    unread: ReportingError | None = None

    @classmethod
    def of(
        cls, wanted: PartitionRequest, type_: ReportType | None, began: datetime, policy: WaitPolicy
    ) -> Self:
        """A partition of which nothing is known yet, but its report type as its account has it."""
        echoed = wanted.request.as_echoed(type_.default_columns if type_ else None)
        return cls(
            wanted,
            tuple(dict.fromkeys((wanted.request, echoed))),
            began=began,
            updated=type_.updated if type_ else None,
            abandon_after=policy.abandon_after,
        )

    @property
    def key(self) -> str:
        """The partition's key."""
        return self.wanted.partition.key

    @property
    def acting_for(self) -> str | None:
        """The account in whose name it is asked for; None for the client's own."""
        return self.wanted.partition.acting_for

    @property
    def known_ids(self) -> frozenset[str]:
        """The runs a new one must differ from; the published one is among them wherever the list ends."""
        published = self.wanted.published
        return frozenset(self.known) | ({published.run_id} if published else frozenset())

    def refusal(self, run: ReportRun, now: datetime) -> Refusal | None:
        """Why a run cannot be the answer; None where it can."""
        return refusal(run, self.wanted, self._situation(now))

    def mismatch(self, run: ReportRun, now: datetime) -> str:
        """How its request differs from the partition's, for people."""
        return ", ".join(differences(run, self.wanted, self._situation(now)))

    def unlike(self, run: ReportRun) -> list[str]:
        """The parameters that a run does not show as they were asked."""
        return unlike(run, self.alike)

    def choose(self, now: datetime) -> ReportRun | None:
        """The listed run to adopt; None when a new one must be created."""
        return choose(self.wanted, self.listed.values(), self._situation(now))

    def hanging(self, now: datetime) -> list[ReportRun]:
        """The listed runs that have been pending for too long, oldest first."""
        found = [run for run in self.listed.values() if self.refusal(run, now) is Refusal.ABANDONED]
        return sorted(found, key=lambda run: (run.created, run.id))

    def add(self, run: ReportRun) -> None:
        """Stripe's list shows this run, which asks the same."""
        self.listed[run.id] = run
        self.known.add(run.id)

    def answer(self, run: ReportRun) -> None:
        """Stripe answered the creation of a run with this one."""
        self.asked.add(run.id)
        if not run.replayed and run.created >= self.began - _SKEW:
            self.own.add(run.id)

    def take(self, run: ReportRun, now: float) -> None:
        """Wait for this run from now on."""
        self.known.add(run.id)
        self.origin = Origin.CREATED if run.id in self.own else Origin.ADOPTED
        self.run, self.since, self.unread = run, now, None

    def is_gone(self, now: datetime) -> bool:
        """Whether its run, which Stripe gave us and does not know, is too old to be merely not visible yet.

        It stays among those known, since its key would bring it back for a day.
        """
        return self.run is not None and now - self.run.created >= _VISIBLE_AFTER

    def _situation(self, now: datetime) -> Situation:
        return Situation(
            self.alike,
            self.own,
            self.asked | self.known,
            self.began,
            now,
            self.updated,
            self.abandon_after,
        )
