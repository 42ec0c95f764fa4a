"""A month's document as text for a terminal, Markdown, CSV for spreadsheets, or one HTML page.

Names of accounts and categories, ids and reasons are written by strangers: each format escapes them, so that
none is a formula, a tag or a control of the terminal.
"""

import base64
import html
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from connector.close.layout import Cell, Document, Page, Section
from connector.close.rows import Owner
from connector.close.tables import RUN
from connector.money import money_text
from connector.terminal.spreadsheets import csv_line
from connector.text import visible

#: Pictures as SVG, by account and currency.
Pictures = Mapping[tuple[Owner, str], str]

_CSV = (
    "month", "account", "connected_account", "currency", "section", "line", "count", "gross", "fees",
    "amount",
)  # fmt: skip

#: What Markdown may take for more than text: anywhere, in addresses that become links, and where a line
#: begins.
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#!|~&$@]|(?<=:)//|(?<=www)\.|^\s*(?:[-+=]|\d+[.)])")

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1a1f36; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; border-bottom: 1px solid #d5dbe1; }
h3 { font-size: 1rem; margin-bottom: .3rem; }
table { border-collapse: collapse; table-layout: fixed; width: 100%; }
tr > :first-child { width: 40%; overflow-wrap: anywhere; } td, th { padding: .2rem .5rem; text-align: right; }
td:first-child, th:first-child { text-align: left; } td { font-variant-numeric: tabular-nums; }
tr.sum td { font-weight: 600; border-top: 1px solid #d5dbe1; } th { color: #4f566b; font-weight: 500; }
p.status { padding: .6rem .8rem; border-left: 4px solid #1a7f4b; background: #eefaf3; }
p.status.red, ul.red { border-left: 4px solid #c0123c; background: #fdf0f3; }
ul.red { padding: .6rem .8rem .6rem 2rem; } .note { color: #4f566b; margin: .2rem 0; }
img { max-width: 100%; }
@media print { body { margin: 0; } h2 { break-before: page; } }
"""


def cell_text(cell: Cell, currency: str) -> str:
    """A cell for people: amounts in their currency's digits, thousands apart."""
    match cell:
        case None:
            return ""
        case Decimal():
            whole, point, fraction = money_text(cell, currency).partition(".")
            return f"{'-' * whole.startswith('-')}{abs(int(whole)):,}{point}{fraction}"
        case int():
            return f"{cell:,}"
    return visible(cell)


# Text


def as_text(document: Document) -> str:
    """For a terminal: no line of ours is longer than 80 columns, unless amounts are."""
    lines = [visible(document.title), *_wrapped(document.status)]
    lines += [line for each in document.problems for line in _wrapped(each, "- ")]
    lines += [line for each in (*document.facts, *document.remarks) for line in _wrapped(each, "Note: ")]
    for page in document.pages:
        lines += ["", visible(page.title), "=" * len(visible(page.title))]
        for section in page.sections:
            lines += ["", visible(section.title), *_text_table(section, page.sheet.currency)]
            lines += [line for each in section.notes for line in _wrapped(each, "  ", "  ")]
    return "\n".join(lines) + "\n"


def _wrapped(text: str, first: str = "", later: str = "  ") -> Iterator[str]:
    """A sentence in lines; a command at its end is one of its own, however long, to be copied."""
    said, run, command = visible(text).partition(RUN)
    yield from textwrap.wrap(
        f"{said}{run and ' Run:'}",
        80,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
    if command:
        yield f"  {command}"


def _text_table(section: Section, currency: str) -> Iterator[str]:
    cells = [[cell_text(each, currency) for each in row] for row in section.rows]
    if section.columns and any(section.columns[:1]):
        cells.insert(0, list(section.columns))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)] if cells else []
    # Pages of several currencies are easier to compare where their columns stand alike.
    least = (46, 14) if len(widths) == 2 else (26, 6, 12, 12, 12)
    for row in cells:
        first, *others = (
            each.ljust(max(width, low)) if at == 0 else each.rjust(max(width, low))
            for at, (each, width, low) in enumerate(zip(row, widths, least, strict=True))
        )
        yield f"  {'  '.join([first, *others])}".rstrip()


# Markdown


def as_markdown(document: Document) -> str:
    """For a wiki or a pull request."""
    parts = [f"# {_marked(document.title)}", f"**{_marked(document.status)}**"]
    if document.problems:
        parts.append("\n".join(f"- {_marked(each)}" for each in document.problems))
    parts += [_marked(each) for each in (*document.facts, *document.remarks)]
    for page in document.pages:
        parts.append(f"## {_marked(page.title)}")
        for section in page.sections:
            parts.append(f"### {_marked(section.title)}")
            if section.rows:
                parts.append("\n".join(_markdown_table(section, page.sheet.currency)))
            parts += [_marked(each) for each in section.notes]
    return "\n\n".join(parts) + "\n"


def _markdown_table(section: Section, currency: str) -> Iterator[str]:
    yield f"| {' | '.join(map(_marked, section.columns))} |"
    yield f"| --- |{' ---: |' * (len(section.columns) - 1)}"
    for at, row in enumerate(section.rows):
        cells = [_marked(cell_text(each, currency)) for each in row]
        if at in section.totals:
            cells = [f"**{each}**" if each else "" for each in cells]
        yield f"| {' | '.join(cells)} |"


def _marked(text: str) -> str:
    """A text as Markdown shows it. Amounts are left readable, with a minus."""
    shown = visible(text)
    if re.fullmatch(r"-?[\d,]*\d(\.\d+)?", shown):
        return shown
    return _MARKDOWN.sub(lambda found: re.sub(r"([^a-zA-Z0-9\s])", r"\\\1", found[0]), shown)


# CSV


def as_csv(document: Document) -> str:
    """For a spreadsheet: a line for each line of the sheet, amounts as plain numbers in their currency's
    digits. How the month stands is a line of the section `status`, why it is red are those of `problem`.
    Each line begins with the month, so that those of several months can stand below each other."""
    rows: list[Sequence[str | int | None]] = []
    for kind, texts in (("status", (document.status,)), ("problem", document.problems)):
        rows += [[None, None, None, kind, visible(each), *[None] * 4] for each in texts]
    for page in document.pages:
        owner, currency = page.sheet.owner, page.sheet.currency
        whose = [visible(each) or None for each in (owner.account, owner.connected_account, currency)]
        for section in page.sections:
            for row in section.rows:
                line, *cells = (_csv_cell(each, currency) for each in row)
                wide = [None, None, None, *cells] if len(cells) == 1 else cells[:4]
                rows.append([*whose, section.name, line, *wide])
    return "".join(f"{csv_line(row)}\n" for row in [_CSV, *([document.month, *row] for row in rows)])


def _csv_cell(cell: Cell, currency: str) -> str | int | None:
    return (
        money_text(cell, currency)
        if isinstance(cell, Decimal)
        else visible(cell)
        if isinstance(cell, str)
        else cell
    )


# HTML


def as_html(document: Document, pictures: Pictures | None = None) -> str:
    """One page that needs nothing beside it: no script, no font, no picture from elsewhere.

    Args:
        pictures: as SVG, by account and currency. They become images, in which nothing runs.
    """
    red = " red" if document.is_red else ""
    parts = [
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">',
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; img-src data:\">",
        f"<title>{_escaped(document.title)}</title>\n<style>{_STYLE}</style>",
        f'<h1>{_escaped(document.title)}</h1>\n<p class="status{red}">{_escaped(document.status)}</p>',
    ]
    if document.problems:
        items = "\n".join(f"<li>{_escaped(each)}</li>" for each in document.problems)
        parts.append(f'<ul class="red">\n{items}\n</ul>')
    parts += [f'<p class="note">{_escaped(each)}</p>' for each in (*document.facts, *document.remarks)]
    for page in document.pages:
        parts += _html_page(page, (pictures or {}).get((page.sheet.owner, page.sheet.currency), ""))
    return "\n".join([*parts, "</html>\n"])


def _html_page(page: Page, picture: str) -> Iterator[str]:
    yield f"<h2>{_escaped(page.title)}</h2>"
    if picture:
        content = base64.b64encode(picture.encode()).decode()
        yield f'<img alt="From the starting to the ending balance" src="data:image/svg+xml;base64,{content}">'
    for section in page.sections:
        yield f"<h3>{_escaped(section.title)}</h3>"
        if section.rows:
            yield "<table>"
            if any(section.columns[:1]):
                yield f"<tr>{''.join(f'<th>{_escaped(each)}</th>' for each in section.columns)}</tr>"
            for at, row in enumerate(section.rows):
                cells = "".join(f"<td>{_escaped(cell_text(each, page.sheet.currency))}</td>" for each in row)
                yield f'<tr class="sum">{cells}</tr>' if at in section.totals else f"<tr>{cells}</tr>"
            yield "</table>"
        for each in section.notes:
            yield f'<p class="note">{_escaped(each)}</p>'


def _escaped(text: str) -> str:
    return html.escape(visible(text))


# JSON


def as_objects(document: Document) -> Iterator[dict[str, object]]:
    """For programs: an object for each problem and for each line of the sheet. Amounts are text, in their
    currency's digits."""
    for each in document.problems:
        yield {"type": "problem", "month": document.month, "problem": each}
    for page in document.pages:
        owner, currency = page.sheet.owner, page.sheet.currency
        whose = {
            "month": document.month,
            "account": owner.account,
            "connected_account": owner.connected_account or None,
            "currency": currency,
        }
        for section in page.sections:
            for row in section.rows:
                cells = {
                    name.lower().replace(" ", "_") or "line": _json_cell(cell, currency)
                    for name, cell in zip(section.columns, row, strict=True)
                }
                yield {"type": "line", **whose, "section": section.name, **cells}


def _json_cell(cell: Cell, currency: str) -> str | int | None:
    return cell if cell is None or isinstance(cell, str | int) else money_text(cell, currency)


FORMATS: Mapping[str, Callable[[Document], str]] = {
    "text": as_text,
    "md": as_markdown,
    "csv": as_csv,
    "html": as_html,
}
