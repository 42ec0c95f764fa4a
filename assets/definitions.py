"""The code location: everything under `defs/`, loaded when Dagster asks for it.

Loading asks nothing of Stripe, and works without a key.
"""

import importlib
import warnings
from pathlib import Path

import dagster as dg

# Dagster 1.13 uses its own beta parameter wherever a check has resources; it is nothing to users of this.
warnings.filterwarnings(
    "ignore", message="Parameter `execution_type` of function `AssetsDefinition", category=dg.BetaWarning
)


#: Steps of one run wait for Stripe side by side. The default is one a core, which on a small machine would
#: make the reports of a backfill wait for each other; the pool bounds what speaks to Stripe at once.
EXECUTOR = dg.multiprocess_executor.configured({"max_concurrent": 8})


@dg.definitions
def defs() -> dg.Definitions:
    """The configured reports with their resource and reader, and what keeps them up to date."""
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
