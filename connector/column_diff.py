"""How two lists of columns differ: of two tables, two files, or Stripe's defaults and ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class ColumnDiff:
    """What a reader of the old columns meets in the new ones.

    Attributes:
        added: names only the new ones have, in their order.
        removed: names only the old ones have, in their order.
        retyped: name to the old and the new type, as text.
        reordered: the same names, in another order.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    reordered: bool = False

    @classmethod
    def between(cls, old: Mapping[str, str] | Sequence[str], new: Mapping[str, str] | Sequence[str]) -> Self:
        """Of column names in order, with their types where these are compared too."""
        before, after = _typed(old), _typed(new)
        both = [name for name in before if name in after]
        return cls(
            tuple(name for name in after if name not in before),
            tuple(name for name in before if name not in after),
            {name: (before[name], after[name]) for name in both if before[name] != after[name]},
            reordered=before.keys() == after.keys() and list(before) != list(after),
        )

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.retyped or self.reordered)

    def __str__(self) -> str:
        said = [f"also {', '.join(self.added)}"] if self.added else []
        said += [f"without {', '.join(self.removed)}"] if self.removed else []
        said += [f"{name} {new} instead of {old}" for name, (old, new) in self.retyped.items()]
        return "; ".join(said) or ("in another order" if self.reordered else "the same columns")


def _typed(columns: Mapping[str, str] | Sequence[str]) -> Mapping[str, str]:
    return columns if isinstance(columns, Mapping) else dict.fromkeys(columns, "")
