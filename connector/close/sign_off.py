"""A sign-off: what a month was when somebody said that it is closed, and what has changed since.

Pure: values in, values and sentences out.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self

from connector.close.rows import Owner
from connector.close.sheet import CurrencySheet
from connector.dataset.coverage import listed
from connector.dataset.provenance import Provenance
from connector.money import differences, money_text
from connector.text import join_names, visible

#: The format of the files.
FORMAT = 1

#: So many changed files of a table are named one by one.
_SHOWN = 31

_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


@dataclass(frozen=True, slots=True)
class Input:
    """A file that a month was made of.

    Attributes:
        totals: sums of the report's amount column by currency, as the file's provenance has them.
    """

    table: str
    key: str
    data_version: str
    csv_sha256: str
    run_id: str
    rows: int
    totals: Mapping[str, Decimal]

    @classmethod
    def of(cls, table: str, key: str, file: Provenance) -> Self:
        """What a published file is known by."""
        return cls(table, key, file.data_version, file.csv_sha256, file.run_id, file.rows, dict(file.totals))

    def holds_the_same_as(self, other: "Input") -> bool:
        """Whether both have the same amounts: the same data version; or the same bytes, rows and totals, read
        by another version of the connector, or with other types."""
        if self.data_version == other.data_version:
            return True
        return (self.csv_sha256, self.rows, self.totals) == (other.csv_sha256, other.rows, other.totals)


@dataclass(frozen=True, slots=True)
class Sums:
    """What was signed of an account in a currency, by name: opening, activity, payouts, other, closing."""

    owner: Owner
    currency: str
    amounts: Mapping[str, Decimal]

    @classmethod
    def of(cls, sheet: CurrencySheet) -> Self:
        """What a sheet comes to."""
        return cls(sheet.owner, sheet.currency, sheet.sums)


@dataclass(frozen=True, slots=True)
class SignOff:
    """A month as it was signed.

    Attributes:
        at: when, UTC.
        by: who, as they gave it; None where they did not.
        inputs: the files it was made of.
        sums: what it came to.
    """

    month: str
    at: datetime
    by: str | None
    inputs: tuple[Input, ...]
    sums: tuple[Sums, ...]

    def about(self, tables: Set[str], owners: Set[Owner]) -> Self:
        """What was signed of some tables and accounts: a root may hold more than one project reads."""
        return replace(
            self,
            inputs=tuple(each for each in self.inputs if each.table in tables),
            sums=tuple(each for each in self.sums if each.owner in owners),
        )

    def __str__(self) -> str:
        by = f" by {self.by}" if self.by else ""
        return f"signed off {self.at:%Y-%m-%d %H:%M} UTC{by}"

    def to_json(self) -> dict[str, Any]:
        """As it is written down: amounts and times as text."""
        return {
            "format": FORMAT,
            "event": "signed",
            "month": self.month,
            "at": self.at.isoformat(),
            "by": self.by,
            "sums": [
                {**asdict(each.owner), "currency": each.currency, "amounts": _texts(each.amounts)}
                for each in self.sums
            ],
            "inputs": [{**asdict(each), "totals": _texts(each.totals)} for each in self.inputs],
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Raises ValueError for what `to_json` did not write."""
        try:
            inputs = tuple(Input(**{**each, "totals": _amounts(each["totals"])}) for each in found["inputs"])
            sums = tuple(
                Sums(
                    Owner(str(each["account"]), str(each["connected_account"])),
                    str(each["currency"]),
                    _amounts(each["amounts"]),
                )
                for each in found["sums"]
            )
            by = None if found["by"] is None else str(found["by"])
            at = datetime.fromisoformat(found["at"]).astimezone(UTC)
            return cls(str(found["month"]), at, by, inputs, sums)
        except _MALFORMED as error:
            raise ValueError(f"not a sign-off: {error!r:.200}") from error


def _texts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: f"{amount:f}" for name, amount in amounts.items()}


def _amounts(texts: Mapping[str, str]) -> dict[str, Decimal]:
    return {str(name): Decimal(text) for name, text in texts.items()}


def written(content: Mapping[str, Any]) -> bytes:
    """The bytes of a file of the register, as people may read it."""
    return json.dumps(content, indent=1, ensure_ascii=False).encode()


# What has changed


def changes_since(signed: SignOff, inputs: Sequence[Input], sheets: Iterable[CurrencySheet]) -> Iterator[str]:
    """What is not as it was signed, as sentences that name the partition and the money; nothing if all is.

    A table that was not part of the month then is left out, unless there is an account that was not.
    """
    before = {(each.table, each.key): each for each in signed.inputs}
    now = {(each.table, each.key): each for each in inputs}
    for table in dict.fromkeys(each.table for each in signed.inputs):
        places = sorted({place for place in {*before, *now} if place[0] == table})
        pairs = [(before.get(place), now.get(place)) for place in places]
        changed = [
            (was, found)
            for was, found in pairs
            if was is None or found is None or not found.holds_the_same_as(was)
        ]
        yield from _changed_files(table, changed)
    yield from _changed_sums(signed, sheets)


def _changed_files(table: str, changed: Sequence[tuple[Input | None, Input | None]]) -> Iterator[str]:
    """Those that differ in money one by one, the others together: after a day that was restated, all later
    days open with another balance."""
    apart = [pair for pair in changed if None in pair or _totals(pair[0]) != _totals(pair[1])]
    for was, found in apart[:_SHOWN]:
        moved = _money(_totals(was), _totals(found))
        if was is None:
            yield f"{table} {found.key if found else ''} was not there at the sign-off: {moved}."
        elif found is None:
            yield f"{table} {was.key} was signed off and is missing: {moved}. Pull it again."
        else:
            counted = f", {found.rows - was.rows:+,} rows" if found.rows != was.rows else ""
            runs = "" if found.run_id == was.run_id else f", report run {found.run_id} after {was.run_id}"
            yield f"{table} {was.key} changed after the sign-off: {moved}{counted}{runs}."
    if len(apart) > _SHOWN:
        yield f"{table}: {len(apart) - _SHOWN:,} more partitions are not as they were signed off."
    if others := [was.key for was, found in changed if was and (was, found) not in apart]:
        yield (
            f"{table} {listed(others)} changed after the sign-off in other ways: what moved adds up to the "
            "same."
        )


def _totals(file: Input | None) -> Mapping[str, Decimal]:
    return file.totals if file else {}


def _changed_sums(signed: SignOff, sheets: Iterable[CurrencySheet]) -> Iterator[str]:
    was = {(each.owner, each.currency): each.amounts for each in signed.sums}
    now = {(each.owner, each.currency): each.sums for each in sheets}
    for owner, currency in sorted({*was, *now}):
        before, after = was.get((owner, currency), {}), now.get((owner, currency), {})
        if moved := differences(before, after):
            names = join_names(
                f"{name} {_signed(amount, currency)} {currency}" for name, amount in moved.items()
            )
            yield f"{owner}: since the sign-off, {names}."
        elif bool(before) != bool(after):
            state = "has joined" if after else "is gone"
            yield f"{owner}: {currency} {state} since the sign-off, with amounts of zero."


def _money(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> str:
    moved = differences(before, after)
    texts = [f"{_signed(amount, currency)} {currency}".strip() for currency, amount in moved.items()]
    return join_names(texts) if texts else "the same totals"


def _signed(amount: Decimal, currency: str) -> str:
    text = money_text(amount, currency)
    return text if amount < 0 else f"+{text}"


def whole_name(name: str | None) -> str | None:
    """Who signs, as it is written down: one line of printable text, or None."""
    return visible(name.strip())[:200] or None if name else None
