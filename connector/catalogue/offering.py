"""The report types Stripe offers an account, compared with those in the catalogue.

Report types come and go, and differ from account to account, so both lists are shown side by side. Pure:
Stripe's list comes in as an argument.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from connector.api.models import Mode, ReportType
from connector.catalogue import ReportSpec
from connector.catalogue.spec import table_of
from connector.column_diff import ColumnDiff
from connector.errors import ConfigurationError
from connector.text import hint


class Standing(StrEnum):
    """Where a report type is known.

    KNOWN to Stripe and the catalogue; UNKNOWN to the catalogue alone; NOT_OFFERED to this key by Stripe;
    LIVE_ONLY: not offered because the key is not one of live mode.
    """

    KNOWN = "known"
    UNKNOWN = "not in the catalogue"
    NOT_OFFERED = "not offered"
    LIVE_ONLY = "live mode only"


@dataclass(frozen=True, slots=True)
class Offering:
    """One report type, as Stripe has it and as the catalogue has it; at least one of them does."""

    id: str
    standing: Standing
    offered: ReportType | None
    spec: ReportSpec | None

    @property
    def name(self) -> str:
        """The name of its table."""
        return table_of(self.id)

    @property
    def difference(self) -> ColumnDiff | None:
        """How Stripe's default columns differ from those in the catalogue; None where they do not, or one of
        the two is not known."""
        if self.offered is None or self.spec is None or self.spec.stripe_defaults is None:
            return None
        return ColumnDiff.between(self.spec.stripe_defaults, self.offered.default_columns or ()) or None


def offerings(
    offered: Iterable[ReportType], specs: Mapping[str, ReportSpec], mode: Mode
) -> tuple[Offering, ...]:
    """Every type that Stripe or the catalogue has: the catalogue's in its order, then what it does not know.

    Args:
        offered: Stripe's list for the key.
        specs: the catalogue, by id.
        mode: the key's; what exists only in live mode is missing for a good reason elsewhere.
    """
    there = {each.id: each for each in offered}
    known = [
        Offering(spec.id, _standing(spec, there.get(spec.id), mode), there.get(spec.id), spec)
        for spec in specs.values()
    ]
    unknown = [Offering(id, Standing.UNKNOWN, there[id], None) for id in sorted(there.keys() - specs.keys())]
    return (*known, *unknown)


def about(report: str, every: Sequence[Offering]) -> tuple[Offering, ...]:
    """Those of one id, or of one name in all versions. Raises ConfigurationError naming the nearest."""
    found = tuple(each for each in every if report in (each.id, each.name))
    if not found:
        known = {name for each in every for name in (each.id, each.name)}
        raise ConfigurationError(
            f"neither Stripe nor the catalogue has a report {report!r}{hint(report, known)}"
        )
    return found


def _standing(spec: ReportSpec, offered: ReportType | None, mode: Mode) -> Standing:
    if offered:
        return Standing.KNOWN
    return Standing.LIVE_ONLY if spec.live_only and mode is not Mode.LIVE else Standing.NOT_OFFERED
