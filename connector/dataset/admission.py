"""Whether a table takes a file, and whether a file that lies there counts. Pure: it looks at paths and
provenances alone.

A file counts where it lies at the one place that its own provenance names, and answers what the table's pin
asks. A copy in another day's place, a backup beside the table, a file of another mode or account: each is a
stray. Nobody reads it, and it does not count as published.

A path does not contain the account of a key, only one that is acted for. So before the first file is
published into a table that has files, the newest published report run is looked up by its id: a key of
another account does not find it. The simulator forgets its runs when it ends, so there the identity of its
books is compared, which it names in every response and the table's pin records.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import PurePosixPath

from connector.dataset.identity import OWN_ACCOUNT, Dataset, refuse_mixture
from connector.dataset.provenance import Provenance
from connector.errors import ConfigurationError, DatasetMismatchError
from connector.partitions import BY_PAYOUT, Windows

_OUT = (
    "Nothing was published. Use the key the table was pulled with, another root (STRIPE_REPORTS_ROOT, "
    "--root), or another `name` for this table."
)

_MOVE = "Nothing reads it, but engines that read the whole directory would; move it away."


@dataclass(frozen=True, slots=True)
class Stray:
    """What lies below the root and does not count.

    Attributes:
        path: of a file, or of a directory of which nothing counts.
        reason: why it does not count, as a clause.
        advice: what to do, as a sentence.
    """

    path: str
    reason: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path} does not count: {self.reason}. {self.advice}"


def identity_stated(dataset: Dataset, found: Provenance) -> Dataset:
    """The identity of the table that a file was made for; what the file does not say is `dataset`'s."""
    distinguishing = {"interval_start", "interval_end", "payout", "columns", *dataset.dimensions}
    return replace(
        dataset,
        mode=found.mode,
        account=None if dataset.acting else found.account,
        report_type=found.report_type,
        filters={name: value for name, value in found.parameters.items() if name not in distinguishing},
        window=dataset.window if _fits(dataset, found) else f"not {dataset.window} in {dataset.zone}",
    )


def is_at_its_place(dataset: Dataset, key: str, found: Provenance) -> bool:
    """Whether the file of a partition was made for this partition of a table of that name and account."""
    asked = (dataset.table, dataset.mode, dataset.account_of(key), key)
    return (found.table, found.mode, found.account, found.period) == asked


def explain_foreign(dataset: Dataset, key: str, found: Provenance, *, books: str | None) -> str | None:
    """Why the file of a partition does not count, as a clause; None where it does.

    Args:
        dataset: what the table is pinned to.
        books: the identity of the simulator's books in the pin; None where it has none.
    """
    if not is_at_its_place(dataset, key, found):
        account = found.account or OWN_ACCOUNT
        return f"it is {found.period} of the {found.mode} table {found.table}, account {account}"
    stated = identity_stated(dataset, found)
    if stated != dataset:
        wanted = asdict(dataset)
        differing = ", ".join(name for name, value in asdict(stated).items() if value != wanted[name])
        return f"it was requested with another {differing} than the table's"
    if books and found.books and found.books != books:
        return f"it is of the simulated books {found.books}, and the table of {books}"
    return None


def foreign(dataset: Dataset, path: str, key: str, reason: str) -> Stray:
    """A file in the place of another one: of a partition, which a pull can bring, or of none (a backup)."""
    if not _may_have(dataset, key):
        return Stray(path, reason, _MOVE)
    return Stray(path, reason, f"Pull {key} again: this file is set aside and replaced by the right one.")


def _may_have(dataset: Dataset, key: str) -> bool:
    """Whether a table could have a partition of this key, by its form."""
    try:
        *accounts, period = dataset.key_format.values(key)
        if dataset.window == BY_PAYOUT:
            accounts.append(period)
        else:
            Windows(dataset.window, dataset.zone).partition(period)
    except ConfigurationError:
        return False
    return all(each.isidentifier() for each in accounts)


def may_be_read(path: str) -> bool:
    """Whether an engine that reads a whole directory may read this file, or what a link leads to.

    Hidden files, and those beginning with an underscore, are read by none; only Parquet ones are by some.
    """
    return path.endswith(".parquet") or not PurePosixPath(path).name.startswith((".", "_"))


def strays_beside(table: str, listed: Iterable[str], counted: Collection[str]) -> Iterator[Stray]:
    """What lies below a table's directory at no partition's place: the topmost directory or link of which
    nothing counts, else the file.

    Args:
        table: the path of the table's directory.
        listed: the paths of all files and links below it.
        counted: the paths at which the files of partitions lie.
    """
    inhabited = {str(each) for path in counted for each in PurePosixPath(path).parents}
    topmost: dict[str, int] = {}
    for path in sorted(set(listed).difference(counted)):
        if may_be_read(path):
            route = [path, *map(str, PurePosixPath(path).parents)]
            above = [each for each in route if each.startswith(f"{table}/") and each not in inhabited]
            topmost[above[-1]] = topmost.get(above[-1], 0) + 1
    for path, count in topmost.items():
        files = "" if count == 1 else f" ({count:,} files)"
        yield Stray(path, f"it is at no partition's place{files}", _MOVE)


def refuse_foreign(dataset: Dataset, newest: Provenance, *, known: bool) -> None:
    """Raise DatasetMismatchError unless the newest published run is known to the key in use."""
    if not known:
        raise DatasetMismatchError(
            f"table {dataset.table} holds data of another Stripe account: its newest report run, "
            f"{newest.run_id} ({newest.period}), is unknown to the key in use. {_OUT}"
        )


def refuse_other_books(dataset: Dataset, pinned: str | None, found: str | None) -> None:
    """Raise DatasetMismatchError where a simulated table was made from other books than there are now.

    Args:
        pinned, found: the identity in the table's pin, and the one the simulator names; None where unknown.
    """
    if pinned and found and pinned != found:
        raise DatasetMismatchError(
            f"table {dataset.table} holds data of the simulated books {pinned}, and the simulator has the "
            f"books {found}. Nothing was published. Start the simulator as before (account, --seed), or use "
            "another root (STRIPE_REPORTS_ROOT, --root) or another `name` for this table."
        )


def refuse_other_money(dataset: Dataset, pinned: str, provenance: Provenance) -> None:
    """Raise DatasetMismatchError for a file that holds money in another type than the table's.

    DuckDB's `read_parquet` over files of both rounds the wider one, without a word.
    """
    if provenance.money != pinned:
        raise DatasetMismatchError(
            f"table {dataset.table} holds money as {pinned}, and this file of {provenance.period} as "
            f"{provenance.money}: the table was rewritten meanwhile. Nothing was published. Pull again."
        )


def refuse_other_configuration(dataset: Dataset, newest: Provenance) -> None:
    """Raise DatasetMismatchError where a table without a readable pin has files of something else: what one
    of them was asked for stands for the pin."""
    refuse_mixture(identity_stated(dataset, newest), dataset)


def _fits(dataset: Dataset, found: Provenance) -> bool:
    """Whether the file is about one window of the dataset, the one of its key."""
    if found.interval is None:
        return dataset.window == BY_PAYOUT or not {"interval_start", "interval_end"} & found.parameters.keys()
    if dataset.window == BY_PAYOUT:
        return False
    try:
        windows, period = Windows(dataset.window, dataset.zone), dataset.key_format.values(found.period)[-1]
        return windows.partition(period).interval == found.interval
    except ConfigurationError:
        return False
