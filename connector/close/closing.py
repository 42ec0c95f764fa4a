"""A month as the files have it: its sheets, the files they are made of, and why it cannot be closed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from connector.accounts import NO_LISTS, AccountLists
from connector.catalogue.reports.balance import OPENING
from connector.checks.finding import CheckOutcome, CheckResult, Severity
from connector.close.gathering import Reading
from connector.close.month import Month
from connector.close.reading import Source
from connector.close.rows import Owner
from connector.close.sheet import CurrencySheet, sheets
from connector.close.sign_off import Input, SignOff
from connector.close.tables import (
    NEEDED,
    Books,
    Needs,
    Role,
    explain_missing,
    find_books,
    is_by_payout,
    needs_beside,
    needs_of,
)
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import ConfigurationError
from connector.partitions import Windows

#: Stripe has a day within another one; windows that ended later are not yet missing.
_AVAILABLE = timedelta(days=1)

#: So many failures of one check are told.
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Part:
    """A month of one account, or of those that have partitions of their own.

    Attributes:
        books: the tables that it is made of.
        last: the last day that its balances reach.
        sheets: by account and currency.
        inputs: the files that it is made of.
        problems: why it cannot be closed, as sentences: missing partitions, failed checks, differences.
        remarks: what is worth a look and holds nothing up, as sentences.
    """

    books: Books
    last: date
    sheets: tuple[CurrencySheet, ...]
    inputs: tuple[Input, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Closing:
    """A month of everything below a root, of one mode."""

    month: Month
    mode: str
    parts: tuple[Part, ...]

    @property
    def sheets(self) -> tuple[CurrencySheet, ...]:
        """Of all accounts."""
        return tuple(sheet for part in self.parts for sheet in part.sheets)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """All files that the month is made of."""
        return tuple(each for part in self.parts for each in part.inputs)

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the month cannot be closed, each reason once; nothing if it can."""
        return tuple(dict.fromkeys(each for part in self.parts for each in part.problems))


def close_month(
    store: Store,
    datasets: Sequence[Dataset],
    month: Month,
    lists: AccountLists = NO_LISTS,
    *,
    signed: SignOff | None = None,
    now: datetime | None = None,
) -> Closing:
    """Read and check a month.

    Args:
        datasets: the tables of one mode.
        lists: the accounts that the configuration names, with their lives.
        signed: the sign-off that holds: of several tables that would do, those it names count.
        now: an aware time, for a month that may not be over; None for one that is.

    Raises:
        ConfigurationError: no table has balances that make up months.
        StoreError: the file system refuses.
    """
    were = {each.table for each in signed.inputs} if signed else set()

    def place(dataset: Dataset) -> int:
        """First those that were signed, then those that have anything of the month."""
        if dataset.table in were:
            return 0
        keys = store.keys(dataset)
        return 1 if (keys if is_by_payout(dataset) else needs_of(dataset, keys, month).present) else 2

    books = find_books(datasets, place)
    if not books:
        raise ConfigurationError(
            "a month is closed by its balance summary, and there is no table of one with daily, hourly or "
            "monthly windows. `stripe-reports pull balance_summary` makes one"
        )
    return Closing(month, datasets[0].mode, tuple(_part(store, each, month, lists, now) for each in books))


def _part(store: Store, books: Books, month: Month, lists: AccountLists, now: datetime | None) -> Part:
    reading = Reading(store, books, month)
    problems, remarks = list(books.lacking()), list[str]()
    needs: dict[Role, Needs] = {}
    for role, dataset in books.tables.items():
        if is_by_payout(dataset):
            continue
        needed = needs_of(dataset, store.keys(dataset), month, lists)
        if needed.present or role in NEEDED:
            needs[role] = needed
        else:
            reading.absent[role] = f"not there: {dataset.table} has no file of {month}"
    needs = needs_beside(needs, books.tables, month)
    problems += [
        f"{books.tables[role].table} has no file of any account in {month}. Pull it."
        for role, needed in needs.items()
        if not needed.present and not needed.missing
    ]
    sources = [Source.of(books, role) for role in needs]
    for source in sources:
        reading.look(source, needs[source.role].present)
    for at, source in enumerate(sources):
        reading.read(source, needs[source.role].present, sources[at + 1 :])
    reading.read_single_payouts()
    begins = _beginnings(reading, needs[Role.BALANCE])
    remarks += [
        f"{owner} begins on {first} with a balance of zero; nothing is expected before."
        for owner, first in begins.items()
    ]
    calendar = Windows(books.balance.window, books.balance.zone)
    intervals = {owner: calendar.partition(first).interval for owner, first in begins.items()}
    starts = {owner: interval.start for owner, interval in intervals.items() if interval}
    lacks = [each for source in sources for each in _missing(source, needs[source.role], starts)]
    due = lacks
    if lacks and now is not None and now < month.end(books.balance.zone):
        problems.append(_explain_unfinished(month, books.balance.zone, now))
        due = [each for lack in lacks if (each := lack.until(now - _AVAILABLE))]
    missing = [explain_missing(each.dataset, each.keys, account=each.account) for each in due]
    rows = reading.as_rows()
    found = sheets(rows, month.last)
    remarks += _without_activity(reading, needs[Role.BALANCE], found)
    faults = [] if lacks else [fault for sheet in found for fault in sheet.faults()]
    checked = list(_failures(reading.outcomes, month))
    return Part(
        books=replace(books, unfit={**books.unfit, **reading.absent}),
        last=_last_day(books.balance, needs[Role.BALANCE].present) or month.last,
        sheets=found,
        inputs=tuple(reading.inputs),
        problems=(*problems, *missing, *reading.problems, *faults, *checked),
        remarks=(*remarks, *_remarks(reading.outcomes)),
    )


def _beginnings(reading: Reading, balance: Needs) -> dict[Owner, str]:
    """By account the first period of all, where that lies within the month and opens with nothing: before it
    there was no account."""
    source = Source.of(reading.books, Role.BALANCE)
    found = {}
    for account, first in balance.begins.items():
        owner = source.owner(source.dataset.key_format.key(*filter(None, [account]), first))
        lines = [
            each
            for each in reading.rows[Role.BALANCE]
            if (each.owner, getattr(each, "period", None)) == (owner, first)
        ]
        if not any(getattr(each, "category", "") == OPENING and getattr(each, "amount", 0) for each in lines):
            found[owner] = first
    return found


@dataclass(frozen=True, slots=True)
class _Lack:
    """What a table lacks of the month: partitions of one account, or of none of its own."""

    dataset: Dataset
    account: str
    keys: Sequence[str]

    def until(self, end: datetime) -> "_Lack | None":
        """The windows that had ended by then."""
        keys = [key for key, ended in _ends(self.dataset, self.keys).items() if ended <= end]
        return replace(self, keys=keys) if keys else None


def _ends(dataset: Dataset, keys: Sequence[str]) -> dict[str, datetime]:
    """When the windows of partitions end."""
    windows, form = Windows(dataset.window, dataset.zone), dataset.key_format
    intervals = {key: windows.partition(form.values(key)[-1]).interval for key in keys}
    return {key: interval.end for key, interval in intervals.items() if interval}


def _missing(source: Source, needs: Needs, starts: Mapping[Owner, datetime]) -> Iterator[_Lack]:
    """What is expected and not there: nothing of windows that had ended when an account began, whatever the
    windows of its balance are."""
    for account, keys in needs.missing.items():
        whose = [source.owner(keys[0])] if account or not source.apart else list(starts)
        first = min((starts[each] for each in whose if each in starts), default=None)
        ends = _ends(source.dataset, keys)
        wanted = [key for key in keys if first is None or ends[key] > first]
        if wanted:
            yield _Lack(source.dataset, account, wanted)


def _last_day(dataset: Dataset, keys: Sequence[str]) -> date | None:
    """The last day of these windows; None where there are none."""
    last = max(_ends(dataset, keys).values(), default=None)
    return Windows(dataset.window, dataset.zone).day(last - timedelta(seconds=1)) if last else None


def _explain_unfinished(month: Month, zone: str, now: datetime) -> str:
    if now < month.before.end(zone):
        return f"{month} has not begun: its first day is {month.first}, on the calendar of {zone}."
    return (
        f"{month} is not over: its last day is {month.last}, on the calendar of {zone}. It can be closed "
        f"from {month.following.first} on, once the files of that day are there."
    )


def _without_activity(reading: Reading, balance: Needs, found: Sequence[CurrencySheet]) -> Iterator[str]:
    """Accounts that have files and no currency in them, as sentences."""
    source = Source.of(reading.books, Role.BALANCE)
    there = dict.fromkeys(source.owner(key) for key in balance.present)
    for owner in there.keys() - {each.owner for each in found}:
        yield f"{owner} has no balance in any currency, and nothing moved."


def _failures(outcomes: Sequence[CheckOutcome], month: Month) -> Iterator[str]:
    """Failed checks, as sentences: the first few of each."""
    failed: dict[tuple[str, str], list[CheckOutcome]] = {}
    for each in outcomes:
        if each.finding.result is CheckResult.FAILED and each.check.severity is Severity.ERROR:
            failed.setdefault((each.table, each.check.name), []).append(each)
    for (table, name), found in failed.items():
        for each in found[:_SHOWN]:
            yield f"{table} {each.partition}, {name}: {each.finding.reason}"
        if len(found) > _SHOWN:
            yield f"{len(found) - _SHOWN:,} more of {table} in {month}, {name}."


def _remarks(outcomes: Sequence[CheckOutcome]) -> Iterator[str]:
    """Warnings and what nobody can decide, counted."""
    counts: dict[tuple[str, str, str], list[str]] = {}
    for each in outcomes:
        failed = each.finding.result is CheckResult.FAILED and each.check.severity is Severity.WARN
        if failed or each.finding.result is CheckResult.INCONCLUSIVE:
            word = "warning" if failed else "inconclusive"
            counts.setdefault((each.table, each.check.name, word), []).append(each.partition)
    for (table, name, word), partitions in counts.items():
        yield f"{word}: {table}, {name}: {len(partitions):,} partitions, first {partitions[0]}."
