"""Published files whose columns are not those configured now: compared, refused, or converted again.

A file is converted again from the CSV of its own report run, which Stripe keeps for about a year. No report
run is created.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial

from connector.api.client import StripeClient
from connector.convert.decode import DECODER_VERSION
from connector.dataset.provenance import Provenance, Published
from connector.dataset.shape import Comparison, FileState, compared, header_asked, refuse_loss
from connector.errors import InternalError, InvalidRequestError, ReportingError
from connector.partitions import Partition
from connector.pipeline.conversion import stored_columns
from connector.pipeline.events import Done, Finished, Missed
from connector.pipeline.landing import PartitionWriter
from connector.query import ReportQuery
from connector.runs.adoption import PartitionRequest
from connector.runs.events import Origin
from connector.runs.threads import Workers
from connector.text import get_logger

_log = get_logger(__name__)

#: A look at futures that are not done yet.
_A_WHILE = 60.0


@dataclass(frozen=True, slots=True)
class Reconversion:
    """A partition whose published file is to be converted again."""

    partition: Partition
    published: Provenance


@dataclass(frozen=True, slots=True)
class ConfiguredShape:
    """What files are stored as with the columns that are configured now.

    Attributes:
        money: how the table holds money, `NARROW` or `WIDE` of `connector.money`.
    """

    query: ReportQuery
    money: str
    _columns: dict[tuple[str, ...], Mapping[str, str]] = field(default_factory=dict)

    def compare(self, partition: Partition, published: Provenance) -> Comparison:
        """How a published file stands to what is configured now."""
        request = self.query.request(partition)
        columns = self._stored(header_asked(published, request))
        return compared(published, request, columns, DECODER_VERSION)

    def refuse_loss(self, partition: Partition, published: Provenance, found: Comparison) -> None:
        """Raise DatasetMismatchError where a new file would lack columns of the published one."""
        if found.state is FileState.LACKING_COLUMNS:
            columns = self._stored(header_asked(published, self.query.request(partition)))
            refuse_loss(published, found.lost, columns)

    def _stored(self, header: tuple[str, ...]) -> Mapping[str, str]:
        if header not in self._columns:
            self._columns[header] = stored_columns(self.query, header, self.money)
        return self._columns[header]


def converted_again(
    client: StripeClient, writer: PartitionWriter, workers: Workers, wanted: Sequence[Reconversion]
) -> Iterator[Done | Missed]:
    """Convert these files again, a few at a time; yields how each ended, in any order.

    A partition whose CSV Stripe does not have any more keeps the file it has, which a warning says.
    """
    pending: dict[Future[Done], Reconversion] = {
        workers.submit(partial(_convert_again, client, writer, each)): each for each in wanted
    }
    while pending:
        if not any(future.done() for future in pending):
            client.clock.wait(list(pending), _A_WHILE)
        for future in [each for each in pending if each.done()]:
            yield _ended(future, pending.pop(future), writer)


def _convert_again(client: StripeClient, writer: PartitionWriter, wanted: Reconversion) -> Done:
    request = writer.query.request(wanted.partition)
    run = client.acting_for(wanted.partition.acting_for).report_run(wanted.published.run_id)
    if run.result is None:
        raise InvalidRequestError(f"report run {run.id} has no file any more", status=410)
    done = writer.write(
        Finished(
            PartitionRequest(wanted.partition, request, wanted.published),
            run,
            run.result,
            Origin.RECONVERTED,
            attempts=1,
            waited=0.0,
        )
    )
    return replace(done, reused=False)


def _ended(future: Future[Done], wanted: Reconversion, writer: PartitionWriter) -> Done | Missed:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, InvalidRequestError) and error.status in {404, 410}:
        _log.warning(
            "%s %s: stored with other columns or types than are configured now, and the file of %s is gone "
            "at Stripe, so it stays as it is. --force requests a new report run.",
            writer.dataset.table,
            wanted.partition.key,
            wanted.published.run_id,
        )
        uri = writer.store.uri(writer.dataset, wanted.partition.key)
        return Done(wanted.partition, Published(uri, wanted.published, None, outdated=False), fetched=False)
    if not isinstance(error, Exception):
        raise error
    known = error if isinstance(error, ReportingError) else InternalError.of(error)
    return Missed(wanted.partition, known, wanted.published.run_id)
