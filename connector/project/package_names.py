"""Whether the packages `connector` and `assets` that Python finds are ours.

Such names are common. Where a project has its own `assets`, that one comes first, and our component is not
there: `type: assets.StripeReportsComponent` then fails with Dagster's words, which do not say why.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

#: Where our packages are.
_OURS = Path(__file__).resolve().parents[2]

#: Where a project's own packages may be, seen from its directory.
_PLACES = ("", "src")

WAY_OUT = (
    "Give Stripe's reports a code location with an environment and a directory of their own, or rename the "
    "other package."
)


class ForeignPackageWarning(UserWarning):
    """A package of somebody else is found in the place of one of ours."""


def foreign_packages(directory: Path) -> Iterator[str]:
    """A sentence for each package of ours that another one hides from who works in `directory`.

    Nothing is imported to find out.
    """
    for name in ("assets", "connector"):
        for place in (*(directory / each / name for each in _PLACES), *_found(name)):
            if (place / "__init__.py").exists() and place.resolve().parent != _OURS:
                yield (
                    f"the package `{name}` that is found first is {place}, and not the one of "
                    f"dagster-stripe-reports in {_OURS}: StripeReportsComponent cannot be loaded beside it"
                )
                break


def _found(name: str) -> Iterator[Path]:
    spec = importlib.util.find_spec(name)
    if spec and spec.origin:
        yield Path(spec.origin).parent
