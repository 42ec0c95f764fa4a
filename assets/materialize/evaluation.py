"""The checks of one step: each partition as soon as it is in place, what lies between files at the end.

Every partition that is in place when the step ends has been judged, also one that needed nothing. Dagster
plans an evaluation of each check for each partition of a run, and what it does not get counts as skipped:
launching a run again would otherwise wipe out that a check had failed, and let through what it held up.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain

import dagster as dg

from assets.dagster_runs.history import newest_events
from assets.materialize.check_events import evaluation, summary
from assets.reports.check_rules import Rule
from assets.reports.configured import ConfiguredReport
from connector.checks import (
    Check,
    CheckOutcome,
    CheckResult,
    Finding,
    Reconciliation,
    check_continuity,
    check_file,
    find_continuity_check,
    find_reconciliations,
    reconcile,
)
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import ReportingError
from connector.query import ReportQuery


class CheckRecorder:
    """What the checks of a report say of the partitions of one step.

    Args:
        mode, account: where the step's data come from, as datasets are told apart.
    """

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        report: ConfiguredReport,
        store: Store,
        *,
        mode: str,
        account: str | None,
    ) -> None:
        self._context = context
        self._report = report
        self._store = store
        self._mode = mode
        self._account = account
        self._rules: Mapping[str, Rule] = {rule.check.name: rule for rule in report.rules}
        self._judged: dict[str, list[CheckOutcome]] = {}
        self._written: set[str] = set()

    def partition(self, key: str) -> None:
        """Judge the file of a partition that is in place, by itself."""
        settled = [rule.check for rule in self._rules.values() if rule.settled]
        query = self._report.query
        dataset = self._dataset(query)
        found = self._found(settled, dataset, key, lambda: check_file(self._store, dataset, query, key))
        self._judged[key] = self._with_rules(found)

    @property
    def blocked(self) -> list[CheckOutcome]:
        """The failures for which nothing should be made from these partitions, once all are in place."""
        found = chain(*self._judged.values(), self._across)
        order = list(self._rules)
        return sorted(
            (each for each in found if self._blocks(each)),
            key=lambda each: (order.index(each.check.name), each.partition),
        )

    def _blocks(self, outcome: CheckOutcome) -> bool:
        """Whether nothing should be made from the partition."""
        return self._rules[outcome.check.name].blocking and outcome.finding.result is CheckResult.FAILED

    def write(self, key: str) -> None:
        """Evaluations of one partition by itself. Its event has to be written already."""
        self._log(self._report, self._rules, self._judged[key])
        self._written.add(key)

    def conclude(self) -> None:
        """All evaluations that are left, and one of each check for the whole run."""
        for key in self._judged:
            if key not in self._written:
                self.write(key)
        self._log(self._report, self._rules, self._across)
        self._tell_others()
        if not self._judged:
            return
        for rule in self._rules.values():
            every = chain(*self._judged.values(), self._across)
            self._sum_up(self._report, rule, [each for each in every if each.check.name == rule.check.name])

    # Between files

    @cached_property
    def _across(self) -> list[CheckOutcome]:
        """What lies between partitions, and between this report and others, once all are in place.

        What one is compared with may not be there yet; then it is compared when the other one arrives.
        """
        return [*self._with_neighbours(), *self._with_others()]

    def _with_neighbours(self) -> Iterator[CheckOutcome]:
        """Each period that is new, or whose predecessor is, against its predecessor."""
        query = self._report.query
        check = find_continuity_check(query)
        if check is None or check.name not in self._rules:
            return
        dataset = self._dataset(query)
        for before, after in self._pairs():
            compare = partial(check_continuity, self._store, dataset, query, before, after)
            yield from self._found([check], dataset, after, compare)

    def _pairs(self) -> list[tuple[str, str]]:
        """Partitions that follow each other and at least one of which is in this step."""
        return sorted({pair for key in self._judged for pair in self._report.adjacent(key)})

    def _with_others(self) -> Iterator[CheckOutcome]:
        """Each partition against the same one of the reports that are about the same money."""
        others = [each.query for each in self._report.beside]
        for reconciliation in find_reconciliations(self._report.query, others):
            if reconciliation.check.name in self._rules:
                for key in self._judged:
                    yield from self._reconcile(reconciliation, key)

    def _tell_others(self) -> None:
        """The same comparisons seen from the other side.

        The other report found nothing to compare with, or found what this one has replaced.
        """
        for other in self._report.beside:
            for reconciliation in find_reconciliations(other.query, [self._report.query]):
                rule = other.checks.rule(reconciliation.check)
                if rule:
                    outcomes = [
                        outcome for key in self._judged for outcome in self._reconcile(reconciliation, key)
                    ]
                    self._log(other, {rule.check.name: rule}, outcomes)
                    if outcomes:
                        self._sum_up(other, rule, outcomes)

    def _reconcile(self, reconciliation: Reconciliation, key: str) -> Collection[CheckOutcome]:
        ours, theirs = self._dataset(reconciliation.ours), self._dataset(reconciliation.theirs)
        compare = partial(reconcile, self._store, reconciliation, ours, theirs, key)
        return self._found([reconciliation.check], ours, key, compare)

    def _found(
        self,
        checks: Collection[Check],
        dataset: Dataset,
        key: str,
        evaluate: Callable[[], Collection[CheckOutcome] | CheckOutcome | None],
    ) -> Collection[CheckOutcome]:
        """The outcomes of checks. One that breaks is inconclusive, and stops nothing else."""
        try:
            found = evaluate() if checks else None
        except ReportingError as error:
            reason = str(error)
        except Exception as error:
            self._context.log.exception(
                "A check broke. Please report it; the data are recorded all the same."
            )
            reason = f"The check itself broke: {type(error).__name__}. The run's log has more."
        else:
            if found is None:
                return ()
            return (found,) if isinstance(found, CheckOutcome) else found
        broken = Finding(CheckResult.INCONCLUSIVE, reason)
        return [CheckOutcome(check, dataset.table, key, broken) for check in checks]

    def _with_rules(self, outcomes: Collection[CheckOutcome]) -> list[CheckOutcome]:
        """Those of checks that are not skipped."""
        return [each for each in outcomes if each.check.name in self._rules]

    def _dataset(self, query: ReportQuery) -> Dataset:
        return query.dataset(mode=self._mode, account=self._account)

    # Telling Dagster

    def _log(
        self, report: ConfiguredReport, rules: Mapping[str, Rule], outcomes: Collection[CheckOutcome]
    ) -> None:
        """Evaluations of partitions that have an event; who has just published one judges it, too."""
        targets = newest_events(self._context.instance, report.key, {each.partition for each in outcomes})
        for each in outcomes:
            if target := targets.get(each.partition):
                self._context.log_event(evaluation(report.key, rules[each.check.name], each, target))

    def _sum_up(self, report: ConfiguredReport, rule: Rule, judged: Sequence[CheckOutcome]) -> None:
        """What a check says of the run as a whole, unless its one evaluation says it already."""
        if len(judged) != 1:
            self._context.log_event(summary(report.key, rule, judged))
