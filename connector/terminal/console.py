"""rich's console and table, with the door built in. rich is slow to load: `tables` does it when needed."""

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from connector.terminal.lines import encodable
from connector.text import visible

#: As wide as tables get in a file or a pipe.
_WIDE = 400


class Shown(Console):
    """rich's console, for tables and progress bars: what cannot be printed does not get past it."""

    def __init__(self, *, err: bool = False, soft_wrap: bool = False) -> None:
        stream = sys.stderr if err else sys.stdout
        width = None if stream.isatty() else _WIDE
        super().__init__(stderr=err, width=width, highlight=False, markup=False, soft_wrap=soft_wrap)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The pieces that are printed; those that are rich's own controls stay as they are."""
        for each in super().render(renderable, options):
            text = encodable(visible(each.text, lines=True), self.encoding)
            yield each if each.control else each._replace(text=text)


class DisplayTable(Table):
    """rich's table, whose cells are as wide as what is shown of them."""

    def add_row(self, *cells: Any, **options: Any) -> None:
        """Add a row of texts. What is not there (None) is an empty cell, in every table."""
        super().add_row(*(_cell(each) for each in cells), **options)


def _cell(cell: str | Text | None) -> Text:
    if isinstance(cell, Text):
        return Text(visible(cell.plain), style=cell.style)
    return Text(visible(cell or ""))
