"""A month as the files have it: its sheets, the files they are made of, and why it cannot be closed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import pairwise

from connector.accounts import NO_LISTS, AccountLists
from connector.catalogue.reports.balance import OPENING
from connector.checks.agreement.pairs import find_reconciliations
from connector.checks.agreement.reconciliation import partitions_beside, reconcile_file
from connector.checks.balance import Ends, compare_ends, read_ends
from connector.checks.evaluate import check_opened_file
from connector.checks.finding import CheckOutcome, CheckResult, Finding, Severity
from connector.checks.opened_file import OpenFile, UnreadableError, opened
from connector.close.month import Month
from connector.close.reading import ARRIVAL, Row, Source, next_opening
from connector.close.rows import Owner, Rows
from connector.close.sheet import CurrencySheet, sheets
from connector.close.sign_off import Input
from connector.close.tables import NEEDED, Books, Needs, Role, explain_missing, find_books, needs_of
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import ConfigurationError, NoDataError

#: So many failures of one check are told.
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Part:
    """A month of one account, or of those that have partitions of their own.

    Attributes:
        books: the tables that it is made of.
        sheets: by account and currency.
        inputs: the files that it is made of.
        problems: why it cannot be closed, as sentences: missing partitions, failed checks, differences.
        remarks: what is worth a look and holds nothing up, as sentences.
    """

    books: Books
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
        """Why the month cannot be closed; nothing if it can."""
        return tuple(each for part in self.parts for each in part.problems)


def close_month(
    store: Store, datasets: Sequence[Dataset], month: Month, lists: AccountLists = NO_LISTS
) -> Closing:
    """Read and check a month.

    Args:
        datasets: the tables of one mode.
        lists: the accounts that the configuration names, with their lives.

    Raises:
        ConfigurationError: no table has balances that make up months.
        StoreError: the file system refuses.
    """
    books = find_books(datasets)
    if not books:
        raise ConfigurationError(
            "a month is closed by its balance summary, and there is no table of one with daily, hourly or "
            "monthly windows. `stripe-reports pull balance_summary` makes one"
        )
    return Closing(month, datasets[0].mode, tuple(_part(store, each, month, lists) for each in books))


def _part(store: Store, books: Books, month: Month, lists: AccountLists) -> Part:
    reading = _Reading(store, books, month)
    problems, remarks = list(books.lacking), list[str]()
    needs: dict[Role, Needs] = {}
    for role, dataset in books.tables.items():
        needed = needs_of(dataset, store.keys(dataset), month, lists)
        if needed.present or role in NEEDED:
            needs[role] = needed
        if role in NEEDED and not needed.present and not needed.missing:
            problems.append(f"{dataset.table} has no file of any account in {month}. Pull it.")
    sources = [Source.of(books, role) for role in needs]
    for at, source in enumerate(sources):
        reading.read(source, needs[source.role], sources[at + 1 :])
    begins = _beginnings(reading, needs[Role.BALANCE])
    remarks += [
        f"{owner} begins on {first} with a balance of zero; nothing is expected before."
        for owner, first in begins.items()
    ]
    missing = [each for source in sources for each in _missing(source, needs[source.role], begins)]
    rows = reading.as_rows()
    found = sheets(rows, month.last)
    faults = [] if missing else [fault for sheet in found for fault in sheet.faults()]
    checked = list(_failures(reading.outcomes, month))
    return Part(
        books=replace(books, unfit={**books.unfit, **reading.absent}),
        sheets=found,
        inputs=tuple(reading.inputs),
        problems=(*problems, *missing, *reading.problems, *faults, *checked),
        remarks=(*remarks, *_remarks(reading.outcomes)),
    )


@dataclass
class _Reading:
    """What is read of the files of an account, one after the other."""

    store: Store
    books: Books
    month: Month
    rows: dict[Role, list[Row]] = field(default_factory=dict)
    openings: dict[Owner, dict[str, Decimal]] = field(default_factory=dict)
    inputs: list[Input] = field(default_factory=list)
    outcomes: list[CheckOutcome] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    absent: dict[Role, str] = field(default_factory=dict)
    arrivals: bool = True

    def read(self, source: Source, needs: Needs, others: Sequence[Source]) -> None:
        """Read and check the files of a table, and compare them with those of others."""
        dataset = source.dataset
        found = self.rows.setdefault(source.role, [])
        ends: dict[str, Ends | UnreadableError] = {}
        for key, file in self.store.provenances(dataset, needs.present).items():
            if file is None:
                self.problems.append(f"{dataset.table} {key} cannot be read. Pull it again.")
                continue
            query = source.query(file)
            if lack := source.lack(query):
                self.absent[source.role] = f"not there: {dataset.table} {lack}"
                if source.role in NEEDED:
                    self.problems.append(f"{dataset.table} {key} {lack}. Pull it with its usual columns.")
                continue
            self.inputs.append(Input.of(dataset.table, key, file))
            with opened(self.store, dataset, query, key) as here:
                self.outcomes += check_opened_file(self.store, dataset, query, key, here)
                if isinstance(here, UnreadableError):
                    continue
                rows = source.rows(key, here)
                if isinstance(rows, Finding):
                    self.problems.append(f"{dataset.table} {key}: {rows.reason}")
                else:
                    found += rows
                if source.role is Role.PAYOUTS and ARRIVAL not in here.schema.names:
                    self.arrivals = False
                if source.role is Role.BALANCE:
                    ends[key] = read_ends(here)
                for other in others:
                    self._compare(source, key, here, other)
        if source.role is Role.BALANCE:
            self._neighbours(source, ends)

    def _compare(self, source: Source, key: str, here: OpenFile, other: Source) -> None:
        beside = partitions_beside(self.store, source.dataset, other.dataset, key)
        file = next(filter(None, (self.store.provenance(other.dataset, each) for each in beside)), None)
        if file is None:
            return
        for each in find_reconciliations(here.query, [other.query(file)]):
            outcome = reconcile_file(
                self.store, each, source.dataset, other.dataset, key, here=here, beside=beside
            )
            self.outcomes += [outcome] if outcome else []

    def _neighbours(self, source: Source, ends: dict[str, Ends | UnreadableError]) -> None:
        """Compare each period with the one before it, from the last before the month to the first after."""
        dataset, month = source.dataset, self.month
        cut = (dataset.window, dataset.zone)
        before, after = month.before.partitions(*cut)[-1].key, month.following.partitions(*cut)[0].key
        inside = [each.key for each in month.partitions(*cut)]
        for account in {dataset.key_format.values(key)[:-1] for key in ends}:
            keys = [dataset.key_format.key(*account, each) for each in (before, *inside, after)]
            for outer in (keys[0], keys[-1]):
                self._read_outer(source, outer, ends, is_next=outer == keys[-1])
            self.outcomes += [
                compare_ends(dataset, later, ends[earlier], ends[later])
                for earlier, later in pairwise(keys)
                if earlier in ends and later in ends
            ]

    def _read_outer(
        self, source: Source, key: str, ends: dict[str, Ends | UnreadableError], *, is_next: bool
    ) -> None:
        file = self.store.provenance(source.dataset, key)
        if file is None:
            return
        query = source.query(file)
        with suppress(NoDataError), opened(self.store, source.dataset, query, key) as here:
            ends[key] = read_ends(here)
            if is_next and isinstance(here, OpenFile) and source.lack(query) is None:
                opening = next_opening(here)
                if not isinstance(opening, Finding):
                    self.openings[source.owner(key)] = opening

    def as_rows(self) -> Rows:
        """All that was read, as the sheet takes it."""

        def of(role: Role) -> tuple[Row, ...] | None:
            return tuple(self.rows[role]) if role in self.rows and role not in self.absent else None

        tables: dict[str, tuple[Row, ...] | None] = {
            "activity": of(Role.ACTIVITY),
            "payouts": of(Role.PAYOUTS),
            "contents": of(Role.CONTENTS),
            "fees": of(Role.FEES),
        }
        return Rows(
            balance=of(Role.BALANCE) or (),  # type: ignore[arg-type]
            next_opening=self.openings,
            arrivals=self.arrivals,
            **tables,  # type: ignore[arg-type]
        )


def _beginnings(reading: _Reading, balance: Needs) -> dict[Owner, str]:
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


def _missing(source: Source, needs: Needs, begins: Mapping[Owner, str]) -> Iterator[str]:
    """What a table lacks of the month, as sentences."""
    form = source.dataset.key_format
    for account, keys in needs.missing.items():
        whose = [source.owner(keys[0])] if account or not source.apart else list(begins)
        first = min((begins[each] for each in whose if each in begins), default="")
        wanted = [key for key in keys if form.values(key)[-1] >= first]
        if wanted:
            yield explain_missing(source.dataset, wanted, account=account)


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
