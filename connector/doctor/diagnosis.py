"""One finding of the doctor: how severe it is, and what to do about it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """FAIL: nothing will work. WARN: it works and will cause trouble later, or could not be checked."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One finding.

    Attributes:
        subject: what was checked, in a word: `key`, `clock`, `files`, …
        found: what was found, in one line.
        advice: what to do, in one line; None where there is nothing to do.
    """

    level: Level
    subject: str
    found: str
    advice: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, for one line."""
        return {"type": "finding", **asdict(self)}


def fine(subject: str, found: str, advice: str | None = None) -> Diagnosis:
    """There is nothing to do."""
    return Diagnosis(Level.OK, subject, found, advice)


def warning(subject: str, found: str, advice: str) -> Diagnosis:
    """It works, and should be changed."""
    return Diagnosis(Level.WARN, subject, found, advice)


def failure(subject: str, found: str, advice: str) -> Diagnosis:
    """It does not work."""
    return Diagnosis(Level.FAIL, subject, found, advice)


def counts(diagnoses: Iterable[Diagnosis]) -> dict[Level, int]:
    """How many of each level, none left out."""
    found = Counter(each.level for each in diagnoses)
    return {level: found[level] for level in Level}
