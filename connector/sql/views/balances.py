"""`balances`: what each window opened and closed with, and what moved the balance in between."""

from collections.abc import Sequence

from connector.catalogue import RowKind
from connector.catalogue.reports.balance import ACTIVITY, CLOSING, OPENING, PAYOUTS, TOPUPS
from connector.convert.decode import ROW_KIND
from connector.dataset.identity import Dataset
from connector.sql.quoting import literal, quoted
from connector.sql.source import Source, money, spec_of

NAME = "balances"
ABOUT = "Opening and closing balance of each window, and what moved it in between, from balance summaries."
COLUMNS = {
    "table": "The table the row is from: where there are several of one report, choose one.",
    "account": "The account whose key asked; `default` for the key's own.",
    "connected_account": "The connected account the row is about; null where it is about none.",
    "currency": "Three letters, lower case.",
    "_date": "The first day of the window, by the calendar of the table's zone.",
    "_interval_start": "Where the window begins, an instant.",
    "_interval_end": "Where it ends, exclusive.",
    "opening": "The balance at the start.",
    "activity": "What moved it except payouts and top-ups, after fees.",
    "payouts": "Negative when money leaves the balance.",
    "topups": "Positive when money comes in from the bank.",
    "other": "Movements that are none of these.",
    "closing": "The balance at the end.",
    "difference": "closing − opening − activity − payouts − topups − other: 0 where the balance adds up.",
}

_WINDOW = ("_date", "_interval_start", "_interval_end")


def reads(dataset: Dataset) -> bool:
    """Whether a table has balances."""
    spec = spec_of(dataset)
    kinds = spec.row_kinds.kinds if spec.row_kinds else {}
    return {OPENING, CLOSING} <= kinds.keys() and spec.amount_column is not None


def select_balances(sources: Sequence[Source]) -> str | None:
    """The query of the view; None where no table has the columns it needs."""
    usable = [
        each
        for each in sources
        if each.has(*_needed(each), ROW_KIND, "account", "period", *_WINDOW)
        and each.has_amounts(_needed(each)[-1])
    ]
    return " UNION ALL ".join(_select(each, usable) for each in usable) or None


def _needed(source: Source) -> tuple[str, str, str]:
    """Line, currency and amount, as far as the report has them."""
    spec = source.spec
    return spec.row_kinds.column if spec.row_kinds else "", spec.currency_column, spec.amount_column or ""


def _select(source: Source, sources: Sequence[Source]) -> str:
    category, currency, amount = map(quoted, _needed(source))
    rules = source.spec.row_kinds
    endings = "|".join(rules.parts) if rules else ""
    whole = f"regexp_replace({category}, '^(.+)({endings})$', '\\1')" if endings else category
    window = f"account, {source.whose}, period"
    named = f"nullif({currency}, '')"
    # A line without a currency belongs to the only one there is in its file.
    only = f"CASE WHEN min({named}) OVER file = max({named}) OVER file THEN min({named}) OVER file END"
    lines = f"""
        SELECT account, {source.whose} AS connected_account, coalesce({named}, {only}) AS currency,
            {", ".join(_WINDOW)}, period, {category} AS line, {whole} AS whole, {ROW_KIND} AS kind,
            {amount} AS amount
        FROM {source.name} WINDOW file AS (PARTITION BY {window})"""  # noqa: S608 - all quoted

    def moved(condition: str) -> str:
        movement = f"kind = {literal(RowKind.MOVEMENT.value)}"
        return f"coalesce(sum(amount) FILTER (WHERE {movement} AND {condition}), 0)"

    named_lines = [ACTIVITY, PAYOUTS, TOPUPS]
    known = ", ".join(map(literal, named_lines))
    sums = {
        "opening": f"sum(amount) FILTER (WHERE line = {literal(OPENING)})",
        "activity": moved(f"whole = {literal(ACTIVITY)}"),
        "payouts": moved(f"whole = {literal(PAYOUTS)}"),
        "topups": moved(f"whole = {literal(TOPUPS)}"),
        "other": moved(f"whole NOT IN ({known})"),
        "closing": f"sum(amount) FILTER (WHERE line = {literal(CLOSING)})",
    }
    sums["difference"] = (
        f"{sums['closing']} - {sums['opening']} - coalesce(sum(amount) FILTER "
        f"(WHERE kind = {literal(RowKind.MOVEMENT.value)}), 0)"
    )
    column = _needed(source)[-1]
    shown = ", ".join(f"{money(each, sources, column)} AS {name}" for name, each in sums.items())
    return f"""
        SELECT {literal(source.dataset.table)} AS "table", account, connected_account, currency,
            {", ".join(_WINDOW)}, {shown}
        FROM ({lines})
        GROUP BY account, connected_account, currency, {", ".join(_WINDOW)}, period
        HAVING currency IS NOT NULL OR bool_or(amount <> 0)"""  # noqa: S608 - all quoted
