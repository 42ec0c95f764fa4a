"""Tables for people."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from connector.text import visible

if TYPE_CHECKING:
    from rich.console import RenderableType

    from connector.terminal.console import DisplayTable


def table(
    *names: str, title: str | None = None, numbers: Collection[str] = (), whole: Collection[str] = ()
) -> "DisplayTable":
    """An empty table for people.

    Args:
        names: of the columns.
        numbers: columns that are aligned to the right.
        whole: columns whose values are to be copied, and so are not broken where the others can be.
    """
    from rich.text import Text  # noqa: PLC0415 - not needed for most of what is typed

    from connector.terminal.console import DisplayTable  # noqa: PLC0415

    shown = None if title is None else visible(title)
    made = DisplayTable(title=shown, title_justify="left", header_style="bold")
    for name in names:
        made.add_column(
            Text(visible(name)),
            justify="right" if name in numbers else "left",
            overflow="fold",
            no_wrap=name in whole,
        )
    return made


def show(*things: "RenderableType") -> None:
    """Tables as wide as the terminal; in a file or a pipe as wide as they need to be."""
    from connector.terminal.console import Shown  # noqa: PLC0415 - not needed for most of what is typed

    console = Shown()
    for thing in things:
        console.print(visible(thing, lines=True) if isinstance(thing, str) else thing)
