"""What has to hold row by row: told apart, on their day, net as gross less fee, money their currency has."""

from collections.abc import Sequence
from decimal import Decimal

from connector.catalogue import Column, ColumnType, Granularity
from connector.checks.finding import Check, CheckResult, Finding, Severity
from connector.checks.opened_file import FileCheck, OpenFile, UndecidableError, columns_named
from connector.checks.wall_clock import spans
from connector.checks.wording import SHOWN, Example, counted, example, in_words, listed, money
from connector.convert.arrow_types import is_wall_clock
from connector.money import CURRENCIES, digits
from connector.partitions import Interval
from connector.query import ReportQuery
from connector.sql.quoting import literal, quoted

#: Amounts that the balance moved by. Fees, taxes and network costs are none: they may have 18 decimals.
_MOVED = frozenset({"net", "net_amount"})


# Told apart


def _key(query: ReportQuery) -> tuple[Column, ...] | None:
    """The row key; None where rows have none (equal rows of fee reports are all real), or not all of it."""
    return columns_named(query, query.spec.row_key) if query.spec.row_key else None


def _unique_key(file: OpenFile) -> Finding:
    check, key = UNIQUE_KEY.check.name, _key(file.query) or ()
    names = ", ".join(quoted(each) for each in key)
    known = " AND ".join(f"{quoted(each)} IS NOT NULL" for each in key)
    # By hash first: eight bytes a row, however long the key.
    hashes = file.ask(key, f"hash({names}) AS h", "GROUP BY h HAVING count(*) > 1")
    suspects = (
        f"WHERE hash({names}) IN ({', '.join(str(h) for (h,) in hashes)}) GROUP BY {names}" if hashes else ""
    )
    often = f"HAVING count(*) > 1 ORDER BY count(*) DESC, {names}"
    twice = file.ask(key, f"{names}, count(*), {known}", f"{suspects} {often}") if hashes else []
    columns = [*(each.name for each in key), "rows"]
    for result, found in (
        (CheckResult.FAILED, [row[:-1] for row in twice if row[-1]]),
        (CheckResult.UNDECIDABLE, [row[:-1] for row in twice if not row[-1]]),
    ):
        if found:
            examples = tuple(example(columns, row) for row in found[:SHOWN])
            reason = _repeated(key, found, examples, whole=result is CheckResult.FAILED)
            return Finding(check, result, reason, len(found), examples)
    return Finding(check, CheckResult.PASSED, f"No {_called(key)} stands in the file twice.")


def _repeated(
    key: Sequence[Column], found: Sequence[Sequence[object]], examples: Sequence[Example], *, whole: bool
) -> str:
    shown = f"{listed(_told(each) for each in examples[:3])}."
    if whole:
        return f"{counted(len(found), 'row key')} ({_called(key)}) in the file more than once: {shown}"
    return f"Rows that do not say their whole {_called(key)} cannot be told apart: {shown}"


def _told(example: Example) -> str:
    *values, rows = example.values()
    return f"{' '.join(values)} in {rows} rows"


def _called(key: Sequence[Column]) -> str:
    return " and ".join(each.name for each in key)


UNIQUE_KEY = FileCheck(
    Check("row_key_is_unique", "No two rows have the same row key, so nothing is counted twice."),
    _key,
    _unique_key,
)


# On their day


def _day(query: ReportQuery) -> tuple[Column, ...] | None:
    """The time that decides a row's day, in UTC or, where only that was asked for, as printed."""
    day = query.spec.day_column
    if day is None or "interval_start" not in query.spec.parameters:
        return None
    return columns_named(query, [day]) or columns_named(query, [day.removesuffix("_utc")])


def _in_interval(file: OpenFile) -> Finding:
    check, (day,) = IN_INTERVAL.check.name, _day(file.query) or ()
    interval = file.provenance.interval
    if interval is None:
        raise UndecidableError("The file does not say which interval was asked for.")
    at, outside = quoted(day), f"NOT ({_inside(day, interval, file.query.timezone)})"
    counts = f"count(*), count_if({outside}), count_if({at} IS NULL)"
    ((total, wrong, unknown),) = file.ask([day], counts)
    window = f"{interval.start:%Y-%m-%d %H:%M:%S} to {interval.end:%Y-%m-%d %H:%M:%S} UTC"
    if wrong:
        examples = _examples(file, [day], outside)
        reason = (
            f"{counted(wrong, 'row')} of {total:,} not in {window}, by {day.name}: {in_words(examples[0])}."
        )
        return Finding(check, CheckResult.FAILED, reason, wrong, examples)
    if unknown:
        examples = _examples(file, [day], f"{at} IS NULL")
        reason = f"{counted(unknown, 'row')} of {total:,} without {day.name}, which decides the day."
        return Finding(
            check, CheckResult.UNDECIDABLE, f"{reason} First: {in_words(examples[0])}.", unknown, examples
        )
    return Finding(check, CheckResult.PASSED, f"All {counted(total, 'row')} lie in {window}, by {day.name}.")


def _inside(day: Column, interval: Interval, timezone: str | None) -> str:
    """SQL for a time within the interval: as an instant, or as the zone's clock showed it then."""
    at = quoted(day)
    if is_wall_clock(day, timezone):
        stretches = [(f"{first}", f"{last}") for first, last in spans(interval, str(timezone))]
    else:
        stretches = [(f"{interval.start}", f"{interval.end}")]
    return " OR ".join(f"({at} >= '{first}' AND {at} < '{last}')" for first, last in stretches)


IN_INTERVAL = FileCheck(
    Check(
        "rows_in_interval", "Every row's time lies in the interval that was asked for, its end not included."
    ),
    _day,
    _in_interval,
)


# Net


def _amounts(query: ReportQuery) -> tuple[Column, ...] | None:
    return columns_named(query, query.spec.net_columns) if query.spec.net_columns else None


def _net(file: OpenFile) -> Finding:
    check, columns = NET.check.name, _amounts(file.query) or ()
    gross, fee, net = map(quoted, columns)
    off, unknown = f"{net} <> {gross} - {fee}", f"{net} + {gross} + {fee} IS NULL"
    ((total, wrong, without),) = file.ask(columns, f"count(*), count_if({off}), count_if({unknown})")
    if wrong:
        examples = _examples(file, columns, off)
        reason = (
            f"In {counted(wrong, 'row')} of {total:,} net is not gross less fee: {in_words(examples[0])}."
        )
        return Finding(check, CheckResult.FAILED, reason, wrong, examples)
    if without:
        examples = _examples(file, columns, unknown)
        reason = f"{counted(without, 'row')} of {total:,} without gross, fee or net: {in_words(examples[0])}."
        return Finding(check, CheckResult.UNDECIDABLE, reason, without, examples)
    return Finding(check, CheckResult.PASSED, f"Net is gross less fee in all {counted(total, 'row')}.")


NET = FileCheck(
    Check("net_is_gross_less_fee", "In every row, net is gross less fee, to the last decimal."),
    _amounts,
    _net,
)


# Money its currency has


def _moved(query: ReportQuery) -> tuple[Column, ...] | None:
    if query.spec.amount_column not in _MOVED:
        return None
    return columns_named(query, [query.spec.amount_column, query.spec.currency_column])


def _decimals(file: OpenFile) -> Finding:
    """Judges sums, not rows: a balance is kept in whole minor units, so what moved it comes to some.

    Single rows may be finer. Network costs are printed to a millionth of a unit and beyond, and only
    together are they whole cents; the report on them, like every report on fees or taxes, is not bound at
    all. A line of a summary is a sum already. Stripe documents none of this, hence a warning.
    """
    check, columns = DECIMALS.check.name, _moved(file.query) or ()
    amount, currency = map(quoted, columns)
    is_summary = file.query.spec.granularity is Granularity.SUMMARY
    lines = (_key(file.query) or ()) if is_summary else ()
    group = ", ".join(dict.fromkeys([currency, *map(quoted, lines)]))
    sums = file.ask([*columns, *lines], f"{group}, sum({amount})", f"GROUP BY {group} ORDER BY {group}")
    off = [row for row in sums if row[-1] is not None and _is_finer(row[-1], _most_digits(row[0]))]
    if not off:
        return Finding(check, CheckResult.PASSED, "What moved the balance comes to whole minor units.")
    shown = listed(money(row[-1], row[0]) for row in off)
    reason = f"What moved the balance comes to {shown}: the currency has no units so small."
    names = [columns[1].name, *(each.name for each in lines if each.name != columns[1].name), columns[0].name]
    examples = tuple(example(names, row, row[0]) for row in off[:SHOWN])
    if not is_summary:
        fine = " OR ".join(
            f"{currency} = {literal(row[0])} AND {_finer(amount, digits(row[0]))}" for row in off if row[0]
        )
        examples = _examples(file, columns, fine) if fine else examples
        reason = f"{reason} Among its rows: {in_words(examples[0])}."
    return Finding(check, CheckResult.FAILED, reason, len(off), examples)


def _most_digits(currency: str | None) -> int:
    """How fine an amount may be; the finest there is where its currency is not known."""
    return digits(currency) if currency else max(CURRENCIES.values())


def _finer(amount: str, places: int) -> str:
    """SQL for an amount with more than so many decimals that are not zero."""
    return f"len(rtrim(split_part({amount}::VARCHAR, '.', 2), '0')) > {places}"


def _is_finer(amount: Decimal, places: int) -> bool:
    return len(f"{amount:f}".partition(".")[2].rstrip("0")) > places


DECIMALS = FileCheck(
    Check(
        "decimals_fit_currency",
        "What moved the balance comes to whole minor units of its currency: cents, yen, fils.",
        Severity.WARN,
    ),
    _moved,
    _decimals,
)


def _examples(file: OpenFile, columns: Sequence[Column], condition: str) -> tuple[Example, ...]:
    """The first rows of which `condition` is true: what names them, and these columns."""
    spec = file.query.spec
    wanted = {*spec.row_key, spec.currency_column, *(each.name for each in columns)}
    present = [each for each in file.query.columns if each.stored_name in file.data.schema.names]
    shown = [each for each in present if each.name in wanted and not each.personal]
    reads, names = [*shown, *columns], ", ".join(map(_shown, shown))
    found = file.ask(reads, names, f"WHERE {condition} LIMIT {SHOWN}")
    titles = [each.name for each in shown]
    at = titles.index(spec.currency_column) if spec.currency_column in titles else None
    return tuple(example(titles, row, None if at is None else row[at]) for row in found)


def _shown(column: Column) -> str:
    """SQL for a value as people read it; a time without its offset, which the column's name tells."""
    if column.type is ColumnType.TIMESTAMP:
        return f"split_part({quoted(column)}::VARCHAR, '+', 1)"
    return quoted(column)
