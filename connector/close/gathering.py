"""What is read of the files of an account for a month. Each is opened for its rows and its checks at once."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise

from connector.checks.agreement.pairs import find_reconciliations
from connector.checks.agreement.reconciliation import partitions_beside, reconcile_file
from connector.checks.balance import Ends, compare_ends, read_ends
from connector.checks.evaluate import check_opened_file
from connector.checks.finding import CheckOutcome, Finding
from connector.checks.opened_file import OpenFile, UnreadableError, opened
from connector.close.month import Month
from connector.close.reading import ARRIVAL, Row, Source, next_opening
from connector.close.rows import Owner, PayoutRow, Rows
from connector.close.sign_off import Input
from connector.close.tables import NEEDED, Books, Role, is_by_payout
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.errors import NoDataError


@dataclass
class Reading:
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
    files: dict[tuple[str, str], Provenance | None] = field(default_factory=dict)

    def look(self, source: Source, keys: Sequence[str]) -> None:
        """Read what files say of themselves, all at once."""
        table = source.dataset.table
        new = [key for key in keys if (table, key) not in self.files]
        found = self.store.provenances(source.dataset, new)
        self.files |= {(table, key): file for key, file in found.items()}

    def _file(self, dataset: Dataset, key: str) -> Provenance | None:
        place = dataset.table, key
        if place not in self.files:
            self.files[place] = self.store.provenance(dataset, key)
        return self.files[place]

    def read(self, source: Source, keys: Sequence[str], others: Sequence[Source]) -> None:
        """Read and check files of a table, and compare them with those of others."""
        dataset = source.dataset
        found = self.rows.setdefault(source.role, [])
        ends: dict[str, Ends | UnreadableError] = {}
        self.look(source, keys)
        for key in keys:
            file = self._file(dataset, key)
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

    def read_single_payouts(self) -> None:
        """Read what the month's payouts were made of, where each has a file of its own."""
        if not is_by_payout(self.books.tables.get(Role.CONTENTS, self.books.balance)):
            return
        source = Source.of(self.books, Role.CONTENTS)
        form = source.dataset.key_format
        paid = {
            (each.owner, each.payout)
            for each in self.rows.get(Role.PAYOUTS, ())
            if isinstance(each, PayoutRow)
        }
        keys = [
            key
            for key in self.store.keys(source.dataset)
            if (source.owner(key), form.values(key)[-1]) in paid
        ]
        if keys or not paid:
            self.read(source, keys, ())
        else:
            self.absent[Role.CONTENTS] = f"not there: {source.dataset.table} has none of the month's payouts"

    def _compare(self, source: Source, key: str, here: OpenFile, other: Source) -> None:
        beside = partitions_beside(self.store, source.dataset, other.dataset, key)
        file = next(filter(None, (self._file(other.dataset, each) for each in beside)), None)
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
        file = self._file(source.dataset, key)
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
