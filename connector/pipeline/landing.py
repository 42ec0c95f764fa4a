"""A finished report run becomes a published file: fetched, converted, put into place."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from connector.api.client import StripeClient
from connector.api.download import Download, fetch
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.errors import DownloadError, StoreError
from connector.partitions import Partition
from connector.pipeline import log as journal
from connector.pipeline.conversion import convert_report
from connector.pipeline.events import Done
from connector.query import ReportQuery
from connector.runs.events import Finished
from connector.text import printable

_log = logging.getLogger(__name__)


_LARGE = 64 << 20


@dataclass(slots=True)
class PartitionWriter:
    """From a finished report run to a published file."""

    client: StripeClient
    store: Store
    query: ReportQuery
    dataset: Dataset
    staging: Path
    draw: Callable[[], float]
    told: set[str] = field(default_factory=set)

    def land(self, partition: Partition, finished: Finished) -> Done:
        """Fetch, convert, publish. Raises the errors of each; nothing half-made is left."""
        file = finished.run.result
        if file is None:
            raise DownloadError(f"report run {finished.run.id} succeeded without a file")
        began = self.client.clock.monotonic()
        csv = self.staging / f"{threading.get_ident()}.csv"
        parquet = csv.with_suffix(".parquet")
        try:
            fetched = fetch(self.client, file, csv, draw=self.draw)
            journal.tell_downloaded(self.query, finished, fetched, self.client.clock.monotonic() - began)
            if file.size > _LARGE:
                # Two large conversions at once would take twice the memory, and no less time.
                with _one_large:
                    provenance = self._convert(partition, finished, fetched, parquet)
            else:
                provenance = self._convert(partition, finished, fetched, parquet)
        except OSError as error:
            raise StoreError(f"could not read {csv}: {error.strerror or error}; ask again") from None
        finally:
            csv.unlink(missing_ok=True)
        published = self.store.publish(parquet, self.dataset, provenance)
        before = finished.wanted.kept
        return Done(
            partition,
            published,
            fetched=True,
            reused=before is not None and before.as_of == provenance.as_of and not published.outdated,
            origin=finished.origin,
            waited=finished.waited,
            converted=self.client.clock.monotonic() - began,
        )

    def _convert(
        self, partition: Partition, finished: Finished, fetched: Download, parquet: Path
    ) -> Provenance:
        made = convert_report(
            parquet,
            fetched,
            dataset=self.dataset,
            query=self.query,
            partition=partition,
            request=finished.wanted.request,
            run=finished.run,
            now=self.client.now(),
        )
        self._tell_of_drift(made)
        return made

    def _tell_of_drift(self, made: Provenance) -> None:
        """Once for each column, however many files have it."""
        added = [name for name in made.added_columns if name not in self.told]
        withheld = [name for name in made.withheld_columns if name not in self.told]
        self.told.update(added, withheld)
        if added:
            _log.warning(
                "%s: Stripe sends columns that were not asked for, kept as text: %s",
                made.table,
                ", ".join(map(printable, added)),
            )
        if withheld:
            _log.warning(
                "%s: not stored, as they may be personal data and were not asked for: %s. "
                "Name them in `columns` where they are wanted.",
                made.table,
                ", ".join(map(printable, withheld)),
            )


_one_large = threading.Lock()
