"""The code location: everything under `defs/`.

Loading it sends nothing to Stripe, and needs no key.
"""

import importlib
import warnings
from pathlib import Path

import dagster as dg

from connector.project.defs_yaml import refuse_unreadable

# Dagster 1.13 uses its own beta parameter wherever a check has resources; users can do nothing about it.
warnings.filterwarnings(
    "ignore", message="Parameter `execution_type` of function `AssetsDefinition", category=dg.BetaWarning
)

#: Steps of one run mostly wait for Stripe. The default, one step a core, would make the reports of a backfill
#: wait for each other on a small machine; the pool limits how many steps use Stripe at once.
EXECUTOR = dg.multiprocess_executor.configured({"max_concurrent": 8})


@dg.definitions
def defs() -> dg.Definitions:
    """The configured reports with their resource and reader, and what keeps them up to date."""
    # First, since Dagster would follow aliases that repeat themselves for hours.
    refuse_unreadable(Path(__file__).parent / "defs")
    # By its name: `load_from_defs_folder` looks for a pyproject.toml above; an installed package has none.
    tree = dg.ComponentTree.from_module(
        importlib.import_module("assets.defs"), project_root=Path(__file__).parent.parent
    )
    with warnings.catch_warnings():
        # As that function does: Dagster itself uses here what it calls beta, and Pydantic deprecated.
        for category in (dg.BetaWarning, DeprecationWarning):
            warnings.simplefilter("ignore", category)
        configured = tree.build_defs()
    return dg.Definitions.merge(configured, dg.Definitions(executor=EXECUTOR))
