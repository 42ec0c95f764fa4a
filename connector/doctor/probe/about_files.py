"""What is assumed of the files: their transfer, their format, and their rows."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from connector.api.models import ReportFile
from connector.catalogue import REPORTS, report
from connector.catalogue.signs import name_sign
from connector.doctor.probe.assumptions import Assumption, Shown
from connector.doctor.probe.csv_bytes import CsvBytes
from connector.doctor.probe.observations import Body, NotSeenError, Observations
from connector.money import USUAL_DIGITS, digits

_WHOLE, _PART, _CSV = "reading the file", "reading a part of the file", "reading the rows"
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_MONEY = ("gross", "fee", "net")
_MOST_DECIMALS = 18

#: Reports with amounts whose signs nobody has seen.
UNSETTLED = frozenset(id for id, spec in REPORTS.items() if spec.net_columns and spec.fee_sign.factor is None)


def _file(seen: Observations) -> ReportFile:
    run = seen.need(seen.first_done, "the first report run's end")
    return seen.need(run.result, "its file")


def _csv(seen: Observations) -> CsvBytes:
    csv = seen.need(seen.csv, _CSV)
    if not csv.rows:
        raise NotSeenError("the day has no rows")
    return csv


# Transfer


def _purpose(seen: Observations) -> Shown:
    file = _file(seen)
    return (file.purpose, file.type) == ("finance_report_run", "csv"), f"{file.purpose}, {file.type}"


def _life(seen: Observations) -> Shown:
    file = _file(seen)
    if file.expires_at is None:
        return None, "the file does not say when it expires"
    life = file.expires_at - file.created
    return life >= timedelta(days=30), f"{life.days} days"


def _size(seen: Observations) -> Shown:
    body, file = seen.need(seen.whole, _WHOLE), _file(seen)
    stated = "is not stated" if body.total is None else "agrees" if body.total == file.size else "differs"
    agrees = body.size == file.size
    return agrees and body.total in {None, file.size}, (
        f"the bytes {'agree' if agrees else f'differ by {body.size - file.size:+}'}; Content-Length {stated}"
    )


def _encoding(seen: Observations) -> Shown:
    headers = seen.need(seen.whole, _WHOLE).headers
    kind, packed = headers.get("content-type", "none"), headers.get("content-encoding", "none")
    return packed == "none" and "html" not in kind and "json" not in kind, f"type {kind}, encoding {packed}"


def _redirects(seen: Observations) -> Shown:
    body = seen.need(seen.whole, _WHOLE)
    return body.redirects == 0, f"{body.redirects} redirects"


def _ranges(seen: Observations) -> Shown:
    whole, part = seen.need(seen.whole, _WHOLE), seen.need(seen.part, _PART)
    if part.status != 206:
        return False, f"HTTP {part.status}: the whole file instead of the part requested"
    same = whole.content[part.first_byte :].startswith(part.content)
    return same, f"HTTP 206, {'the same' if same else 'other'} bytes as in the whole"


def _etag(seen: Observations) -> Shown:
    tag = seen.need(seen.whole, _WHOLE).etag
    if tag is None:
        return False, "there is none"
    return not tag.startswith("W/"), "weak" if tag.startswith("W/") else "strong"


def _if_range(seen: Observations) -> Shown:
    stale: Body = seen.need(seen.stale, "reading a part of another version")
    return stale.first_byte == 0, f"HTTP {stale.status}, from byte {'0' if stale.first_byte == 0 else 'n'}"


# The second run


def _reuse(seen: Observations) -> Shown:
    first, second = _file(seen), seen.need(seen.second_done, "the second report run's end")
    file = seen.need(second.result, "its file")
    if file.id == first.id:
        return file.created == first.created, "answered with the first run's file"
    fresh = file.created >= second.created
    return fresh, f"computed again; its file is {'newer' if fresh else 'older'} than the run"


def _repeatable(seen: Observations) -> Shown:
    first, again = seen.need(seen.whole, _WHOLE), seen.need(seen.again, "reading the second file")
    same = first.sha256 == again.sha256
    return same, "the same bytes" if same else f"other bytes, {again.size - first.size:+} of them"


# Format


def _order(seen: Observations) -> Shown:
    csv, asked = seen.need(seen.csv, _CSV), seen.need(seen.asked, _CSV).columns or ()
    if csv.header == asked:
        return True, f"{len(asked)} columns, in the order requested"
    lacking, added = sorted({*asked} - {*csv.header}), sorted({*csv.header} - {*asked})
    return False, f"missing: {', '.join(lacking) or 'none'}; added: {', '.join(added) or 'none'}"


def _dialect(seen: Observations) -> Shown:
    csv = seen.need(seen.csv, _CSV)
    wrong = [
        text
        for text, is_so in {
            "a byte order mark": csv.bom,
            "not UTF-8": not csv.utf8,
            f"rows end in {', '.join(map(repr, sorted(csv.line_ends)))}": csv.line_ends != {"\n"},
            "the last row has no end": not csv.ended,
            "a field is neither quoted nor bare": csv.broken is not None,
            f"{csv.bare} values without quotes": csv.bare > 0,
            f"{csv.ragged} rows are of another length": csv.ragged > 0,
        }.items()
        if is_so
    ]
    return not wrong, "; ".join(wrong) or f"{len(csv.rows):,} rows as assumed"


def _nulls(seen: Observations) -> Shown:
    csv = _csv(seen)
    text = f"{csv.nulls:,} bare, {csv.blanks:,} quoted"
    return (None if csv.nulls == csv.blanks == 0 else csv.blanks == 0 or csv.nulls > 0), text


def _times(seen: Observations) -> Shown:
    times = _csv(seen).values("created_utc")
    odd = sum(not _TIME.fullmatch(each) for each in times)
    return odd == 0, f"{len(times) - odd:,} of {len(times):,}"


def _currencies(seen: Observations) -> Shown:
    currencies = set(_csv(seen).values("currency"))
    return all(re.fullmatch("[a-z]{3}", each) for each in currencies), f"{len(currencies)} currencies"


def _decimals(seen: Observations) -> Shown:
    """Shows only how many decimals amounts have."""
    found: dict[str, set[int]] = {}
    for row in _csv(seen).rows:
        for name in _MONEY:
            places = _places(row.get(name))
            if places is None:
                return False, "an amount is not a decimal number"
            found.setdefault(row.get("currency") or "?", set()).add(places)
    shown = ", ".join(f"{each}: {'/'.join(map(str, sorted(found[each])))}" for each in sorted(found))
    return max(max(each) for each in found.values()) <= _MOST_DECIMALS, shown


def _odd_currencies(seen: Observations) -> Shown:
    """Whether amounts in currencies without decimals, or with three, have as many digits as the currency."""
    odd: dict[str, set[int]] = {}
    for row in _csv(seen).rows:
        currency, places = row.get("currency") or "", _places(row.get("gross"))
        if digits(currency) != USUAL_DIGITS and places is not None:
            odd.setdefault(currency, set()).add(places)
    if not odd:
        raise NotSeenError("the day has none")
    shown = ", ".join(f"{each}: {'/'.join(map(str, sorted(odd[each])))}" for each in sorted(odd))
    return all(max(places) <= digits(each) for each, places in odd.items()), shown


def _places(text: str | None) -> int | None:
    try:
        exponent = Decimal(text or "x").as_tuple().exponent
    except InvalidOperation:
        return None
    return -exponent if isinstance(exponent, int) else None


# Rows


def _net(seen: Observations) -> Shown:
    rows = _csv(seen).rows
    wrong = sum(_differ(row) for row in rows)
    return wrong == 0, f"{len(rows) - wrong:,} of {len(rows):,} rows"


def _differ(row: Mapping[str, str | None], fee_sign: int = 1) -> bool:
    try:
        gross, fee, net = (Decimal(row.get(name) or "x") for name in _MONEY)
    except InvalidOperation:
        return True
    return gross - fee_sign * fee != net


def _unique(seen: Observations) -> Shown:
    ids = _csv(seen).values("balance_transaction_id")
    return len(ids) == len(set(ids)), f"{len(ids):,} rows, {len(ids) - len(set(ids)):,} repeated"


def _inside(seen: Observations) -> Shown:
    interval, times = seen.need(seen.interval, _CSV), _csv(seen).values("created_utc")
    before = after = at_end = 0
    for text in times:
        try:
            at = datetime.fromisoformat(text).replace(tzinfo=UTC)
        except ValueError:
            return None, "a time cannot be read"
        before, after = before + (at < interval.start), after + (at > interval.end)
        at_end += at == interval.end
    return (
        before == after == at_end == 0,
        f"{len(times):,} rows; {before} before, {at_end} at the end, {after} after",
    )


def _signs(seen: Observations) -> Shown:
    """Says which signs the files have; never how much."""
    if not seen.unsettled:
        raise NotSeenError("there is no such report; pull payouts_summary, and probe again")
    shown, holds = [], True
    for report_type, csv in seen.unsettled:
        fitting = [each for each in (1, -1) if not any(_differ(row, each) for row in csv.rows)]
        holds = holds and bool(fitting)
        fee = "unknown, there is none" if len(fitting) > 1 else name_sign(fitting[0]) if fitting else "mixed"
        paid = {row.get("net", "") for row in csv.rows if row.get("reporting_category") == "payout"}
        signs = {"negative" if str(net).startswith("-") else "positive" for net in paid}
        shown.append(f"{report_type}: a fee is {fee}, a payout {' and '.join(sorted(signs)) or 'not there'}")
    return holds, "; ".join(shown)


def _categories(seen: Observations) -> Shown:
    if not seen.summaries:
        raise NotSeenError("there is no balance summary; pull one, and probe again")
    shown, holds = [], True
    for report_type, csv in seen.summaries:
        kinds = report("balance_summary").row_kinds
        found = set(csv.values("category"))
        # In no currency a part belongs to any line of its name, so none of them is asked for its own.
        standing = {name: {None} for name in found}
        holds = holds and kinds is not None and all(kinds.kind(name, None, standing) for name in found)
        split = "with" if any(name.endswith(("_gross", "_fee")) for name in found) else "without"
        shown.append(f"{report_type}: {len(found)} kinds of lines, {split} gross and fee")
    return holds, "; ".join(shown)


ASSUMPTIONS = (
    Assumption("purpose", "Result files have the purpose finance_report_run and the type csv.", _purpose),
    Assumption("lifetime", "Result files expire after a month or later.", _life),
    Assumption("size", "A file's size is its length in bytes.", _size),
    Assumption("encoding", "Contents are not compressed.", _encoding),
    Assumption("redirects", "Contents are not redirected.", _redirects),
    Assumption("ranges", "Contents can be read from the middle.", _ranges),
    Assumption("etag", "Contents have a strong ETag.", _etag),
    Assumption("if_range", "A range of another version returns the whole file.", _if_range),
    Assumption("reuse", "A run has a new file, or that of an earlier run with its date.", _reuse),
    Assumption("repeatable", "The same request twice returns the same bytes.", _repeatable),
    Assumption("columns", "Columns are in the order requested.", _order),
    Assumption(
        "dialect", "UTF-8 without a byte order mark, LF after each row, every value quoted.", _dialect
    ),
    Assumption("nulls", "Null is a bare empty field.", _nulls),
    Assumption("times", "Times are formatted as 2026-06-01 00:00:00, without an offset.", _times),
    Assumption("currencies", "Currencies are in lower case.", _currencies),
    Assumption("decimals", "Amounts have at most 18 decimals.", _decimals),
    Assumption("odd_currencies", "Yen have no decimals, dinars three.", _odd_currencies),
    Assumption("net", "Net is gross minus fee.", _net),
    Assumption("unique", "balance_transaction_id is unique in a file.", _unique),
    Assumption("half_open", "An interval includes its start and not its end.", _inside),
    Assumption("signs", "In each report one sign of fees fits all rows.", _signs),
    Assumption("summary_lines", "Balance summaries have only known kinds of lines.", _categories),
)
