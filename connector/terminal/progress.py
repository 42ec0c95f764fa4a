"""A bar for people who wait. rich is slow to load: `following` does it when there is a terminal."""

import contextlib
import sys
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


def is_watched() -> bool:
    """Whether both outputs are a terminal."""
    return sys.stdout.isatty() and sys.stderr.isatty()


def bar(*, transient: bool = False) -> "Progress":
    """An empty bar on standard error. Each task has a text `now`.

    Args:
        transient: it is gone when it has ended.
    """
    from rich.progress import (  # noqa: PLC0415 - see above
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    from connector.terminal.console import Shown  # noqa: PLC0415

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}"),
        console=Shown(err=True),
        transient=transient,
    )


@contextlib.contextmanager
def following(
    description: str, things: Callable[[], Collection[str]], *, wanted: bool = True
) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal, gone when it has ended; nothing elsewhere.

    Gives what is called with each thing that is being worked on; the same one counts once, others not at all.

    Args:
        things: what there is to do; called where there is a terminal.
        wanted: lines are not printed meanwhile.
    """
    if not (wanted and is_watched()):
        yield lambda _: None
        return
    all_of_them, seen = set(things()), set[str]()
    with bar(transient=True) as shown:
        task = shown.add_task(description, total=len(all_of_them), now="")

        def take(thing: str) -> None:
            if thing in all_of_them and thing not in seen:
                seen.add(thing)
                shown.update(task, completed=len(seen), now=thing)

        yield take
