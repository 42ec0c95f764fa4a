"""Other amounts for gross, fee and net that add up exactly where the original ones do.

They depend on nothing but the signs, the digits before and after the point, and whether they add up.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from connector.doctor.probe.pseudonyms import number

_AMOUNT = re.compile(r"(-?)(\d+)(?:\.(\d+))?", re.ASCII)
#: How many amounts are tried before the number of digits is given up.
_TRIES = 200


@dataclass(frozen=True, slots=True)
class _Shape:
    """Amounts with one sign and as many digits, as a range in units of the smallest step of all three."""

    least: int
    most: int
    step: int
    decimals: int

    @classmethod
    def of(cls, text: str, scale: int) -> "_Shape | None":
        found = _AMOUNT.fullmatch(text)
        if found is None:
            return None
        whole, decimals = found[2].lstrip("0"), len(found[3] or "")
        step = 10 ** (scale - decimals)
        if not int(found[2] + (found[3] or "")):
            return cls(0, 0, step, decimals)
        most = (10 ** (len(whole) + decimals) - 1) * step
        least = 10 ** (len(whole) - 1 + decimals) * step if whole else step
        return cls(-most, -least, step, decimals) if found[1] else cls(least, most, step, decimals)

    def negated(self) -> "_Shape":
        return _Shape(-self.most, -self.least, self.step, self.decimals)

    def between(self, least: int, most: int) -> Iterator[int]:
        """The amounts of this shape in a range: from one that is not round, then from the least."""
        least, most = max(least, self.least), min(most, self.most)
        least = -(-least // self.step) * self.step
        odd = int("1" * len(str(abs(self.most) // self.step))) * self.step * (-1 if self.most < 0 else 1)
        ranges = (range(odd, most + 1, self.step), range(least, most + 1, self.step))
        return itertools.chain(*(each for each in ranges if each.start >= least))


def balanced(gross: str, fee: str, net: str) -> tuple[str, str, str]:
    """The other three. All are decimal numbers without an exponent."""
    given = (gross, fee, net)
    fits = {sign for sign in (1, -1) if Decimal(gross) - sign * Decimal(fee) == Decimal(net)}
    return _adding_up(given, min(fits)) if fits else _not_adding_up(given)


def _not_adding_up(given: tuple[str, str, str]) -> tuple[str, str, str]:
    plain = [number(each) or each for each in given]
    for gross, net in itertools.product("123", repeat=2):
        other = plain[0].replace("1", gross), plain[1], plain[2].replace("1", net)
        numbers = [Decimal(each) for each in other]
        if all(numbers[0] - sign * numbers[1] != numbers[2] for sign in (1, -1)):
            return other
    raise AssertionError("nine pairs of amounts, of which each sign fits three at most")


def _adding_up(given: tuple[str, str, str], sign: int) -> tuple[str, str, str]:
    scale = max(len((_AMOUNT.fullmatch(each) or ("",) * 4)[3] or "") for each in given)
    shapes = [shape for each in given if (shape := _Shape.of(each, scale))]
    # gross - sign * fee - net = 0
    terms = [shapes[0], shapes[1].negated() if sign > 0 else shapes[1], shapes[2].negated()]
    order = sorted(range(3), key=lambda at: -terms[at].step)
    first, second, third = (terms[at] for at in order)
    span = first.between(-second.most - third.most, -second.least - third.least)
    for one in itertools.islice(span, _TRIES):
        for two in itertools.islice(second.between(-one - third.most, -one - third.least), 1):
            found = dict(zip(order, (one, two, -one - two), strict=True))
            values = (found[0], -sign * found[1], -found[2])
            return _printed(values, [each.decimals for each in shapes], scale, given)
    plain = [Decimal(number(each) or each) for each in given[:2]]
    return f"{plain[0]}", f"{plain[1]}", f"{plain[0] - sign * plain[1]}"


def _printed(
    values: tuple[int, int, int], decimals: list[int], scale: int, given: tuple[str, str, str]
) -> tuple[str, str, str]:
    gross, fee, net = (
        text if not value else f"{Decimal(value).scaleb(-scale):.{places}f}"
        for value, places, text in zip(values, decimals, given, strict=True)
    )
    return gross, fee, net
