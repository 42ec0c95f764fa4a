"""The checks of one step: each partition as soon as it is in place, what lies between files at the end.

Every partition that is in place when the step ends has been checked, also one that needed nothing, or whose
refresh failed. Dagster plans an evaluation of each check for each partition of a run. What it does not get
counts as skipped, or as failed where the run failed: launching a run again would otherwise hide that a check
had failed, and let through what it blocked. One partition that is skipped is enough for Dagster to show the
whole check so. So a run says of each partition which checks do not apply to it.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from functools import cached_property, partial
from itertools import chain

import dagster as dg

from assets.dagster_runs.history import Target, newest_materializations
from assets.materialize.check_events import (
    not_applicable,
    not_evaluated,
    partition_evaluation,
    run_evaluation,
)
from assets.materialize.open_log import written_together
from assets.reports.check_rules import Rule
from assets.reports.configured import ConfiguredReport
from connector.checks import (
    Check,
    CheckOutcome,
    CheckResult,
    Ends,
    Finding,
    OpenFile,
    Reconciliation,
    Sides,
    UnreadableError,
    all_in_one,
    check_continuity,
    check_opened_file,
    find_continuity_check,
    find_reconciliations,
    partitions_beside,
    read_ends,
    reconcile,
)
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import ReportingError
from connector.query import ReportQuery


class CheckRecorder:
    """What the checks of a report say of the partitions of one step.

    Args:
        dataset: the report's table; those it is compared with are of the same mode and account.
    """

    def __init__(
        self, context: dg.AssetExecutionContext, report: ConfiguredReport, store: Store, dataset: Dataset
    ) -> None:
        self._context = context
        self._report = report
        self._store = store
        self._dataset = dataset
        self._rules: Mapping[str, Rule] = {rule.check.name: rule for rule in report.rules}
        self._outcomes: dict[str, list[CheckOutcome]] = {}
        self._written: set[str] = set()
        self._earlier: set[str] = set()
        self._targets: dict[str, Target] = {}
        self._ends: dict[str, Ends | UnreadableError] = {}
        # By the name of the other table.
        self._sides: dict[str, Sides] = defaultdict(Sides)

    def evaluate(self, key: str, file: OpenFile | UnreadableError, *, earlier: bool = False) -> None:
        """Evaluate the checks of a partition's own file.

        Args:
            earlier: the run brought no new data of it, and the file is of an earlier one. Failures block
                nothing: the run fails anyhow.
        """
        if earlier:
            self._earlier.add(key)
        settled = [rule.check for rule in self._rules.values() if rule.settled]
        check = partial(check_opened_file, self._store, self._dataset, self._report.query, key, file)
        outcomes = self._evaluate(settled, self._dataset, key, check)
        self._outcomes[key] = [each for each in outcomes if each.check.name in self._rules]
        # What is compared later is read now, so that the file need not be opened again. Where that raises an
        # error, it is opened again, and the check says so.
        with suppress(Exception):
            if self._continuity:
                self._ends[key] = read_ends(file)
            for each in self._reconciliations:
                if not all_in_one(each):
                    self._sides[each.theirs.name].add(each, self._dataset, key, file)

    @property
    def blocked(self) -> list[CheckOutcome]:
        """The failures that block what depends on these partitions, once all are in place."""
        found = chain(*self._outcomes.values(), self._across)
        order = list(self._rules)
        return sorted(
            (
                each
                for each in found
                if each.partition not in self._earlier and self._rules[each.check.name].blocks(each.finding)
            ),
            key=lambda each: (order.index(each.check.name), each.partition),
        )

    def write(self, key: str, target: Target | None) -> None:
        """Write the evaluations of one partition by itself. Its event has to be written already.

        Args:
            target: what ties them to that event, where it is known; it is read otherwise.
        """
        if target:
            self._targets[key] = target
        self._log(self._report, self._rules, self._outcomes[key])
        self._written.add(key)

    def conclude(self, *, failed: bool = False) -> None:
        """Write all evaluations that are left, and one of each check for the whole run.

        Args:
            failed: the run is going to fail, and what is not evaluated would look failed too.
        """
        left = [self._outcomes[key] for key in self._outcomes if key not in self._written]
        self._written |= self._outcomes.keys()
        self._log(self._report, self._rules, [*chain(*left), *self._across])
        self._update_others()
        _write(self._context, [*self._not_applicable(failed=failed), *self._of_the_run()])

    def _of_the_run(self) -> Iterator[dg.AssetCheckEvaluation]:
        """What each check says of the run as a whole."""
        for rule in self._rules.values() if self._outcomes else ():
            every = chain(*self._outcomes.values(), self._across)
            outcomes = [each for each in every if each.check.name == rule.check.name]
            # The one evaluation of a run of one partition says it already.
            if len(self._context.partition_keys) > 1 or len(outcomes) > 1:
                yield run_evaluation(self._report.key, rule, outcomes)

    def _not_applicable(self, *, failed: bool) -> Iterator[dg.AssetCheckEvaluation]:
        """Which checks do not apply to partitions of the run, and why. Of a run that ends well, those
        that it passed over are left out: there is nothing of them that could be checked."""
        keys = self._context.partition_keys
        targets = self._targets_of(self._report, self._outcomes.keys())
        every = chain(*self._outcomes.values(), self._across)
        evaluated = {(each.check.name, each.partition) for each in every}
        for rule in self._rules.values():
            for key in keys:
                there = key in self._outcomes
                if (there or failed) and (rule.check.name, key) not in evaluated:
                    target = targets.get(key) if there else None
                    yield not_applicable(self._report.key, rule, key, target)
            if failed and not self._outcomes and len(keys) > 1:
                yield not_applicable(self._report.key, rule, None, None)

    # Between files

    @cached_property
    def _across(self) -> list[CheckOutcome]:
        """What lies between partitions, and between this report and others, once all are in place.

        What one is compared with may not be there yet; then it is compared when the other one arrives.
        """
        return [*self._with_neighbours(), *self._with_others()]

    def _with_neighbours(self) -> Iterator[CheckOutcome]:
        """Each period that is new, or whose predecessor is, against its predecessor."""
        if check := self._continuity:
            for before, after in self._pairs():
                compare = partial(
                    check_continuity,
                    self._store,
                    self._dataset,
                    self._report.query,
                    before,
                    after,
                    ends=self._ends,
                )
                yield from self._evaluate([check], self._dataset, after, compare)

    @cached_property
    def _continuity(self) -> Check | None:
        """The check across periods; None where it does not apply, or is skipped."""
        check = find_continuity_check(self._report.query)
        return check if check and check.name in self._rules else None

    def _pairs(self) -> list[tuple[str, str]]:
        """Partitions that follow each other and at least one of which is in this step."""
        return sorted({pair for key in self._outcomes for pair in self._report.adjacent(key)})

    def _with_others(self) -> Iterator[CheckOutcome]:
        """Each partition against the same one of the reports that are about the same money."""
        for reconciliation in self._reconciliations:
            if reconciliation.check.name in self._rules:
                for key in self._outcomes:
                    yield from self._reconcile(reconciliation, key)

    @cached_property
    def _reconciliations(self) -> Sequence[Reconciliation]:
        """What this report is compared with, also where it skips the check: the other one may have it."""
        return find_reconciliations(self._report.query, [each.query for each in self._report.beside])

    def _update_others(self) -> None:
        """Write the same comparisons as checks of the other reports.

        The other report found nothing to compare with, or found what this one has replaced.
        """
        for other in self._report.beside:
            for reconciliation in find_reconciliations(other.query, [self._report.query]):
                rule = other.checks.rule(reconciliation.check)
                if rule:
                    ours, theirs = self._dataset, self._dataset_of(other.query)
                    beside = (partitions_beside(self._store, ours, theirs, key) for key in self._outcomes)
                    outcomes = [
                        outcome
                        for key in dict.fromkeys(chain.from_iterable(beside))
                        for outcome in self._reconcile(reconciliation, key)
                    ]
                    self._log(other, {rule.check.name: rule}, outcomes)
                    if len(outcomes) > 1:
                        _write(self._context, [run_evaluation(other.key, rule, outcomes)])

    def _reconcile(self, reconciliation: Reconciliation, key: str) -> Collection[CheckOutcome]:
        ours, theirs = self._dataset_of(reconciliation.ours), self._dataset_of(reconciliation.theirs)
        other = theirs if ours.table == self._dataset.table else ours
        sides = self._sides[other.table]
        compare = partial(reconcile, self._store, reconciliation, ours, theirs, key, sides=sides)
        return self._evaluate([reconciliation.check], ours, key, compare)

    def _evaluate(
        self,
        checks: Collection[Check],
        dataset: Dataset,
        key: str,
        evaluate: Callable[[], Collection[CheckOutcome] | CheckOutcome | None],
    ) -> Collection[CheckOutcome]:
        """The outcomes of checks. One that raises an error is inconclusive, and stops nothing else."""
        try:
            found = evaluate() if checks else None
        except ReportingError as error:
            reason = str(error)
        except Exception as error:
            self._context.log.exception(
                "A check raised an error. Please report it; the partition is materialized all the same."
            )
            reason = f"The check itself raised {type(error).__name__}. The run's log has the traceback."
        else:
            if found is None:
                return ()
            return (found,) if isinstance(found, CheckOutcome) else found
        failed = Finding(CheckResult.INCONCLUSIVE, reason)
        return [CheckOutcome(check, dataset.table, key, failed) for check in checks]

    def _dataset_of(self, query: ReportQuery) -> Dataset:
        return query.dataset(mode=self._dataset.mode, account=self._dataset.account)

    # Dagster's events

    def _log(
        self, report: ConfiguredReport, rules: Mapping[str, Rule], outcomes: Collection[CheckOutcome]
    ) -> None:
        """Log the evaluations of partitions that have an event; the others are evaluated with theirs."""
        targets = self._targets_of(report, {each.partition for each in outcomes})
        evaluations = [
            partition_evaluation(report.key, rules[each.check.name], each, target)
            for each in outcomes
            if (target := targets.get(each.partition))
        ]
        _write(self._context, evaluations)

    def _targets_of(self, report: ConfiguredReport, partitions: Set[str]) -> Mapping[str, Target]:
        """What ties evaluations to the events of their partitions, as far as there are any. Of this report
        each is read once: what was checked is what that event is about, whatever came later."""
        targets = self._targets if report is self._report else {}
        unknown = partitions - targets.keys()
        for key, event in newest_materializations(self._context.instance, report.key, unknown).items():
            targets[key] = event.target
        return targets


def _write(context: dg.AssetExecutionContext, evaluations: Sequence[dg.AssetCheckEvaluation]) -> None:
    """Log these evaluations, in one transaction where that is possible."""
    with written_together(context.instance):
        for each in evaluations:
            context.log_event(each)


def log_unread(context: dg.AssetExecutionContext, report: ConfiguredReport) -> None:
    """Say of each check of a run that ended before it had read anything why it has no result."""
    keys = context.partition_keys
    events = newest_materializations(context.instance, report.key, keys)
    evaluations = []
    for rule in report.rules:
        for key in keys:
            event = events.get(key)
            evaluations.append(
                not_evaluated(report.key, rule, key, event.target)
                if event
                else not_applicable(report.key, rule, key, None)
            )
        if not events and len(keys) > 1:
            evaluations.append(not_applicable(report.key, rule, None, None))
    _write(context, evaluations)
