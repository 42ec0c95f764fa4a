"""The code location of the project: everything under `defs/`."""

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """The reports that `defs.yaml` names."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
