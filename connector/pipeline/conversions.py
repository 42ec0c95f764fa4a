"""The files of finished report runs, on their way into the dataset while the others are waited for."""

from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial

from connector.clock import Clock
from connector.errors import DownloadError, InvalidRequestError
from connector.pipeline.events import Done, Finished
from connector.pipeline.landing import PartitionWriter
from connector.runs.threads import Workers
from connector.text import get_logger

_log = get_logger(__name__)

#: A file may not be visible everywhere at once: so long after its run's success a 404 says nothing.
_VISIBLE_AFTER = timedelta(minutes=1)
_GONE = frozenset({404, 410})
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 16.0
#: Files that are fetched in a fifth of a second.
_FEW = 4


class AfterFailure(Enum):
    """What follows when a report run's file could not be published."""

    TRY_LATER = auto()
    REPLACE_RUN = auto()
    GIVE_UP = auto()


@dataclass(frozen=True, slots=True)
class Unpublished:
    """A finished report run whose file could not be published. `replace`: another run may do better."""

    finished: Finished
    error: Exception
    replace: bool


def after_failure(error: Exception, finished: Finished, now: datetime) -> AfterFailure:
    """What to do about a file that could not be published.

    A file that Stripe does not have yet is waited for. One that it no longer has, or does not deliver as it
    announced, needs another report run. What is wrong with the data or the disk is for people.

    Args:
        now: the time at Stripe.
    """
    if isinstance(error, DownloadError):
        return AfterFailure.REPLACE_RUN
    if not isinstance(error, InvalidRequestError) or error.status not in _GONE:
        return AfterFailure.GIVE_UP
    # A new run may come with an earlier run's file.
    succeeded = max(finished.file.created, finished.run.succeeded_at or finished.file.created)
    young = error.status == 404 and now - succeeded < _VISIBLE_AFTER
    return AfterFailure.TRY_LATER if young else AfterFailure.REPLACE_RUN


class Conversions:
    """Downloads and conversions: under way in threads, or waiting for their file to appear at Stripe."""

    def __init__(self, writer: PartitionWriter, workers: Workers, clock: Clock) -> None:
        self._writer = writer
        self._workers = workers
        self._clock = clock
        self._running: dict[Future[Done], tuple[Finished, float]] = {}
        self._later: list[tuple[float, Finished, float]] = []

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do."""
        return not (self._running or self._later)

    @property
    def futures(self) -> list[Future[Done]]:
        """What is under way."""
        return list(self._running)

    @property
    def idle(self) -> bool:
        """Whether hardly anything is left to be fetched: what is, takes no longer than to ask for more."""
        return len(self._running) <= _FEW

    @property
    def ended(self) -> bool:
        """Whether `take` has something to return."""
        return any(future.done() for future in self._running)

    def due_in(self, most: float) -> float:
        """Seconds until `resume` has something to do; `most` when that is later, or never."""
        now = self._clock.monotonic()
        return max(0.0, min([most, *(at - now for at, *_ in self._later)]))

    def begin(self, finished: Finished, pause: float = _FIRST_PAUSE) -> None:
        """Fetch, convert and publish; `pause` is how long to wait if the file is not there yet."""
        self._running[self._workers.submit(partial(self._writer.write, finished))] = finished, pause

    def resume(self) -> None:
        """Begin once more with those whose pause is over."""
        now = self._clock.monotonic()
        due = [each for each in self._later if each[0] <= now]
        self._later = [each for each in self._later if each[0] > now]
        for _, finished, pause in due:
            self.begin(finished, min(2 * pause, _LONGEST_PAUSE))

    def take(self, now: datetime) -> list[Done | Unpublished]:
        """What has ended; files to be tried later stay here.

        Args:
            now: the time at Stripe.
        """
        taken: list[Done | Unpublished] = []
        for future in [each for each in self._running if each.done()]:
            finished, pause = self._running.pop(future)
            error = future.exception()
            if error is None:
                taken.append(future.result())
            elif not isinstance(error, Exception):
                raise error
            elif (then := after_failure(error, finished, now)) is AfterFailure.TRY_LATER:
                key, run_id = finished.wanted.partition.key, finished.run.id
                _log.info("%s: the file of report run %s is not there yet", key, run_id)
                self._later.append((self._clock.monotonic() + pause, finished, pause))
            else:
                taken.append(Unpublished(finished, error, replace=then is AfterFailure.REPLACE_RUN))
        return taken
