"""Which partitions a reader takes of a report that has partitions of accounts.

The table decides, not the list of accounts: every account that has a file for a window is read. One that
lived in the window and has none is missing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from connector.accounts import AccountLives
from connector.dataset.identity import Dataset
from connector.partitions import Interval, Windows


@dataclass(frozen=True, slots=True)
class Reading:
    """The partitions of some windows.

    Attributes:
        keys: those that are there.
        missing: those that are not, of accounts that lived then.
        unlisted: accounts that are read and are not in the list.
        gone: accounts that are left out, because they are gone since.
    """

    keys: Sequence[str]
    missing: Sequence[str]
    unlisted: Sequence[str]
    gone: Sequence[str]


def plan_reading(
    dataset: Dataset,
    wanted: Iterable[str],
    *,
    stored: Collection[str],
    lives: AccountLives,
    gone: Collection[str] = (),
    every_account: bool,
) -> Reading:
    """What to read for these partitions, the oldest window first.

    An account that is gone, and one that is not in the list, lived at least until its last file; the latter
    from its first file on.

    Args:
        wanted: keys, as Dagster names them.
        stored: the keys that have a file.
        gone: accounts that Stripe refuses as unknown.
        every_account: whether the reader is about windows as such, whatever accounts there are.
    """
    form, windows = dataset.key_format, Windows(dataset.window, dataset.zone)
    asked = {key: form.values(key) for key in wanted}
    there = {key: form.values(key) for key in stored}
    spans = _spans(there.values())
    found = dict(asked)
    if every_account:
        of = {window for _, window in asked.values()}
        found |= {key: each for key, each in there.items() if each[1] in of}
        found |= {form.key(account, window): (account, window) for account in spans for window in of}
    intervals = {window: windows.partition(window).interval for _, window in found.values()}
    keys, missing, left_out = [], [], set()
    for key, (account, window) in sorted(found.items(), key=lambda each: (intervals[each[1][1]], each[0])):
        life, interval = lives.get(account), intervals[window]
        files = _bounds(spans, account, windows)
        in_life = life is not None and life.overlaps(interval, dataset.zone)
        if key in there:
            keys.append(key)
        elif (life is None and _between(files, interval)) or (
            in_life and _until_gone(account, gone, files, interval)
        ):
            missing.append(key)
        elif in_life:
            left_out.add(account)
    read = {found[key][0] for key in keys}
    return Reading(keys, missing, lives.unlisted(read), sorted(left_out))


def _spans(stored: Iterable[tuple[str, ...]]) -> Mapping[str, tuple[str, str]]:
    """The first and the last window of each account that has files; keys of windows sort by time."""
    spans: dict[str, tuple[str, str]] = {}
    for account, window in stored:
        first, last = spans.get(account, (window, window))
        spans[account] = min(first, window), max(last, window)
    return spans


def _bounds(
    spans: Mapping[str, tuple[str, str]], account: str, windows: Windows
) -> tuple[Interval, Interval] | None:
    if account not in spans:
        return None
    first, last = (windows.partition(window).interval for window in spans[account])
    return (first, last) if first and last else None


def _between(files: tuple[Interval, Interval] | None, interval: Interval | None) -> bool:
    """Whether a window lies between an account's first file and its last."""
    return files is not None and interval is not None and files[0] <= interval <= files[1]


def _until_gone(
    account: str, gone: Collection[str], files: tuple[Interval, Interval] | None, interval: Interval | None
) -> bool:
    """Whether an account was not gone yet: nobody knows more than that its last file was made before."""
    return account not in gone or (files is not None and interval is not None and interval <= files[1])
