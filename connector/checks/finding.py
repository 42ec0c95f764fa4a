"""What a check says of a partition: a result, why, and the rows that are to blame."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class CheckResult(StrEnum):
    """Undecidable is not passed: the data cannot show whether it holds, and somebody should know."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDABLE = "undecidable"


class Severity(StrEnum):
    """How grave a failure is unless the configuration says otherwise: wrong books, or worth a look."""

    ERROR = "error"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that has to hold for a file, or between two.

    Attributes:
        name: lower case letters, digits and underscores, e.g. `net_is_gross_less_fee`.
        about: one sentence for people: what has to hold.
        severity: of a failure, unless configured otherwise.
        other: the table a partition is compared with, e.g. `balance_change_from_activity_itemized`; None
            where the report's own files are enough.
    """

    name: str
    about: str
    severity: Severity = Severity.ERROR
    other: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says of one partition.

    Attributes:
        check: the check's name.
        result: what it came to.
        reason: for people, in a sentence or two: what was compared, which rows and amounts are at fault.
        wrong: how many rows, or sums, are at fault.
        examples: the first of them, as column to text, amounts in their currency's digits; no personal data.
    """

    check: str
    result: CheckResult
    reason: str
    wrong: int = 0
    examples: tuple[Mapping[str, str], ...] = field(default=())
