"""Whether files can be published below the root, and what it holds already."""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from connector.accounts import AccountLists
from connector.api.models import Mode
from connector.clock import Clock
from connector.dataset.coverage import coverage_of, listed
from connector.dataset.filesystem.clouds import open_root
from connector.dataset.filesystem.place import Place
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.doctor.diagnosis import Diagnosis, failure, fine, warning
from connector.errors import ReportingError

_fine, _warning = partial(fine, "files"), partial(warning, "files")
_failure = partial(failure, "files")

_LITTLE = 1 << 30
_TOO_LITTLE = 64 << 20


def examine_root(root: str | Place, clock: Clock) -> Iterator[Diagnosis]:
    """Write, move, read back and remove a temporary file below the root, and any directory made for it."""
    made: list[Path] = []
    began = clock.monotonic()
    try:
        tried = open_root(root)
        local = tried.directory
        made += [each for each in (local, *local.parents) if not each.exists()] if local else []
        tried.rehearse()
    except ReportingError as error:
        yield _failure(
            str(error),
            "Set STRIPE_REPORTS_ROOT, or --root, to a directory or bucket that this user may write to.",
        )
        return
    finally:
        _remove(made)
    took = clock.monotonic() - began
    found = (
        f"{tried.place} can be written to: a file was written, moved, read back and removed in {took:.2f} s"
    )
    yield _fine(f"{found}; the first pull creates it" if made else found)
    if local:
        yield from _examine_disk(local)


def _remove(made: Sequence[Path]) -> None:
    """Remove the directories that were created for it, the innermost first; never one with content."""
    if made:
        shutil.rmtree(made[0] / ".staging", ignore_errors=True)
    for directory in made:
        with contextlib.suppress(OSError):
            directory.rmdir()


def _examine_disk(base: Path) -> Iterator[Diagnosis]:
    there = next(each for each in (base, *base.parents) if each.exists())
    free = shutil.disk_usage(there).free
    found = f"{free / (1 << 30):,.1f} GiB are free at {there}"
    if free < _TOO_LITTLE:
        yield failure("disk", found, "Make room: reports are downloaded and converted below the root.")
    elif free < _LITTLE:
        yield warning("disk", found, "Make room before a backfill; large reports need several times that.")
    else:
        yield fine("disk", found)
    for mode in Mode:
        place = base / mode
        if place.exists() and place.stat().st_dev != base.stat().st_dev:
            yield _failure(
                f"{place} is on another file system than {base}, so files cannot be renamed into it",
                "Mount the whole root, not part of it.",
            )


def examine_tables(stored: Sequence[Dataset]) -> Iterator[Diagnosis]:
    """What the root holds, by mode."""
    modes = sorted({each.mode for each in stored})
    if modes:
        tables = ", ".join(f"{sum(each.mode == mode for each in stored)} {mode}" for mode in modes)
        yield _fine(f"stored tables: {tables}")


def examine_coverage(
    root: str | Place, stored: Sequence[Dataset], lists: AccountLists
) -> Iterator[Diagnosis]:
    """The tables that cannot be used, and the partitions that the others lack between their files, by the
    accounts that the configuration names."""
    store = Store(root)
    for path, reason in store.unusable_tables().items():
        yield _failure(f"{path}: {reason}", "Nothing is read from this table until then.")
    for dataset in stored:
        files, strays = store.contents(dataset)
        for stray in strays:
            yield _warning(f"{stray.path} does not count: {stray.reason}", stray.advice)
        if unreadable := [key for key, file in files.items() if file is None]:
            yield _warning(
                f"{dataset.mode} table {dataset.table} has files that cannot be read: {listed(unreadable)}",
                "Pull these partitions again: what cannot be read counts as missing.",
            )
        intervals = {key: file.interval for key, file in files.items() if file and file.interval}
        coverage = coverage_of(dataset, intervals, lists)
        if coverage.missing:
            yield _warning(
                f"{dataset.mode} table {dataset.table} lacks {coverage.describe_missing()}",
                "Pull what is missing: sums over this time are short.",
            )


def stored_datasets(root: str | Place) -> Sequence[Dataset]:
    """The tables below the root; none where it cannot be read, which `examine_root` reports."""
    try:
        return Store(root).datasets()
    except ReportingError:
        return ()
