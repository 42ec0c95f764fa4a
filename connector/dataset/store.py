"""The Parquet dataset: one file per partition, replaced whole, readable by anything that reads Parquet.

    <root>/<mode>/<table>/account=<id>/period=<period>/report.parquet
    <root>/<mode>/_datasets/<table>.json           what the table is
    <root>/.superseded/…                           the last few files that were replaced
    <root>/.staging/…                              unfinished work, never read

A file is finished and verified in staging and then put into place whole, so a reader sees the old file or
the new one. Rows are never merged: some reports have identical rows that are all real.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from connector.api.models import Mode
from connector.dataset.admission import explain_foreign, refuse_other_books, refuse_other_money
from connector.dataset.filesystem.root import Version
from connector.dataset.finder import Finder
from connector.dataset.identity import Dataset
from connector.dataset.places import Sight
from connector.dataset.provenance import Provenance, Published
from connector.dataset.schema_evolution import OpenedFile, opened_file
from connector.dataset.shape import ask_the_same
from connector.dataset.widening import write_wide
from connector.errors import OvertakenError, StoreError
from connector.money import NARROW, WIDE
from connector.text import get_logger

MOST_SUPERSEDED = 5

#: So many times in a row others may be faster.
_ATTEMPTS = 20

_log = get_logger(__name__)


class Store(Finder):
    """The datasets below one root, to read and to write: a directory, or a URL such as `s3://bucket/prefix`.

    All methods raise StoreError naming the path when the file system refuses.
    """

    def staging(self) -> AbstractContextManager[Path]:
        """A directory of this process for unfinished files, gone afterwards."""
        return self._root.staging()

    def rehearse(self) -> None:
        """Try out what publishing into a bucket needs. On a disk, `staging` shows it.

        Raises StoreError naming what is refused, within seconds.
        """
        if self._root.directory is None:
            self._root.rehearse()

    def restore_pin(self, dataset: Dataset, published: Provenance) -> None:
        """Write the pin of a table again where it is lost or damaged, as one of its files says."""
        if self._hold_to(dataset).identity is None:
            with self._root.lock(dataset.path):
                self._pin(dataset, published)

    def publish(
        self, staged: Path, dataset: Dataset, provenance: Provenance, *, over: Provenance | None = None
    ) -> Published:
        """Put a finished file into place, unless a newer answer to the same request is there already.

        What is there is read, and replaced if it still is there: where another machine was faster, it is read
        and decided again. A file that cannot be read, or does not belong there, is always replaced. The
        staged file is gone afterwards.

        In a bucket the table may be rewritten with wide money after its pin was read. Who rewrites it sees to
        what replaces one of its files; else the pin is read again afterwards, and the file just published is
        rewritten too. Readers refuse a table that has both: until then, and where this process is killed in
        between, until `upgrade --wide` is run again.

        Args:
            over: the published file that this one was requested to replace. One with other columns, say, is
                replaced only then: what another process has published meanwhile may be newer, or have more.

        Raises:
            DatasetMismatchError: the table is of another report configuration, naming both, holds data of
                other books, or money in another type.
            OvertakenError: an answer to another request is there, and it is not `over`.
        """
        with self._placing(staged, dataset, provenance.period):
            published = self._decide(staged, dataset, provenance, over)
        if self._may_be_overtaken(published):
            return self._keep_to_pin(staged, dataset, published)
        return published

    @contextlib.contextmanager
    def _placing(self, staged: Path, dataset: Dataset, period: str) -> Iterator[None]:
        """The table is locked meanwhile, and the staged file is gone afterwards."""
        try:
            # What takes long comes before the lock, so that the partitions of a table wait for a rename only.
            self._root.prepare(staged)
            with self._root.lock(dataset.path):
                yield
        except OSError as error:
            target = self._path(dataset.file_path(period))
            raise self._root.failure("write", target, error, needed=_size(staged)) from None
        finally:
            staged.unlink(missing_ok=True)

    def _decide(
        self, staged: Path, dataset: Dataset, provenance: Provenance, over: Provenance | None
    ) -> Published:
        """Publish, or find a newer answer there; again for as long as others are faster."""
        books, aside = self._pin(dataset, provenance), list[str]()
        for _ in range(_ATTEMPTS):
            if published := self._publish(staged, dataset, provenance, over, books=books, aside=aside):
                return published
        raise self._outrun(dataset.file_path(provenance.period))

    def _may_be_overtaken(self, published: Published) -> bool:
        """Whether the table may have become a wide one since the pin was read, without this file: where no
        lock keeps others from rewriting it, and no file of it was replaced that they would have rewritten."""
        rewritten = published.replaced is not None and published.replaced.money == NARROW
        narrow = published.provenance.money == NARROW and not published.outdated
        return narrow and not rewritten and self._root.directory is None

    def _keep_to_pin(self, staged: Path, dataset: Dataset, published: Published) -> Published:
        """Rewrite a file that was just published where the table is a wide one by now, or becomes one."""
        pin = self._pins.read(dataset, widening=True)
        if pin.money == WIDE or pin.widening:
            for file in self._while_narrow(dataset, published.provenance.period):
                wide = write_wide(file, staged)
                self.put_rewritten(staged, dataset, wide)
                if wide.run_id == published.provenance.run_id:
                    published = replace(published, provenance=wide)
        return published

    def _publish(
        self,
        staged: Path,
        dataset: Dataset,
        provenance: Provenance,
        over: Provenance | None,
        *,
        books: str | None,
        aside: list[str],
    ) -> Published | None:
        """Decide by what is there, and replace that; None where it was replaced or removed meanwhile.

        Args:
            books: the identity of the table's books.
            aside: the copies that were made of what was there.
        """
        period = provenance.period
        target, uri = self._path(dataset.file_path(period)), self.uri(dataset, period)
        sight = self._places.look(dataset, period, books if dataset.mode == Mode.SIMULATED else None)
        published = sight.provenance
        if sight.version is None:
            # What was copied is forgotten meanwhile.
            while aside:
                self._root.remove(aside.pop())
        if published == provenance:
            # The answer to the request that put it was lost on its way.
            return Published(uri, provenance, None, outdated=False)
        if published is not None and not ask_the_same(published.request, provenance.request):
            _refuse_overtaken(published, provenance, over)
        elif published is not None and published.is_newer_than(provenance):
            return Published(uri, published, None, outdated=True)
        seen = sight.version
        if sight.version and (published is None or published.csv_sha256 != provenance.csv_sha256):
            name = self._path(_superseded_name(dataset, period, published, sight.version))
            if published is None:
                _log.warning(
                    "%s cannot be read, or does not belong there: it is replaced, and set aside as %s",
                    target,
                    name.rpartition("/")[2].removesuffix(".parquet"),
                )
            seen = self._root.set_aside(target, name, seen=sight.version, most=MOST_SUPERSEDED)
            if seen is None:
                return None
            aside.append(name)
        if not self._root.put(target, staged, replacing=seen):
            return None
        return Published(uri, provenance, published, outdated=False)

    def superseded(self, dataset: Dataset, period: str) -> Iterator[tuple[str, OpenedFile]]:
        """The last few files that a partition's file, and those before it, have replaced: where each is,
        opened until the next one is; the newest first. Those that cannot be read, or are not of this table,
        are left out."""
        books, place = self._books_to_compare(dataset), dataset.superseded_path(period)
        for path in sorted(self._root.listed(self._path(place)), reverse=True)[:MOST_SUPERSEDED]:
            with (
                contextlib.suppress(StoreError, FileNotFoundError),
                opened_file(path, self._root, whole=True) as file,
            ):
                origin = file.footer.provenance
                if origin and not explain_foreign(dataset, period, origin, books=books):
                    yield self._root.uri(f"{place}/{path.rpartition('/')[2]}"), file

    def forget(self, dataset: Dataset, period: str) -> int:
        """Remove a partition's file, and those that it has replaced, also what cannot be read there; how many
        there were. The partition is missing afterwards, as if it had never been pulled."""
        place = dataset.file_path(period).rpartition("/")[0]
        with self._root.lock(dataset.path):
            # Who is publishing meanwhile makes a copy of what is there before it is replaced.
            return sum(map(self._root.remove_all, (place, dataset.superseded_path(period))))

    def mark_as_widening(self, dataset: Dataset) -> None:
        """Say that the files of a table are being rewritten with money in its wide type: until
        `mark_as_wide`, nobody reads it or publishes into it. Nothing where it is wide already."""
        self._mark(dataset, NARROW, widening=True)

    def mark_as_wide(self, dataset: Dataset) -> None:
        """Say that all files of a table hold money in its wide type."""
        self._mark(dataset, WIDE, widening=False)

    def narrow_files(self, dataset: Dataset) -> Iterator[tuple[str, OpenedFile]]:
        """The files of a table that hold money in its narrow type, whatever the pin says: the key of each,
        and the file, opened until the next one is."""
        for key, sight in self._all(dataset, None).items():
            if _is_narrow(sight):
                path = self._path(dataset.file_path(key))
                with contextlib.suppress(FileNotFoundError), opened_file(path, self._root) as file:
                    yield key, file

    def _while_narrow(self, dataset: Dataset, period: str) -> Iterator[OpenedFile]:
        """The file of a partition, for as long as it holds money in its narrow type."""
        path = self._path(dataset.file_path(period))
        for _ in range(_ATTEMPTS):
            if not _is_narrow(self._places.look(dataset, period, None)):
                return
            with contextlib.suppress(FileNotFoundError), opened_file(path, self._root) as file:
                yield file
        raise self._outrun(dataset.file_path(period))

    def put_rewritten(self, staged: Path, dataset: Dataset, rewritten: Provenance) -> None:
        """Put a file in the place of the one whose rows it has. Where another one is there by now, or none,
        that stays. The staged file is gone afterwards."""
        period = rewritten.period
        with self._placing(staged, dataset, period):
            sight = self._places.look(dataset, period, None)
            if sight.provenance and sight.provenance.run_id == rewritten.run_id:
                self._root.put(self._path(dataset.file_path(period)), staged, replacing=sight.version)

    def _mark(self, dataset: Dataset, money: str, *, widening: bool) -> None:
        with self._root.lock(dataset.path):
            for _ in range(_ATTEMPTS):
                pin = self._pins.read(dataset, widening=True)
                if pin.money != NARROW or pin.widening == widening:
                    return
                if self._pins.write(dataset, pin.books, money, replacing=pin, widening=widening):
                    return
        raise self._outrun(dataset.pin_path)

    def _outrun(self, relative: str) -> StoreError:
        return StoreError(
            f"could not write {self._path(relative)}: others have replaced it {_ATTEMPTS} times; try again"
        )

    def _pin(self, dataset: Dataset, provenance: Provenance) -> str | None:
        """Write down what the table is, unless that is written already; returns the identity of its books.

        Args:
            provenance: of a file that is in the table, or comes into it.
        """
        books = provenance.books
        for _ in range(_ATTEMPTS):
            pin = self._hold_to(dataset)
            if pin.money is not None:
                refuse_other_money(dataset, pin.money, provenance)
            if pin.identity == dataset and books in {None, pin.books}:
                return pin.books
            if books and pin.books not in {None, books} and self.holds(dataset):
                refuse_other_books(dataset, pin.books, books)
            if self._pins.write(dataset, books, provenance.money, replacing=pin):
                return books
        raise self._outrun(dataset.pin_path)


def _is_narrow(sight: Sight) -> bool:
    return sight.provenance is not None and sight.provenance.money == NARROW


def _superseded_name(dataset: Dataset, period: str, published: Provenance | None, version: Version) -> str:
    """Where a file that is about to be replaced is copied to; later for files that were made later."""
    if published is not None:
        run = hashlib.sha256(published.run_id.encode()).hexdigest()[:8]
        name = f"{published.as_of:%Y%m%dT%H%M%SZ}-{run}"
    else:
        name = f"{version.modified or datetime.fromtimestamp(0, UTC):%Y%m%dT%H%M%SZ}-unreadable"
    return f"{dataset.superseded_path(period)}/{name}.parquet"


def _refuse_overtaken(there: Provenance, provenance: Provenance, over: Provenance | None) -> None:
    """Raise OvertakenError where the file there is not the one that was to be replaced."""
    if over is None or over.run_id != there.run_id:
        raise OvertakenError(
            f"{there.table} {there.period}: report run {provenance.run_id} is not published, because "
            f"meanwhile {there.run_id} was, with other columns or parameters"
        )


def _size(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return None
