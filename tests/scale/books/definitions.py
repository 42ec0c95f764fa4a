"""The code location: the reports that `defs.yaml` names.

A run's steps are carried out in its own process, one after the other: Celery's processes must not have
children, which the multiprocess executor would start.
"""

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """What `defs.yaml` names, with the executor for a worker of Celery."""
    configured = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    return dg.Definitions.merge(configured, dg.Definitions(executor=dg.in_process_executor))
