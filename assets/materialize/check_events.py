"""Checks as Dagster shows them: a specification for each, and evaluations.

Each partition has an evaluation of its own, also in a range. In addition each check has one for the whole
run, which Dagster shows as its latest; a run of a single partition does not need it.
"""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg

from assets.dagster_runs.history import Target
from assets.reports.check_rules import Rule
from assets.shown import shown, shown_metadata
from connector.checks import CheckOutcome, CheckResult, Finding, Severity

_SEVERITY = {Severity.ERROR: dg.AssetCheckSeverity.ERROR, Severity.WARN: dg.AssetCheckSeverity.WARN}

#: Examples of one partition in the table of a whole run.
_FEW = 3


def check_specs(
    asset: dg.AssetKey, partitions: dg.PartitionsDefinition[str], rules: Sequence[Rule]
) -> list[dg.AssetCheckSpec]:
    """The checks of an asset, for each of its partitions."""
    with without_preview_warning():
        return [
            dg.AssetCheckSpec(
                rule.check.name,
                asset=asset,
                description=shown(rule.check.about),
                blocking=rule.blocking,
                partitions_def=partitions,
            )
            for rule in rules
        ]


@contextmanager
def without_preview_warning() -> Iterator[None]:
    """At every load Dagster warns that partitioned checks are a preview; users of this have no choice."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=dg.PreviewWarning)
        yield


def partition_evaluation(
    asset: dg.AssetKey, rule: Rule, outcome: CheckOutcome, target: Target
) -> dg.AssetCheckEvaluation:
    """The outcome of a check for a partition.

    Args:
        target: the event of the file that was checked.
    """
    finding = outcome.finding
    metadata: dict[str, Any] = {"stripe/result": str(finding.result)}
    if finding.wrong:
        metadata["stripe/at_fault"] = finding.wrong
    if finding.examples:
        metadata["stripe/examples"] = _table(finding.examples)
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=rule.check.name,
        passed=finding.result is CheckResult.PASSED,
        severity=_severity(rule, [finding]),
        blocking=rule.blocking,
        partition=outcome.partition,
        description=shown(_describe(finding)),
        metadata=shown_metadata(metadata),
        target_materialization_data=target,
    )


def not_applicable(
    asset: dg.AssetKey, rule: Rule, partition: str | None, target: Target | None
) -> dg.AssetCheckEvaluation:
    """What a check says where there is nothing that it could look at.

    Args:
        partition: None for a whole run none of whose partitions are there.
        target: the event of the partition's file; None where it is not there.
    """
    missing = f"{'the partition is' if partition else 'no partition of this run is'} not there"
    why = _nothing_beside(rule, "the previous period") if target else f"{missing}. The failed run says why."
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=rule.check.name,
        passed=True,
        severity=_SEVERITY[rule.severity],
        blocking=rule.blocking,
        partition=partition,
        description=shown(f"Not applicable: {why}"),
        metadata={"stripe/result": "not applicable"},
        target_materialization_data=target,
    )


def not_evaluated(asset: dg.AssetKey, rule: Rule, partition: str, target: Target) -> dg.AssetCheckEvaluation:
    """What a check says of a file that the run could not come to: a warning, which blocks nothing.

    Not a pass, which would hide a failure from before, nor the failure that Dagster makes of its silence.

    Args:
        target: the event of the partition's file.
    """
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=rule.check.name,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        blocking=rule.blocking,
        partition=partition,
        description="Not evaluated: the run ended before it had read anything. The failed run says why; the "
        "file is as it was.",
        metadata={"stripe/result": "not evaluated"},
        target_materialization_data=target,
    )


def run_evaluation(
    asset: dg.AssetKey, rule: Rule, outcomes: Sequence[CheckOutcome]
) -> dg.AssetCheckEvaluation:
    """The outcomes of a check for all partitions of a run that it applied to; there may be none."""
    findings = [each.finding for each in outcomes]
    counts = Counter(finding.result for finding in findings)
    wrong = sorted(
        (each for each in outcomes if each.finding.result is not CheckResult.PASSED),
        key=lambda each: (each.finding.result is not CheckResult.FAILED, each.partition),
    )
    metadata: dict[str, Any] = {f"stripe/partitions_{result}": counts[result] for result in CheckResult}
    if wrong:
        metadata["stripe/not_passed"] = _table([_row(each) for each in wrong])
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=rule.check.name,
        passed=not wrong,
        severity=_severity(rule, findings),
        blocking=rule.blocking,
        description=shown(_describe_run(rule, counts, wrong)),
        metadata=shown_metadata(metadata),
    )


def _describe_run(rule: Rule, counts: Mapping[CheckResult, int], wrong: Sequence[CheckOutcome]) -> str:
    total = sum(counts.values())
    if not total:
        return f"Not applicable: {_nothing_beside(rule, 'the period before or after')}"
    what = "partitions" if rule.settled else "comparisons"
    results = ", ".join(f"{counts[result]} {result}" for result in CheckResult if counts[result])
    first = f" {wrong[0].partition}: {_describe(wrong[0].finding)}" if wrong else ""
    return f"Of {total} {what}: {results}.{first}"


def _nothing_beside(rule: Rule, neighbour: str) -> str:
    other = rule.check.other or neighbour
    return f"there is nothing to compare with yet, since {other} has no data."


def _describe(finding: Finding) -> str:
    if finding.result is CheckResult.INCONCLUSIVE:
        return f"Inconclusive: {finding.reason}"
    return finding.reason


def _severity(rule: Rule, findings: Sequence[Finding]) -> dg.AssetCheckSeverity:
    """Of what did not pass: what is only inconclusive is a warning."""
    failed = any(finding.result is CheckResult.FAILED for finding in findings)
    inconclusive = any(finding.result is CheckResult.INCONCLUSIVE for finding in findings)
    return dg.AssetCheckSeverity.WARN if inconclusive and not failed else _SEVERITY[rule.severity]


def _row(outcome: CheckOutcome) -> Mapping[str, str]:
    finding = outcome.finding
    shown = "; ".join(
        ", ".join(f"{name} {text}" for name, text in each.items()) for each in finding.examples[:_FEW]
    )
    return {
        "partition": outcome.partition,
        "result": str(finding.result),
        "at_fault": str(finding.wrong or ""),
        "reason": finding.reason,
        "examples": shown,
    }


def blocked_table(blocked: Sequence[CheckOutcome]) -> dg.TableMetadataValue:
    """The failures that end a run, as a table."""
    return _table([{"check": each.check.name, **_row(each)} for each in blocked])


def _table(rows: Sequence[Mapping[str, str]]) -> dg.TableMetadataValue:
    """Rows of text; a cell that a row lacks is empty."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return dg.MetadataValue.table(
        [dg.TableRecord({name: row.get(name, "") for name in columns}) for row in rows],
        dg.TableSchema(columns=[dg.TableColumn(name, "string") for name in columns]),
    )
