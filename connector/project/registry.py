"""What every `dg` command imports: an entry point of Dagster's registry that has no components.

Importing it warns where a package of somebody else hides one of ours, since nothing of ours is loaded then
that could say so.
"""

import warnings
from pathlib import Path

from connector.project.package_names import WAY_OUT, ForeignPackageWarning, foreign_packages
from connector.text import visible

for _sentence in foreign_packages(Path.cwd()):
    warnings.warn(visible(f"{_sentence}. {WAY_OUT}"), ForeignPackageWarning, stacklevel=2)
