"""What a disk has and an object store has not: directories to walk, renames to sync, and a place for
unfinished files that is this user's alone."""

import contextlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from connector.errors import StoreError

#: Unfinished reports hold what their owner alone may read.
PRIVATE = 0o700
_STAGING = re.compile(r"[0-9a-f]{32}")
_ORPHAN_AFTER = 600.0


def files_at_depth(directory: str, depth: int, name: str) -> Iterator[str]:
    """As `Root.at_depth`."""
    if depth == 0:
        path = f"{directory}/{name}"
        if os.path.isfile(path):  # noqa: PTH113 - a thousand of them take a third of the time
            yield path
        return
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(directory) as entries:
        for entry in sorted(each.path for each in entries if each.is_dir()):
            yield from files_at_depth(entry, depth - 1, name)


def everything_below(directory: str, through: Collection[str]) -> Iterator[str]:
    """As `Root.everything_below`; it ends as long as no link is followed that leads back."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir() and (not entry.is_symlink() or entry.path in through):
                yield from everything_below(entry.path, through)
            else:
                yield entry.path


def move_durably(staged: Path, target: str) -> None:
    """Rename, and make sure that survives a power cut."""
    directory = Path(target).parent
    directory.mkdir(parents=True, exist_ok=True)
    staged.replace(target)
    _sync(directory)


def _sync(directory: Path) -> None:
    if os.name == "posix":
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def private_directory() -> Path:
    """The directory for temporary files of this user, which nobody else may read.

    Raises StoreError where somebody else has made it.
    """
    user = os.getuid() if os.name == "posix" else 0
    path = Path(tempfile.gettempdir()) / f"stripe-reports-{user}"
    try:
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=PRIVATE)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != user:
            raise StoreError(
                f"{path} is not a directory of this user, so unfinished reports would be others' to read or "
                "replace. Remove it, or set TMPDIR to a directory of your own"
            )
        if os.name == "posix" and stat.S_IMODE(found.st_mode) != PRIVATE:
            path.chmod(PRIVATE)
    except OSError as error:
        raise StoreError(f"could not write {path}: {error.strerror or error}") from None
    return path


def sweep(base: Path) -> None:
    """Remove what killed processes left: directories whose lock is free or missing.

    The lock is there before its directory, and goes after it.
    """
    for lock in base.glob("*.lock"):
        with contextlib.suppress(OSError, Timeout):
            # A process that is just starting has made its lock file and not yet taken it.
            if time.time() - lock.stat().st_mtime < _ORPHAN_AFTER:
                continue
            with FileLock(lock, blocking=False):
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                lock.unlink()
    for place in base.iterdir():
        if _STAGING.fullmatch(place.name) and not place.with_suffix(".lock").exists():
            shutil.rmtree(place, ignore_errors=True)
