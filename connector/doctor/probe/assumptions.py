"""What is assumed of Stripe without being documented, and how observations support or contradict it.

A result describes what was seen in kinds and counts. It never repeats a cell, an id or an amount, so that it
can be shown to strangers.
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from connector.doctor.probe.observations import NotSeenError, Observations


class AssumptionResult(StrEnum):
    """INCONCLUSIVE: this account, on this day, could not show it."""

    HELD = "held"
    DIFFERS = "differs"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class ProbeFinding:
    """The result of testing an assumption.

    Attributes:
        name: stable, for programs.
        assumption: as a sentence.
        seen: what was seen, redacted.
    """

    name: str
    assumption: str
    result: AssumptionResult
    seen: str

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, for one line."""
        return {"type": "assumption", **asdict(self)}


#: Whether what was seen is as assumed, None where it shows neither; and what was seen.
Shown = tuple[bool | None, str]
Test = Callable[[Observations], Shown]


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that is assumed. `test` may raise NotSeenError."""

    name: str
    statement: str
    test: Test

    def result(self, seen: Observations) -> ProbeFinding:
        """Whether it held."""
        try:
            holds, text = self.test(seen)
        except NotSeenError as error:
            holds, text = None, str(error)
        result = {
            True: AssumptionResult.HELD,
            False: AssumptionResult.DIFFERS,
            None: AssumptionResult.INCONCLUSIVE,
        }[holds]
        return ProbeFinding(self.name, self.statement, result, redacted(text))


_ID = re.compile(r"\b([a-z]{2,6})_(?=\w*\d)(?:(live|test)_)?\w{6,}")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_AMOUNT = re.compile(r"(?<![\w.-])-?\d+\.\d{2,}(?![\w.])")


def redacted(text: str) -> str:
    """`text` without ids, keys, e-mail addresses and amounts, which Stripe's errors may hold."""
    text = _ID.sub(lambda found: f"{found[1]}_…", text)
    return _AMOUNT.sub("#.##", _EMAIL.sub("…@…", text))
