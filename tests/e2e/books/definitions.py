"""The code location of the project: everything under `defs/`."""

from pathlib import Path

import dagster as dg

from assets.definitions import EXECUTOR


@dg.definitions
def defs() -> dg.Definitions:
    """The reports that `defs.yaml` names."""
    configured = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    return dg.Definitions.merge(configured, dg.Definitions(executor=EXECUTOR))
