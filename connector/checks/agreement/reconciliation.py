"""Whether two reports on the same money have the same totals: a summary and its items, a balance and its
movements, a payout and its transactions, fees charged and fees listed. Each of the two tables has a check
that names the other.
"""

from collections.abc import Sequence
from contextlib import suppress

from connector.checks.agreement.comparison import Side, compare, read_side
from connector.checks.agreement.pairs import Reconciliation, all_in_one, is_of_one
from connector.checks.finding import CheckOutcome, CheckResult, Finding
from connector.checks.opened_file import OpenFile, UnreadableError, opened
from connector.checks.wording import SHOWN, format_count, format_share
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import NoDataError
from connector.partitions import CONNECTED_ACCOUNT

#: How many accounts' reasons are named, and what is named first.
_ACCOUNTS_SHOWN = 3
_WORST_FIRST = (CheckResult.FAILED, CheckResult.INCONCLUSIVE)


class Sides:
    """What was read of files for comparing two tables, either way round, so that none is opened again.

    What has many totals is not remembered: it would take memory for each partition.
    """

    def __init__(self) -> None:
        self._read: dict[tuple[str, str], Side | UnreadableError] = {}

    def add(
        self,
        reconciliation: Reconciliation,
        dataset: Dataset,
        partition: str,
        file: OpenFile | UnreadableError,
    ) -> Side | UnreadableError:
        """Read a file for it."""
        side = read_side(reconciliation, file)
        if isinstance(side, UnreadableError) or side.is_small:
            self._read[dataset.table, partition] = side
        return side

    def find(self, dataset: Dataset, partition: str) -> Side | UnreadableError | None:
        """What was read; None where it was not, or is not remembered."""
        return self._read.get((dataset.table, partition))


def reconcile(
    store: Store,
    reconciliation: Reconciliation,
    ours: Dataset,
    theirs: Dataset,
    partition: str,
    *,
    sides: Sides | None = None,
) -> CheckOutcome | None:
    """Whether both tables have the same totals in a partition: an outcome of `ours`. None where a file is
    missing.

    Args:
        sides: what has been read of these tables already; what is read is added.
    """
    try:
        beside = partitions_beside(store, ours, theirs, partition)
        if all_in_one(reconciliation) or beside != (partition,):
            with opened(store, ours, reconciliation.ours, partition) as file:
                return reconcile_file(
                    store, reconciliation, ours, theirs, partition, here=file, beside=beside
                )
        known, both = sides or Sides(), []
        for dataset, query in (ours, reconciliation.ours), (theirs, reconciliation.theirs):
            side = known.find(dataset, partition)
            if side is None:
                with opened(store, dataset, query, partition) as file:
                    side = known.add(reconciliation, dataset, partition, file)
            both.append(side)
    except NoDataError:
        return None
    return CheckOutcome(reconciliation.check, ours.table, partition, compare(reconciliation, *both))


def partitions_beside(store: Store, ours: Dataset, theirs: Dataset, partition: str) -> tuple[str, ...]:
    """The partitions of another table about the same window, and about the same account where both have
    files of one: several where only the other one has. Whether each has a file is not looked at."""
    window, account = ours.key_format.values(partition)[-1], _whose(ours, partition)
    if not theirs.dimensions:
        return (window,) if account is None or _whose(theirs, window) in {None, account} else ()
    if account is not None:
        return (theirs.key_format.key(account, window),)
    return tuple(each for each in store.keys(theirs) if theirs.key_format.values(each)[-1] == window)


def reconcile_file(
    store: Store,
    reconciliation: Reconciliation,
    ours: Dataset,
    theirs: Dataset,
    partition: str,
    *,
    here: OpenFile | UnreadableError,
    beside: Sequence[str],
) -> CheckOutcome | None:
    """The same for a file of ours that is open already, and what `partitions_beside` gave for it."""
    whole = all_in_one(reconciliation)
    found: list[tuple[str | None, Finding]] = []
    for key in beside:
        with suppress(NoDataError), opened(store, theirs, reconciliation.theirs, key) as there:
            if whole is None:
                sides = [read_side(reconciliation, each) for each in (here, there)]
                found.append((None, compare(reconciliation, *sides)))
            else:
                account = _whose(ours, partition) or _whose(theirs, key)
                both = (_of_account(each, account) for each in (here, there))
                sides = [read_side(reconciliation, each) for each in both]
                found.append((account, compare(reconciliation, *sides)))
    if not found:
        return None
    finding = found[0][1] if whole is None else _of_accounts(reconciliation, found)
    return CheckOutcome(reconciliation.check, ours.table, partition, finding)


# Accounts


def _whose(dataset: Dataset, partition: str) -> str | None:
    """The account that a file is about; None for a file of all."""
    if dataset.dimensions:
        return dataset.key_format.values(partition)[0]
    named = dataset.filters.get(CONNECTED_ACCOUNT)
    return None if named is None else str(named)


def _of_account(file: OpenFile | UnreadableError, account: str | None) -> OpenFile | UnreadableError:
    """A file of all accounts, read for one of them; a file of that account as it is."""
    if isinstance(file, UnreadableError) or account is None or is_of_one(file.query):
        return file
    return file.of_account(account)


def _of_accounts(reconciliation: Reconciliation, found: Sequence[tuple[str | None, Finding]]) -> Finding:
    """What was found in each account, in one finding: of those that are worst off."""
    results = [each.result for _, each in found]
    result = next((each for each in _WORST_FIRST if each in results), CheckResult.PASSED)
    if result is CheckResult.PASSED:
        accounts = format_count(len(found), "account")
        return Finding(result, f"Of {accounts} compared one by one, {reconciliation.claim}.")
    own = [(account, each) for account, each in found if each.result is result]
    said = {CheckResult.FAILED: "wrong", CheckResult.INCONCLUSIVE: "open"}[result]
    share = format_share(len(own), len(found), "account", f"is {said}", f"are {said}")
    shown = " ".join(f"{account}: {each.reason}" for account, each in own[:_ACCOUNTS_SHOWN])
    more = f" And {len(own) - _ACCOUNTS_SHOWN:,} more." if len(own) > _ACCOUNTS_SHOWN else ""
    examples = [
        {CONNECTED_ACCOUNT: account or "null", **example}
        for account, each in own
        for example in each.examples
    ]
    return Finding(
        result, f"{share}. {shown}{more}", sum(each.wrong for _, each in own), tuple(examples[:SHOWN])
    )
