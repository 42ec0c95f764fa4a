"""The state of each partition of a table, from plain values: pure."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from connector.dataset.coverage import listed
from connector.partitions import Interval, KeyFormat


class State(StrEnum):
    """How a partition stands; where several are so of one period, the first of them here is shown."""

    FAILING = "failing"
    MISSING = "missing"
    LATE = "late"
    NOT_READY = "not ready"
    RESTATED = "restated"
    THERE = "there"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a table.

    Attributes:
        table, mode, report_type, window, zone: as its dataset has them.
        dimensions: what distinguishes partitions besides their period.
        expected: the partitions that there are to be, by key; of one payout, None.
        there: keys of those that have a file.
        restated: of those, the ones whose file differs from the first that was published.
        failing: why a partition fails a check, by key; what is wrong with the whole table is under a key that
            is none.
        pending: the report run that Stripe still works on for a partition without a file, by key.
        finished: one that has succeeded and was not fetched, likewise.
        available: since when and until when Stripe has data; None where it was not asked.
        prepared: how long after its end a window is usually prepared, for where Stripe was not asked.
        now: an instant.
    """

    table: str
    mode: str
    report_type: str
    window: str
    zone: str
    expected: Mapping[str, Interval | None]
    there: Collection[str]
    now: datetime
    prepared: timedelta
    dimensions: tuple[str, ...] = ()
    restated: Collection[str] = frozenset()
    failing: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pending: Mapping[str, str] = field(default_factory=dict)
    finished: Mapping[str, str] = field(default_factory=dict)
    available: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """A table with the state of each of its partitions, in the order of their keys.

    Attributes:
        remarks: why a partition, or the whole table, is as it is, by key, for people.
    """

    facts: Facts
    states: Mapping[str, State]
    remarks: Mapping[str, str]

    @property
    def counts(self) -> dict[State, int]:
        """How many partitions are in each state, without states that none is in."""
        found = Counter(self.states.values())
        return {state: found[state] for state in State if found[state]}

    def keys(self, state: State) -> tuple[str, ...]:
        """The partitions in a state."""
        return tuple(key for key, each in self.states.items() if each is state)

    @property
    def periods(self) -> dict[str, State]:
        """The state of each period: of several accounts, the one that is looked at first."""
        form, order = KeyFormat(self.facts.window, self.facts.dimensions), list(State)
        found: dict[str, State] = {}
        for key, state in self.states.items():
            period = form.values(key)[-1]
            found[period] = min(found.get(period, state), state, key=order.index)
        return dict(sorted(found.items()))

    @property
    def summary(self) -> str:
        """`12 there, 1 missing`, with the keys of what is not as it is to be."""
        shown = []
        for state, count in reversed(self.counts.items()):
            named = state in {State.FAILING, State.MISSING, State.LATE}
            keys = f" ({listed(self.keys(state))})" if named else ""
            shown.append(f"{count:,} {state}{keys}")
        return ", ".join(shown) or "no partitions"


def make_calendar(facts: Facts) -> Calendar:
    """The state of each partition. What begins before Stripe's data do is left out: it never comes."""
    states: dict[str, State] = {}
    remarks = {key: " ".join(reasons) for key, reasons in facts.failing.items()}
    for key in sorted({*facts.expected, *facts.there}):
        state = _state(facts, key)
        if state is None:
            continue
        states[key] = state
        if state is State.LATE:
            remarks[key] = f"report run {facts.pending[key]} continues at Stripe"
        elif state is State.MISSING and key in facts.finished:
            remarks[key] = f"report run {facts.finished[key]} has succeeded: pull fetches its file"
    return Calendar(facts, states, remarks)


def _state(facts: Facts, key: str) -> State | None:
    if key in facts.there:
        failing, restated = key in facts.failing, key in facts.restated
        return State.FAILING if failing else State.RESTATED if restated else State.THERE
    if key in facts.pending:
        return State.LATE
    interval = facts.expected[key]
    if interval and facts.available and interval.start < facts.available[0]:
        return None
    if interval and interval.end > _ready_until(facts):
        return State.NOT_READY
    return State.MISSING


def _ready_until(facts: Facts) -> datetime:
    """Until when there should be data: as Stripe says it, else as it usually is."""
    return facts.available[1] if facts.available else facts.now - facts.prepared
