"""A finished report run becomes a published file: fetched, converted, put into place."""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from connector.api.client import StripeClient
from connector.api.download import Download, fetch
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.errors import StoreError
from connector.pipeline.conversion import convert_report
from connector.pipeline.events import Done, Downloaded, Finished, Step
from connector.query import ReportQuery
from connector.text import get_logger, visible

_log = get_logger(__name__)

_LARGE = 64 << 20

#: Many downloads wait for Stripe at once, but more than two conversions would wait for each other.
_two_conversions = threading.Semaphore(2)
#: Two large ones would take twice the memory, and no less time; and large files take room until then.
_one_large, _two_large_files = threading.Lock(), threading.Semaphore(2)


@dataclass(slots=True)
class PartitionWriter:
    """From a finished report run to a published file.

    Attributes:
        money: how the table holds money, `NARROW` or `WIDE` of `connector.money`.
        staging: a directory for unfinished files.
        draw: a uniform random number from [0, 1), for jitter.
        observe: called with each step on the way, in the thread that makes it.
        named: columns that a warning has named: one is enough, however many files have them.
    """

    client: StripeClient
    store: Store
    query: ReportQuery
    dataset: Dataset
    money: str
    staging: Path
    draw: Callable[[], float]
    observe: Callable[[Step], None]
    named: set[str] = field(default_factory=set)

    def write(self, finished: Finished) -> Done:
        """Fetch, convert, publish. Raises the errors of each; nothing half-made is left."""
        began = self.client.clock.monotonic()
        csv = self.staging / f"{threading.get_ident()}.csv"
        parquet = csv.with_suffix(".parquet")
        large = finished.file.size > _LARGE
        try:
            client = self.client.acting_for(finished.wanted.partition.acting_for)
            with _two_large_files if large else nullcontext():
                fetched = fetch(client, finished.file, csv, draw=self.draw)
                self.observe(Downloaded(finished, fetched, self.client.clock.monotonic() - began))
                with _one_large if large else nullcontext(), _two_conversions:
                    provenance = self._convert(finished, fetched, parquet)
        except OSError as error:
            raise StoreError(f"could not read {csv}: {error.strerror or error}; try again") from None
        finally:
            csv.unlink(missing_ok=True)
        before = finished.wanted.published
        over = before or finished.wanted.replaces
        published = self.store.publish(parquet, self.dataset, provenance, over=over)
        return Done(
            finished.wanted.partition,
            published,
            fetched=True,
            reused=before is not None and provenance.as_of <= before.as_of,
            origin=finished.origin,
            waited=finished.waited,
            converted=self.client.clock.monotonic() - began,
        )

    def _convert(self, finished: Finished, fetched: Download, parquet: Path) -> Provenance:
        made = convert_report(
            parquet,
            fetched,
            finished,
            dataset=self.dataset,
            query=self.query,
            money=self.money,
            now=self.client.now(),
            books=self.client.books,
        )
        self._warn_of(
            made.added_columns,
            f"{made.table}: Stripe sends columns that were not asked for, stored as text: %s",
        )
        self._warn_of(
            made.withheld_columns,
            f"{made.table}: not stored, as they may be personal data and were not asked for: %s. "
            "Name them in `columns` where they are wanted.",
        )
        return made

    def _warn_of(self, columns: tuple[str, ...], text: str) -> None:
        """Once for each column."""
        new = [name for name in columns if name not in self.named]
        self.named.update(new)
        if new:
            _log.warning(text, ", ".join(map(visible, new)))
