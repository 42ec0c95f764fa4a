"""The same ordeal through Dagster: a range of each asset, killed and launched again.

More law: each partition has one materialization event, whoever was killed between publishing and recording,
and the key is in no event and in no line of the log.
"""

import contextlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path

import dagster as dg

from assets import ConfiguredReport, build_report_asset
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance, Published
from connector.dataset.store import Store
from connector.simulator import SIMULATED_KEY, ActiveFault
from tests.chaos.ordeal import REPORTS, At, Killed, Life, Ordeal
from tests.support.dagster import Orchestra


class OrdealInDagster(Ordeal):
    """What is done to a Dagster of one process, whose instance remembers."""

    def undergo(self) -> None:
        """Raises LawBrokenError naming the seed and what did not hold."""
        first = date.fromisoformat(self.days[0].key)
        self.assets = [
            build_report_asset(ConfiguredReport(query, start=first), retry_policy=None) for query in REPORTS
        ]
        with dg.DagsterInstance.ephemeral() as self.instance:
            super().undergo()

    def _death(self) -> Life:
        """Half of them die when a file is published and nothing is recorded yet."""
        if self.draw.random() < 0.5:
            return At("published", self.draw.randrange(2 * self.partitions))
        return super()._death()

    def _attempt(self, death: Life, missing: list[str]) -> None:
        orchestra = self._orchestra(death)
        for asset in self.draw.sample(self.assets, 2):
            with contextlib.redirect_stderr(io.StringIO()) as said:
                result = orchestra.launch(
                    [asset], self.days[0].key, self.days[-1].key, tags={"stripe/intent": "ensure"}
                )
            self.log.append(said.getvalue())
            if death.dead:  # Dagster records even that
                raise Killed
            if not result.success:
                missing.append(orchestra.failure(result)[0])

    def _orchestra(self, death: Life) -> Orchestra:
        return Orchestra(
            self.instance,
            self._stripe(death),
            self.skewed_clock(),
            self.root,
            store=partial(_MortalStore, death=death),
        )

    def _hold_to_the_law(self, missing: Sequence[str], planted: Mapping[str, Sequence[ActiveFault]]) -> None:
        super()._hold_to_the_law(missing, planted)
        for asset in self.assets:
            recorded = Counter(key for key, _ in self._orchestra(Life()).recorded(asset))
            assert recorded == Counter(day.key for day in self.days), f"{asset.key} recorded {recorded}"
        for run in self.instance.get_runs():
            told = str(self.instance.all_logs(run.run_id))
            assert SIMULATED_KEY not in told, f"the key is in an event of run {run.run_id}"


class _MortalStore(Store):
    """A store whose process may die when a file has just been published."""

    def __init__(self, root: str, death: Life) -> None:
        super().__init__(root)
        self._death = death

    def publish(
        self, staged: Path, dataset: Dataset, provenance: Provenance, *, over: Provenance | None = None
    ) -> Published:
        published = super().publish(staged, dataset, provenance, over=over)
        self._death.at("published")
        return published
