"""A check, and what it found: whether it holds, why, and which rows are wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from connector.text import visible


class CheckResult(StrEnum):
    """Inconclusive is not passed: the data cannot show whether the check holds."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


class Severity(StrEnum):
    """How grave a failure is unless configured otherwise: wrong books, or worth a look."""

    ERROR = "error"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Check:
    """Something that must hold for a partition's file, or between two files.

    Attributes:
        name: lower case letters, digits and underscores, e.g. `net_is_gross_less_fee`.
        about: one sentence for people: what must hold.
        severity: of a failure, unless configured otherwise.
        compares_files: it compares the partition's file with another one: of the period before, or of
            another table.
        other: the table a partition is compared with, e.g. `balance_change_from_activity_itemized`; None
            where the table's own files are enough.
    """

    name: str
    about: str
    severity: Severity = Severity.ERROR
    compares_files: bool = False
    other: str | None = None

    @property
    def blocks(self) -> bool:
        """Whether nothing should be made from a partition that fails, unless configured otherwise.

        An error within one file stays until the file is replaced. Between two files, the other one may be
        missing, or about to be refreshed.
        """
        return self.severity is Severity.ERROR and not self.compares_files


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes:
        reason: for people, in a sentence or two: what was compared, which rows and amounts are wrong, and
            what to do about it.
        wrong: how many rows, or totals, are wrong.
        examples: the first of them, as column to text, amounts in their currency's digits; no personal data.
    """

    result: CheckResult
    reason: str
    wrong: int = 0
    examples: tuple[Mapping[str, str], ...] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", visible(self.reason))
        examples = ({visible(name): visible(cell) for name, cell in each.items()} for each in self.examples)
        object.__setattr__(self, "examples", tuple(examples))


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What one check found about one partition of a table."""

    check: Check
    table: str
    partition: str
    finding: Finding
