"""The code location: everything under `defs/`, loaded when Dagster asks for it.

Loading asks nothing of Stripe, and works without a key.
"""

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """The configured reports with their resource and reader."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
