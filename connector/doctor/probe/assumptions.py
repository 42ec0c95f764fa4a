"""What we assume of Stripe and nobody has promised, each with what would show it.

A judgement says what was seen in kinds and counts. It never repeats a cell, an id or an amount, so that all
of it can be shown to strangers.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from connector.doctor.probe.observations import NotSeenError, Observations


class AssumptionResult(StrEnum):
    """UNTOLD: this account, on this day, could not show it."""

    HELD = "held"
    DIFFERS = "differs"
    UNTOLD = "could not be told"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of an assumption.

    Attributes:
        name: stable, for programs.
        assumption: what we count on, as a sentence.
        seen: what was seen, redacted.
    """

    name: str
    assumption: str
    result: AssumptionResult
    seen: str

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, for one line."""
        return {"type": "assumption", **asdict(self)}


#: What was seen, and whether that is what we count on; None where it shows neither.
Shown = tuple[bool | None, str]
Judge = Callable[[Observations], Shown]


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something we count on. `judge` may raise NotSeenError."""

    name: str
    statement: str
    judge: Judge

    def of(self, seen: Observations) -> Judgement:
        """How it stands after what was seen."""
        try:
            holds, text = self.judge(seen)
        except NotSeenError as error:
            holds, text = None, str(error)
        result = {
            True: AssumptionResult.HELD,
            False: AssumptionResult.DIFFERS,
            None: AssumptionResult.UNTOLD,
        }[holds]
        return Judgement(self.name, self.statement, result, redacted(text))


def judge_all(assumptions: Sequence[Assumption], seen: Observations) -> Iterator[Judgement]:
    """How each assumption stands."""
    return (each.of(seen) for each in assumptions)


_ID = re.compile(r"\b([a-z]{2,6})_(?=\w*\d)(?:(live|test)_)?\w{6,}")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_AMOUNT = re.compile(r"(?<![\w.-])-?\d+\.\d{2,}(?![\w.])")


def redacted(text: str) -> str:
    """`text` without ids, keys, addresses and amounts: what stands in errors is not ours to show."""
    text = _ID.sub(lambda found: f"{found[1]}_…", text)
    return _AMOUNT.sub("#.##", _EMAIL.sub("…@…", text))
