"""The Parquet dataset: one file per partition, replaced whole, readable by anything that reads Parquet.

    <root>/<mode>/<table>/account=<id>/period=<period>/report.parquet
    <root>/<mode>/_datasets/<table>.json           what the table is
    <root>/.superseded/…                           the last few files that were replaced
    <root>/.staging/…                              unfinished work, read by nobody

A file is finished and verified in staging and then renamed (or uploaded) into place, so a reader sees the
old file or the new one. Rows are never merged: some reports have identical rows that are all real.
"""

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from connector.dataset import Dataset, refuse_mixture
from connector.errors import ConfigurationError, DatasetMismatchError, NoDataError, StoreError
from connector.hosts import Mode
from connector.provenance import METADATA_KEY, Provenance
from connector.published import Published
from connector.reading import one_dataset, one_schema, read_footers
from connector.succession import Succession, begin, carry_out, noted, refuse_meanwhile, sync_directory

if TYPE_CHECKING:
    import pyarrow.dataset as ds

SUPERSEDED_KEPT = 5

_ORPHAN_AFTER = 600.0
_LOCK_TIMEOUT = 60.0
_PLACE = re.compile(r"[0-9a-f]{32}")


class Store:
    """The datasets below one root: a directory, or a URL such as `s3://bucket/prefix`.

    All methods raise StoreError naming the path when the file system refuses.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = str(root)
        try:
            if "://" in self.root:
                self._fs, self._base = pafs.FileSystem.from_uri(self.root)
            else:
                self._fs, self._base = pafs.LocalFileSystem(), str(Path(self.root).absolute())
        except (pa.ArrowException, OSError, ValueError) as error:
            raise ConfigurationError(f"reports root {self.root}: {error}") from None
        self._local = isinstance(self._fs, pafs.LocalFileSystem)

    def __repr__(self) -> str:
        return f"Store({self.root})"

    # Reading

    def uri(self, dataset: Dataset, period: str) -> str:
        """Where the file of a partition is, or would be: a path, or a URL for an object store."""
        path = self._path(dataset.file_path(period))
        return path if self._local else f"{self.root.rstrip('/')}/{dataset.file_path(period)}"

    def kept(self, dataset: Dataset, period: str) -> Provenance | None:
        """What the dataset holds for a partition; None where there is no valid file of ours."""
        path = self._path(dataset.file_path(period))
        try:
            with self._fs.open_input_file(path) as file:
                metadata = pq.read_metadata(file).metadata or {}
            return Provenance.from_json(metadata[METADATA_KEY.encode()])
        except FileNotFoundError:
            return None
        except (pa.ArrowInvalid, KeyError, ValueError):
            # Not a whole Parquet file, or not one of ours: as good as missing.
            return None
        except OSError as error:
            raise _failure("read", path, error) from None

    def keys(self, dataset: Dataset) -> tuple[str, ...]:
        """The keys of the partitions that have a file, sorted. One listing, no file is opened."""
        found = self._files(self._path(dataset.account_path))
        return tuple(sorted(dataset.key_of(info.path) for info in found))

    def columns(self, dataset: Dataset) -> dict[str, str]:
        """Every column that any file of a table has, and its Arrow type as text: that of the newest file."""
        paths = [self._path(dataset.file_path(key)) for key in self.keys(dataset)]
        return {field.name: str(field.type) for field in one_schema(read_footers(paths, self._fs))}

    def arrow_dataset(
        self, dataset: Dataset, periods: Sequence[str] | None = None, *, columns: pa.Schema | None = None
    ) -> "ds.Dataset":
        """A lazy Arrow dataset over a table, or over some of its partitions, whatever columns each has.

        What the path says (`dataset.path_columns`) comes as strings. See `reading` for what becomes of
        columns that came, went or changed their type.

        Args:
            columns: columns that are to be there, with their types, whatever the files have.

        Raises NoDataError naming a partition that has no file, and StoreError a value of an older file that
        is nothing of the type its column has by now.
        """
        if periods is None:
            found = sorted(info.path for info in self._files(self._path(dataset.path)))
        else:
            found = sorted(self._path(dataset.file_path(period)) for period in periods)
            self._refuse_missing(dataset, periods)
        footers = read_footers(found, self._fs)
        return one_dataset(
            footers, one_schema(footers, columns), dataset.path_columns, self._fs, self._path(dataset.path)
        )

    def _refuse_missing(self, dataset: Dataset, periods: Sequence[str]) -> None:
        states = self._fs.get_file_info([self._path(dataset.file_path(period)) for period in periods])
        missing = [p for p, s in zip(periods, states, strict=True) if s.type != pafs.FileType.File]
        if missing:
            raise NoDataError(
                f"{dataset.table} has no data for {', '.join(missing[:10])} under {self.root}; "
                "materialize those partitions first"
            )

    def datasets(self) -> tuple[Dataset, ...]:
        """Every table that is pinned, by mode and name. Pins that cannot be read are left out."""
        found = []
        for mode in Mode:
            place = self._path(f"{mode}/_datasets")
            selector = pafs.FileSelector(place, allow_not_found=True)
            try:
                paths = sorted(info.path for info in self._fs.get_file_info(selector))
            except OSError as error:
                raise _failure("list", place, error) from None
            for path in paths:
                with contextlib.suppress(StoreError):
                    found.append(self._pinned(path))
        return tuple(each for each in found if each)

    # Writing

    def rehearse(self) -> None:
        """Put a passing file into place as publishing does, read it back and remove it.

        For whoever wants to know beforehand. Raises StoreError as publishing would.
        """
        path, content = self._path(".staging/rehearsal"), uuid.uuid4().bytes
        with self._lock(path):
            self._write_whole(path, content)
            try:
                with self._fs.open_input_stream(path) as file:
                    found = file.read()
                self._fs.delete_file(path)
            except OSError as error:
                raise _failure("read back", path, error) from None
        if found != content:
            raise StoreError(f"{path} reads otherwise than it was written")

    def pin(self, dataset: Dataset) -> None:
        """Make sure the table is what `dataset` says, writing it down where nothing says so yet.

        Raises DatasetMismatchError naming both where the table holds files made from another question.
        """
        path = self._path(dataset.pin_path)
        with self._lock(path):
            self._refuse_meanwhile(dataset)
            found = self._pinned(path)
            if found == dataset:
                return
            if found is not None and any(self._files(self._path(dataset.path))):
                refuse_mixture(found, dataset)
            self._write_whole(path, dataset.to_json().encode())

    def check(self, dataset: Dataset) -> None:
        """Like `pin`, but writes nothing: for refusing before any network call."""
        self._refuse_meanwhile(dataset)
        found = self._pinned(self._path(dataset.pin_path))
        if found is not None and found != dataset and any(self._files(self._path(dataset.path))):
            refuse_mixture(found, dataset)

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """A directory of this process for unfinished files, gone afterwards.

        What a killed process left there is removed by the next one.
        """
        base = (
            Path(self._base) / ".staging" if self._local else Path(tempfile.gettempdir()) / "stripe-reports"
        )
        place = base / uuid.uuid4().hex
        try:
            base.mkdir(parents=True, exist_ok=True)
            _sweep(base)
            lock = FileLock(place.with_suffix(".lock"))
            with lock:
                place.mkdir()
                try:
                    yield place
                finally:
                    shutil.rmtree(place, ignore_errors=True)
                    Path(lock.lock_file).unlink(missing_ok=True)
        except OSError as error:
            raise _failure("write", str(place), error) from None

    def publish(self, staged: Path, dataset: Dataset, provenance: Provenance) -> Published:
        """Put a finished file into place, unless a newer answer to the same request is there already.

        A file that answers another request (other columns, say) is always replaced: what is configured
        now holds. The staged file is gone afterwards.
        """
        period = provenance.period
        target = self._path(dataset.file_path(period))
        self.pin(dataset)
        try:
            with self._lock(target):
                kept = self.kept(dataset, period)
                same = kept is not None and kept.request == provenance.request
                if kept is not None and same and kept.is_newer_than(provenance):
                    return Published(self.uri(dataset, period), kept, None, outdated=True)
                if kept is not None and kept.csv_sha256 != provenance.csv_sha256:
                    self._set_aside(target, dataset, kept)
                self._place(staged, target, still=dataset)
                return Published(self.uri(dataset, period), provenance, kept, outdated=False)
        except OSError as error:
            raise _failure("write", target, error, needed=_size(staged)) from None
        finally:
            staged.unlink(missing_ok=True)

    def switch(self, succession: Succession) -> None:
        """Let the successor's table take the predecessor's name, which keeps its files under another.

        Killed at any moment, both are readable, and the same call finishes it. What is published meanwhile
        waits, and is refused once the table is another. Not for object stores: they cannot rename.

        Raises:
            ConfigurationError: the root is an object store.
            StoreError: the predecessor has partitions that the successor lacks, or the name is taken.
        """
        old, new = succession.predecessor, succession.successor
        if not self._local:
            raise ConfigurationError(
                f"{self.root} is an object store, where a table cannot be renamed in one step. Both tables "
                f"are there: configure the new one with `name: {new.table}`"
            )
        base = Path(self._base)
        try:
            with self._lock(self._path(old.pin_path)), self._lock(self._path(new.pin_path)):
                if noted(base, old) is None:
                    self._refuse_loss(old, new)
                    begin(base, succession, self._write_whole)
                carry_out(base, succession, self._write_whole)
        except OSError as error:
            raise _failure("switch", self._path(old.path), error) from None

    def unfinished(self, dataset: Dataset) -> Succession | None:
        """The switch of a table that was begun and not finished; None in peace."""
        return noted(Path(self._base), dataset) if self._local else None

    def _refuse_loss(self, old: Dataset, new: Dataset) -> None:
        for each in (old, new):
            if (found := self._pinned(self._path(each.pin_path))) != each:
                refuse_mixture(found or each, each)
        lacking = sorted({*self.keys(old)} - {*self.keys(new)})
        if lacking:
            more = f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
            raise StoreError(
                f"{old.table} has partitions that {new.table} lacks: {', '.join(lacking[:5])}{more}; "
                "upgrade all of them before you switch"
            )

    def _refuse_meanwhile(self, dataset: Dataset) -> None:
        if self._local:
            refuse_meanwhile(Path(self._base), dataset)

    # The file system

    def _path(self, relative: str) -> str:
        return f"{self._base.rstrip('/')}/{relative}"

    def _files(self, directory: str) -> list[pafs.FileInfo]:
        selector = pafs.FileSelector(directory, recursive=True, allow_not_found=True)
        try:
            found = self._fs.get_file_info(selector)
        except OSError as error:
            raise _failure("list", directory, error) from None
        return [info for info in found if info.path.endswith("/report.parquet")]

    def _pinned(self, path: str) -> Dataset | None:
        try:
            with self._fs.open_input_stream(path) as file:
                return Dataset.from_json(file.read())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise StoreError(f"{path}: {error}; restore it, or remove it with its table") from None
        except OSError as error:
            raise _failure("read", path, error) from None

    @contextlib.contextmanager
    def _lock(self, path: str) -> Iterator[None]:
        """Keep other processes on this machine from publishing to the same place."""
        base = Path(self._base) if self._local else Path(tempfile.gettempdir()) / "stripe-reports"
        name = hashlib.sha256(path.encode()).hexdigest()[:32]
        lock = base / ".staging" / "locks" / name
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            held = FileLock(lock, timeout=_LOCK_TIMEOUT)
            held.acquire()
        except Timeout:
            raise StoreError(
                f"could not write {path}: another process has held it for {_LOCK_TIMEOUT:.0f} s; try again"
            ) from None
        except OSError as error:
            raise _failure("write", path, error) from None
        # What goes wrong from here on is told by whoever holds the lock, who knows what was being done.
        try:
            yield
        finally:
            held.release()

    def _place(self, staged: Path, target: str, *, still: Dataset | None = None) -> None:
        """Move the staged file to its place at once, and make sure it survives a power cut.

        With `still`, only if the table is that one at that very moment.
        """
        if not self._local:
            self._upload(staged, target)
            return
        directory = Path(target).parent
        with staged.open("rb") as file:
            os.fsync(file.fileno())
        with self._held(still) if still else contextlib.nullcontext():
            directory.mkdir(parents=True, exist_ok=True)
            staged.replace(target)
        with contextlib.suppress(FileNotFoundError):  # its table has another name by now
            sync_directory(directory)

    @contextlib.contextmanager
    def _held(self, dataset: Dataset) -> Iterator[None]:
        """While it lasts, the table is what `dataset` says. Raises DatasetMismatchError where it is not."""
        path = self._path(dataset.pin_path)
        with self._lock(path):
            self._refuse_meanwhile(dataset)
            found = self._pinned(path)
            if found is None:
                raise DatasetMismatchError(
                    f"table {dataset.table} was renamed or removed meanwhile; nothing was published there"
                )
            refuse_mixture(found, dataset)
            yield

    def _upload(self, staged: Path, target: str) -> None:
        """Through a key of its own: an upload that breaks off still ends as an object, and would be read."""
        passing = f"{self._base.rstrip('/')}/.staging/{uuid.uuid4().hex}"
        try:
            with staged.open("rb") as source, self._fs.open_output_stream(passing) as sink:
                shutil.copyfileobj(source, sink, 1 << 22)
            self._fs.copy_file(passing, target)
        finally:
            with contextlib.suppress(OSError):
                self._fs.delete_file(passing)

    def _write_whole(self, path: str, content: bytes) -> None:
        base = Path(self._base) / ".staging" if self._local else Path(tempfile.gettempdir())
        staged = base / f"{uuid.uuid4().hex}.json"
        try:
            staged.write_bytes(content)
            self._place(staged, path)
        except OSError as error:
            raise _failure("write", path, error, needed=len(content)) from None
        finally:
            staged.unlink(missing_ok=True)

    def _set_aside(self, target: str, dataset: Dataset, kept: Provenance) -> None:
        """Keep the file about to be replaced, and only the last few of its partition."""
        place = f"{self._base}/.superseded/{dataset.file_path(kept.period).rpartition('/')[0]}"
        run = hashlib.sha256(kept.run_id.encode()).hexdigest()[:8]
        name = f"{place}/{kept.as_of:%Y%m%dT%H%M%SZ}-{run}.parquet"
        self._fs.create_dir(place, recursive=True)
        self._fs.copy_file(target, name)
        older = sorted(i.path for i in self._fs.get_file_info(pafs.FileSelector(place)))
        for path in older[:-SUPERSEDED_KEPT]:
            self._fs.delete_file(path)


def _sweep(base: Path) -> None:
    """Remove what killed processes left: directories nobody holds the lock of, or that have none.

    The lock is there before its directory, and goes after it.
    """
    for lock in base.glob("*.lock"):
        with contextlib.suppress(OSError, Timeout):
            # A process that is just starting has made its lock file and not yet taken it.
            if time.time() - lock.stat().st_mtime < _ORPHAN_AFTER:
                continue
            with FileLock(lock, timeout=0):
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                lock.unlink(missing_ok=True)
    for place in base.iterdir():
        if _PLACE.fullmatch(place.name) and not place.with_suffix(".lock").exists():
            shutil.rmtree(place, ignore_errors=True)


def _size(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return None


def _failure(verb: str, path: str, error: OSError, *, needed: int | None = None) -> StoreError:
    reason = error.strerror or str(error)
    room = f"; {needed:,} bytes are needed" if needed is not None else ""
    return StoreError(f"could not {verb} {path}: {reason}{room}. What was there before is untouched.")
