"""The environment of processes started from the Dagster side; `connector.settings` reads everything else."""

import os
from collections.abc import Mapping


def child_environment(added: Mapping[str, str]) -> dict[str, str]:
    """The process's own environment with `added` on top, for a process started from here."""
    return {**os.environ, **added}
