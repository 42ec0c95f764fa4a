"""Checks of the rows of a file: keys, times, whose they are, net, and decimals of amounts."""

from collections.abc import Sequence
from decimal import Decimal

from connector.catalogue import Column, ColumnType, Granularity
from connector.catalogue.signs import describe_net, name_sign
from connector.checks.finding import Check, CheckResult, Finding, Severity
from connector.checks.opened_file import FileCheck, InconclusiveError, OpenFile, find_columns
from connector.checks.wall_clock import find_spans
from connector.checks.wording import (
    SHOWN,
    Example,
    describe_row,
    explain_sign,
    format_count,
    format_money,
    format_row,
    format_share,
    refer_to_stripe,
)
from connector.convert.arrow_types import is_wall_clock
from connector.money import CURRENCIES, digits
from connector.partitions import CONNECTED_ACCOUNT, Interval
from connector.query import ReportQuery
from connector.sql.quoting import literal, quoted
from connector.text import join_names

#: Amounts that the balance moved by. Fees, taxes and network costs are not: they may have more decimals.
_MOVED = frozenset({"net", "net_amount"})


# Keys


def _find_key(query: ReportQuery) -> tuple[Column, ...] | None:
    """The row key; None where rows have none (equal rows of fee reports are all real), or not all of it."""
    return find_columns(query, query.spec.row_key) if query.spec.row_key else None


def _check_key(file: OpenFile) -> Finding:
    key = _find_key(file.query) or ()
    names = ", ".join(quoted(each) for each in key)
    known = " AND ".join(f"{quoted(each)} IS NOT NULL" for each in key)
    # By hash first: eight bytes a row, however long the key.
    hashes = file.select(key, f"hash({names}) AS h", "GROUP BY h HAVING count(*) > 1")
    suspects = (
        f"WHERE hash({names}) IN ({', '.join(str(h) for (h,) in hashes)}) GROUP BY {names}" if hashes else ""
    )
    often = f"HAVING count(*) > 1 ORDER BY count(*) DESC, {names}"
    repeated = file.select(key, f"{names}, count(*), {known}", f"{suspects} {often}") if hashes else []
    columns, called = [*(each.name for each in key), "rows"], join_names(each.name for each in key)
    if complete := [row[:-1] for row in repeated if row[-1]]:
        examples = tuple(format_row(columns, row) for row in complete[:SHOWN])
        occur = "occurs" if len(complete) == 1 else "occur"
        reason = (
            f"{format_count(len(complete), 'row key')} ({called}) {occur} more than once: "
            f"{_describe_keys(examples)}. Their amounts are counted twice. {refer_to_stripe(file.provenance)}"
        )
        return Finding(CheckResult.FAILED, reason, len(complete), examples)
    if repeated:
        examples = tuple(format_row(columns, row[:-1]) for row in repeated[:SHOWN])
        reason = f"Rows without their whole key ({called}) may be the same: {_describe_keys(examples)}."
        return Finding(CheckResult.INCONCLUSIVE, reason, len(repeated), examples)
    return Finding(CheckResult.PASSED, f"No two rows have the same {called}.")


def _describe_keys(examples: Sequence[Example]) -> str:
    return join_names(
        f"{' '.join(value for name, value in each.items() if name != 'rows')} in {each['rows']} rows"
        for each in examples[:3]
    )


UNIQUE_KEY = FileCheck(
    Check("row_key_is_unique", "No two rows have the same row key, so no amount is counted twice."),
    _find_key,
    _check_key,
)


# Times


def _find_day(query: ReportQuery) -> tuple[Column, ...] | None:
    """The time that decides a row's day, in UTC or, where only that was requested, as printed."""
    day = query.spec.day_column
    if day is None or "interval_start" not in query.spec.parameters:
        return None
    return find_columns(query, [day]) or find_columns(query, [day.removesuffix("_utc")])


def _check_interval(file: OpenFile) -> Finding:
    (day,) = _find_day(file.query) or ()
    interval = file.provenance.interval
    if interval is None:
        raise InconclusiveError("The file does not state the interval that was requested.")
    at, outside = quoted(day), f"NOT ({_inside(day, interval, file.query.timezone)})"
    counts = f"count(*), {_count(outside)}, {_count(f'{at} IS NULL')}"
    ((total, wrong, unknown),) = file.select([day], counts)
    window = f"{interval.start:%Y-%m-%d %H:%M:%S} to {interval.end:%Y-%m-%d %H:%M:%S} UTC"
    if wrong:
        examples = _select_examples(file, [day], outside)
        reason = (
            f"{format_share(wrong, total, 'row', 'lies', 'lie')} outside {window} by {day.name}: "
            f"{describe_row(examples[0])}. {refer_to_stripe(file.provenance)}"
        )
        return Finding(CheckResult.FAILED, reason, wrong, examples)
    if unknown:
        examples = _select_examples(file, [day], f"{at} IS NULL")
        reason = (
            f"{format_share(unknown, total, 'row', 'has', 'have')} no {day.name}, which decides a row's day: "
            f"{describe_row(examples[0])}."
        )
        return Finding(CheckResult.INCONCLUSIVE, reason, unknown, examples)
    share = format_share(total, total, "row", "lies", "lie")
    return Finding(CheckResult.PASSED, f"{share} within {window} by {day.name}.")


def _inside(day: Column, interval: Interval, timezone: str | None) -> str:
    """SQL for a time within the interval: as an instant, or as the zone's clock showed it then."""
    at = quoted(day)
    if is_wall_clock(day, timezone):
        stretches = [(f"{first}", f"{last}") for first, last in find_spans(interval, str(timezone))]
    else:
        stretches = [(f"{interval.start}", f"{interval.end}")]
    return " OR ".join(f"({at} >= '{first}' AND {at} < '{last}')" for first, last in stretches)


IN_INTERVAL = FileCheck(
    Check(
        "rows_in_interval",
        "Every row's time lies in the partition's interval: at or after its start, and before its end.",
    ),
    _find_day,
    _check_interval,
)


def _count(condition: str) -> str:
    """How many rows fulfil it, in SQL; DuckDB's `count_if` says null of no rows."""
    return f"count(*) FILTER (WHERE {condition})"


# Account


def _find_account(query: ReportQuery) -> tuple[Column, ...] | None:
    """The column that says whose a row is, of a table whose files are of one connected account each."""
    asked = CONNECTED_ACCOUNT in {*query.dimensions, *query.filters}
    return find_columns(query, [CONNECTED_ACCOUNT]) if asked else None


def _check_account(file: OpenFile) -> Finding:
    column = _find_account(file.query) or ()
    account = file.provenance.parameters.get(CONNECTED_ACCOUNT)
    if not isinstance(account, str):
        raise InconclusiveError("The file does not state the account that was requested.")
    other = f"{CONNECTED_ACCOUNT} <> {literal(account)}"
    counts = f"count(*), {_count(other)}, {_count(f'{CONNECTED_ACCOUNT} IS NULL')}"
    ((total, wrong, unknown),) = file.select(column, counts)
    if wrong:
        examples = _select_examples(file, column, other)
        reason = (
            f"{format_share(wrong, total, 'row', 'is', 'are')} of another account than {account}, which was "
            f"requested: {describe_row(examples[0])}. {refer_to_stripe(file.provenance)}"
        )
        return Finding(CheckResult.FAILED, reason, wrong, examples)
    share = format_share(total - unknown, total, "row", "names", "name")
    return Finding(CheckResult.PASSED, f"{share} {account}, and none another account.")


OF_ACCOUNT = FileCheck(
    Check("rows_of_account", "Where a file was requested of one connected account, no row is of another."),
    _find_account,
    _check_account,
)


# Net


def _find_net(query: ReportQuery) -> tuple[Column, ...] | None:
    return find_columns(query, query.spec.net_columns) if query.spec.net_columns else None


def _check_net(file: OpenFile) -> Finding:
    """All rows have one sign of the fee: the report's, or, where that is unsettled, the one that fits."""
    columns, sign = _find_net(file.query) or (), file.query.spec.fee_sign
    gross, fee, net = map(quoted, columns)
    off = {factor: f"{net} <> {gross} {'-' if factor > 0 else '+'} {fee}" for factor in (1, -1)}
    unknown = f"{net} + {gross} + {fee} IS NULL"
    counts = f"count(*), {_count(unknown)}, {_count(off[1])}, {_count(off[-1])}"
    ((total, without, *wrongs),) = file.select(columns, counts)
    wrong = dict(zip(off, wrongs, strict=True))
    factor = min(sign.factors, key=lambda each: wrong[each])
    if wrong[factor]:
        led = f"({gross} {'-' if factor > 0 else '+'} {fee})"
        examples = _select_examples(file, columns, off[factor], difference=f"{net} - {led}")
        shown = describe_row(examples[0])
        share = f"In {wrong[factor]:,} of {format_count(total, 'row')}"
        reason = f"{share}, net is not {describe_net(factor)}: {shown}."
        if wrong[-factor]:
            reason = f"{reason} {refer_to_stripe(file.provenance)}"
        else:
            reason = f"{reason} {explain_sign(f'fees are {name_sign(-factor)} in this file')}"
        return Finding(CheckResult.FAILED, reason, wrong[factor], examples)
    if without:
        examples = _select_examples(file, columns, unknown)
        share = format_share(without, total, "row", "lacks", "lack")
        reason = f"{share} gross, fee or net: {describe_row(examples[0])}."
        return Finding(CheckResult.INCONCLUSIVE, reason, without, examples)
    reason = f"In {total:,} of {format_count(total, 'row')}, net is {describe_net(factor)}."
    if len(sign.factors) > 1:
        seen = f"Fees are {name_sign(factor)}" if wrong[-factor] else "There are no fees to show their sign"
        reason = f"{reason} {seen} in this file."
    return Finding(CheckResult.PASSED, reason)


NET = FileCheck(
    Check(
        "net_is_gross_less_fee",
        "In every row, net is gross less fee, to the last decimal, or gross plus fee in reports that print "
        "fees as negative amounts.",
    ),
    _find_net,
    _check_net,
)


# Decimals


def _find_moved(query: ReportQuery) -> tuple[Column, ...] | None:
    if query.spec.amount_column not in _MOVED:
        return None
    return find_columns(query, [query.spec.amount_column, query.spec.currency_column])


def _check_decimals(file: OpenFile) -> Finding:
    """Checks totals, not rows: a balance is held in whole minor units, so its movements add up to some.

    Single rows may be finer. Network costs are printed to a millionth of a unit and beyond, and only
    together are they whole cents; the report on them, like every report on fees or taxes, is not bound at
    all. A line of a summary is a total already. Stripe documents none of this, hence a warning.
    """
    columns = _find_moved(file.query) or ()
    amount, currency = map(quoted, columns)
    is_summary = file.query.spec.granularity is Granularity.SUMMARY
    lines = (_find_key(file.query) or ()) if is_summary else ()
    group = ", ".join(dict.fromkeys([currency, *map(quoted, lines)]))
    sums = file.select([*columns, *lines], f"{group}, sum({amount})", f"GROUP BY {group} ORDER BY {group}")
    off = [row for row in sums if row[-1] is not None and _is_finer(row[-1], _most_digits(row[0]))]
    name = columns[0].name
    if not off:
        return Finding(CheckResult.PASSED, f"{name} adds up to whole minor units in every currency.")
    shown = join_names(format_money(row[-1], row[0]) for row in off)
    reason = f"{name} adds up to {shown}, in more decimals than the currency has."
    names = [columns[1].name, *(each.name for each in lines if each.name != columns[1].name), name]
    examples = tuple(format_row(names, row, row[0]) for row in off[:SHOWN])
    if not is_summary:
        fine = " OR ".join(
            f"{currency} = {literal(row[0])} AND {_finer(amount, digits(row[0]))}" for row in off if row[0]
        )
        examples = _select_examples(file, columns, fine) if fine else examples
        reason = f"{reason} One of its rows: {describe_row(examples[0])}."
    reason = f"{reason} Stripe does not document this, so it is a warning."
    return Finding(CheckResult.FAILED, reason, len(off), examples)


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
        "In every currency, what moved the balance adds up to whole minor units: cents, yen, fils.",
        Severity.WARN,
    ),
    _find_moved,
    _check_decimals,
)


def _select_examples(
    file: OpenFile, columns: Sequence[Column], condition: str, **computed: str
) -> tuple[Example, ...]:
    """The first rows of which `condition` is true: their key and currency, these columns, and amounts
    computed in SQL, by name."""
    spec = file.query.spec
    wanted = {*spec.row_key, spec.currency_column, *(each.name for each in columns)}
    present = [each for each in file.query.columns if each.stored_name in file.schema.names]
    shown = [each for each in present if each.name in wanted and not each.personal]
    selected = ", ".join([*map(_as_shown, shown), *computed.values()])
    found = file.select([*shown, *columns], selected, f"WHERE {condition} LIMIT {SHOWN}")
    titles = [*(each.name for each in shown), *computed]
    at = titles.index(spec.currency_column) if spec.currency_column in titles else None
    return tuple(format_row(titles, row, None if at is None else row[at]) for row in found)


def _as_shown(column: Column) -> str:
    """SQL for a value as people read it; a time without its offset, which the column's name states."""
    if column.type is ColumnType.TIMESTAMP:
        return f"split_part({quoted(column)}::VARCHAR, '+', 1)"
    return quoted(column)
