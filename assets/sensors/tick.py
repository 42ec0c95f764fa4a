"""What all sensors have in common at a tick: retries, the look-back, the cursor, the words of a summary."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Generic, TypeVar

import dagster as dg
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from assets.shown import shown
from connector.api.client import StripeClient
from connector.api.retry import SHORT_RETRY
from connector.errors import StoreError

#: Dagster cuts off a tick that takes 60 s, and loses what it has found. What is done without Stripe, before
#: and after, takes the rest.
TICK_SECONDS = 30.0

#: Seconds for which it goes on after that, where there is a choice.
AFTER_STRIPE = 10.0

#: A tick has little time, and another one comes soon.
TICK_RETRY = replace(SHORT_RETRY, client_lasts=TICK_SECONDS)

#: How far behind the newest ready partition a missing one is requested.
LOOK_BACK = timedelta(days=14)

#: Partitions named in a text; of more, the number is given.
MOST_NAMED = 10

#: Decorates the dataclasses in a cursor: a field that they do not have means another version.
remembered = with_config(ConfigDict(extra="forbid"))

State = TypeVar("State")
Otherwise = TypeVar("Otherwise")


class CursorFormat(Generic[State]):
    """What a sensor remembers between ticks, as the JSON text of its cursor.

    Every sensor can do without its cursor, so a text that does not fit, damaged or of an older version,
    counts as no cursor.

    Args:
        state: a type that pydantic reads and writes; dataclasses in it are `remembered`.
    """

    def __init__(self, state: type[State]) -> None:
        self._adapter = TypeAdapter(state)

    def write(self, state: State) -> str:
        """The cursor's text; `parse` reads it back."""
        return self._adapter.dump_json(state).decode()

    def parse(self, text: str | None) -> State | None:
        """What `write` wrote; None for no text and for one that does not fit."""
        if not text:
            return None
        try:
            return self._adapter.validate_json(text)
        except ValidationError:
            return None

    def read(self, context: dg.SensorEvaluationContext) -> State | None:
        """What the sensor's last tick wrote; None, with a line in the tick's log, for a cursor that does not
        fit."""
        state = self.parse(context.cursor)
        if context.cursor and state is None:
            context.log.warning(
                "The cursor is damaged or from another version. It is ignored, and this tick begins from the "
                "start; nothing is lost and nothing is requested twice."
            )
        return state


def in_time(items: Iterable[State], left: Callable[[], float]) -> Iterator[State]:
    """The items, as far as there is time: the next one while more is left than the slowest of them took.

    The first is there in any case, so that every tick gets on.

    Args:
        left: how many seconds there are.
    """
    slowest = 0.0
    for number, item in enumerate(items):
        before = left()
        if number and before <= slowest:
            return
        yield item
        slowest = max(slowest, before - left())


def left_for_looks(client: StripeClient) -> float:
    """Seconds for looking at tables: half of a tick's time."""
    return client.time_left() - TICK_SECONDS / 2


def left_in_all(client: StripeClient) -> float:
    """Seconds until a tick has to end."""
    return client.time_left() + AFTER_STRIPE


def unless_refused(
    read: Callable[[], State], otherwise: Callable[[StoreError], Otherwise]
) -> State | Otherwise:
    """What is read, or what stands for it where the storage refuses: one table holds up no other."""
    try:
        return read()
    except StoreError as error:
        return otherwise(error)


def bounded(work: Callable[[], State], seconds: float) -> State:
    """What `work` returns, if it does so in time: reading files has no limit of its own.

    It goes on in a thread of its own, whose result nobody takes.

    Args:
        work: does not use Dagster's instance, which is of the tick's thread.

    Raises StoreError where it takes longer, and what `work` raises.
    """
    result: Future[State] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)

    Thread(target=run, daemon=True).start()
    done, _ = wait([result], max(seconds, 0.0))
    if not done:
        raise StoreError(f"The files could not be read within the {seconds:.0f} s that the tick had left.")
    return result.result()


def tried_again(context: dg.SensorEvaluationContext, what: str, error: Exception) -> dg.SensorResult:
    """The result of a tick that Stripe has not answered; the cursor stays where it is."""
    text = f"{what}; the next tick tries again. {error}"
    return dg.SensorResult(skip_reason=shown(text), cursor=context.cursor)


def count(number: int, noun: str) -> str:
    """A number with its noun: 1 partition, 2 partitions."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
