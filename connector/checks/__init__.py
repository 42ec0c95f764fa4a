"""What has to hold for every partition, evaluated on the published file.

    checks_of(query)              the checks a partition's own file can be put to
    inspect(store, …, period)     what each of them says of it

    continuity_of(query)          whether a period opens with what the one before closed with
    inspect_continuity(…)

    agreements_of(query, others)  the tables that have to say the same of a period
    inspect_agreement(…)

A finding passed, failed, or could not be decided; it says why in a sentence, and shows the rows. The values
are in `finding`; `file`, `rows`, `balance` and `agreement` hold the checks.
"""

from connector.checks.balance import continuity_of, inspect_continuity
from connector.checks.evaluate import checks_of, inspect
from connector.checks.finding import Check, CheckResult, Finding, Severity
from connector.checks.reconciliation import Reconciliation, agreements_of, inspect_agreement

__all__ = [
    "Check",
    "CheckResult",
    "Finding",
    "Reconciliation",
    "Severity",
    "agreements_of",
    "checks_of",
    "continuity_of",
    "inspect",
    "inspect_agreement",
    "inspect_continuity",
]
