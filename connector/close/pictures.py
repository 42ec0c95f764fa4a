"""The way from the starting to the ending balance, as a picture of each account and currency."""

from collections.abc import Iterator

from connector.close.layout import Document
from connector.close.rendering import Pictures
from connector.close.sheet import CurrencySheet
from connector.pictures import Step, draw_waterfall


def draw(document: Document) -> Pictures:
    """A picture for each page. The first one loads what draws, which takes a second."""
    return {
        (page.sheet.owner, page.sheet.currency): draw_waterfall(steps(page.sheet), title=page.title).svg()
        for page in document.pages
    }


def steps(sheet: CurrencySheet) -> Iterator[Step]:
    """The balances at both ends, and what moved the balance in between."""
    yield Step(sheet.currency, "start", sheet.opening, is_balance=True)
    for each in sheet.movements:
        if each.gross is None or each.fee is None:
            yield Step(sheet.currency, each.name, each.net)
        else:
            yield Step(sheet.currency, each.name, each.gross)
            if each.fee:
                yield Step(sheet.currency, f"{each.name} fees", each.fee)
    yield Step(sheet.currency, "end", sheet.closing, is_balance=True)
