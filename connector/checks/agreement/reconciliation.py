"""Whether two reports on the same money have the same totals: a summary and its items, a balance and its
movements, a payout and its transactions, fees charged and fees listed. Each of the two tables has a check
that names the other.
"""

from collections.abc import Sequence
from contextlib import suppress

from connector.checks.agreement.comparison import compare
from connector.checks.agreement.pairs import Reconciliation, all_in_one, is_of_one
from connector.checks.finding import CheckOutcome, CheckResult, Finding
from connector.checks.opened_file import OpenFile, UnreadableError, opened
from connector.checks.wording import SHOWN, format_count, format_share
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import NoDataError
from connector.partitions import CONNECTED_ACCOUNT

#: How many accounts' reasons are told, and what is told first.
_ACCOUNTS_SHOWN = 3
_WORST_FIRST = (CheckResult.FAILED, CheckResult.INCONCLUSIVE)


def reconcile(
    store: Store, reconciliation: Reconciliation, ours: Dataset, theirs: Dataset, partition: str
) -> CheckOutcome | None:
    """Whether both tables have the same totals in a partition: an outcome of `ours`. None where a file is
    missing."""
    beside = partitions_beside(store, ours, theirs, partition)
    try:
        with opened(store, ours, reconciliation.ours, partition) as here:
            return reconcile_file(store, reconciliation, ours, theirs, partition, here=here, beside=beside)
    except NoDataError:
        return None


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
    """The same for a file of ours that is read for more than this.

    Args:
        here: what `opened` gave of our file.
        beside: what `partitions_beside` gave.
    """
    whole = all_in_one(reconciliation)
    found: list[tuple[str | None, Finding]] = []
    for key in beside:
        with suppress(NoDataError), opened(store, theirs, reconciliation.theirs, key) as there:
            if whole is None:
                found.append((None, compare(reconciliation, here, there)))
            else:
                account = _whose(ours, partition) or _whose(theirs, key)
                both = (_of_account(each, account) for each in (here, there))
                found.append((account, compare(reconciliation, *both)))
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
