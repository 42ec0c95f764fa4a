"""Which checks a report has, how severe a failure is, and which failures block downstream assets.

What one file shows by itself is final: an amount that does not add up will not do so later, and whatever is
made from it is wrong. So such an error blocks unless configured otherwise. A difference between two files or
two periods may disappear when the other one arrives or is refreshed; it is reported and blocks nothing.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Self

from pydantic import ConfigDict, Field, WithJsonSchema
from pydantic.dataclasses import dataclass

from connector.checks import (
    Check,
    CheckResult,
    Finding,
    Severity,
    find_continuity_check,
    find_reconciliations,
    list_file_checks,
)
from connector.errors import ConfigurationError
from connector.query import ReportQuery
from connector.text import hint


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """A check as a report has it.

    Attributes:
        severity: of a failure. What cannot be decided is never more than a warning.
        blocking: a failure ends the run after everything is recorded, so that nothing is made from it.
    """

    check: Check
    severity: Severity
    blocking: bool

    @property
    def settled(self) -> bool:
        """Whether it looks at a partition's own file alone."""
        return not self.check.compares_files

    def blocks(self, finding: Finding) -> bool:
        """Whether assets that depend on the partition must not start."""
        return self.blocking and finding.result is CheckResult.FAILED


_InFile = WithJsonSchema({"enum": [str(each) for each in Severity]})


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class CheckOptions:
    """How the checks of a report are configured; checks are named."""

    # Not called `off`, which YAML takes for a boolean.
    skip: frozenset[str] = Field(default=frozenset(), description="Checks that are not evaluated.")
    severity: Mapping[str, Annotated[Severity, _InFile]] = Field(
        default_factory=dict,
        description="By check: whether a failure is an error or a warning (`error`, `warn`).",
    )
    blocking: frozenset[str] | None = Field(
        default=None,
        description="The checks whose failure is an error and fails the run, so that assets downstream do "
        "not start in it; [] for none. By default those that look at a partition's own file and are errors.",
    )

    def rule(self, check: Check) -> Rule | None:
        """The check under these options; None where it is skipped."""
        if check.name in self.skip:
            return None
        chosen = self.blocking is not None and check.name in self.blocking
        severity = self.severity.get(check.name, Severity.ERROR if chosen else check.severity)
        wanted = not check.compares_files if self.blocking is None else chosen
        return Rule(check, severity, wanted and severity is Severity.ERROR)

    def refuse_slips(self, known: Collection[str]) -> None:
        """Raises ConfigurationError for a name that is not a check, and for a contradiction."""
        for name in (*sorted(self.skip), *self.severity, *sorted(self.blocking or ())):
            refuse_unknown(name, known)
        for name in sorted(self.blocking or ()):
            if name in self.skip:
                raise ConfigurationError(f"{name} is in `skip` and in `blocking`; remove it from one of them")
            if self.severity.get(name) is Severity.WARN:
                raise ConfigurationError(
                    f"{name} is in `blocking` and has the severity `warn`; only an error blocks"
                )

    def among(self, known: Collection[str]) -> Self:
        """The same for a report with these checks alone; of two contrary settings the milder."""
        severity = {name: each for name, each in self.severity.items() if name in known}
        mild = self.skip | {name for name, each in severity.items() if each is Severity.WARN}
        blocking = None if self.blocking is None else (self.blocking & frozenset(known)) - mild
        return type(self)(self.skip & frozenset(known), severity, blocking)


def refuse_unknown(name: str, known: Collection[str]) -> None:
    """Raises ConfigurationError naming the nearest check there is."""
    if name not in known:
        raise ConfigurationError(f"there is no check {name!r}{hint(name, known)}")


def rules_of(query: ReportQuery, others: Sequence[ReportQuery], options: CheckOptions) -> tuple[Rule, ...]:
    """The checks of a report, in the order they are shown.

    Args:
        others: the reports whose sums it is compared with, as far as they are about the same money.
    """
    checks = (
        *list_file_checks(query),
        find_continuity_check(query),
        *(each.check for each in find_reconciliations(query, others)),
    )
    rules = (options.rule(check) for check in checks if check)
    return tuple(rule for rule in rules if rule)
