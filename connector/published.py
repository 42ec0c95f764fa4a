"""What is in the dataset after publishing, and what that changed."""

from dataclasses import dataclass
from decimal import Context, Decimal

from connector.provenance import Provenance

#: Room for every digit that two amounts can have.
_EXACT = Context(prec=80)


@dataclass(frozen=True, slots=True)
class Change:
    """What a new file changed against the one it replaced.

    `totals` are the differences of the amount column per currency; currencies that did not change are
    left out.
    """

    same_bytes: bool
    rows: int
    totals: dict[str, Decimal]

    @classmethod
    def between(cls, old: Provenance, new: Provenance) -> "Change":
        currencies = sorted({*old.totals, *new.totals})
        moved = {
            c: _EXACT.subtract(new.totals.get(c, Decimal(0)), old.totals.get(c, Decimal(0)))
            for c in currencies
        }
        return cls(
            same_bytes=old.csv_sha256 == new.csv_sha256,
            rows=new.rows - old.rows,
            totals={currency: total for currency, total in moved.items() if total},
        )


@dataclass(frozen=True, slots=True)
class Published:
    """What is in the dataset after publishing.

    Attributes:
        uri: where the file is.
        provenance: what the dataset holds now: ours, or a newer one that was there before us.
        replaced: what was there before; None where there was nothing.
        outdated: a newer result was already there and stays; ours was put aside.
    """

    uri: str
    provenance: Provenance
    replaced: Provenance | None
    outdated: bool

    @property
    def change(self) -> Change | None:
        """What is different now; None where nothing was replaced."""
        if self.replaced is None or self.outdated:
            return None
        return Change.between(self.replaced, self.provenance)
