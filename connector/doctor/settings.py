"""What the command line and the environment say, as one value: all that the doctor looks at."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Settings as they were given, right or wrong.

    Attributes:
        api_key, api_base, account, dagster_home: the environment's values; None where unset or empty.
        root: where the files are.
        directory: where configuration files are looked for.
        reports: the reports asked about; empty for those that are configured.
    """

    api_key: str | None = field(repr=False)
    api_base: str | None
    account: str | None
    root: str
    dagster_home: str | None
    directory: Path
    reports: tuple[str, ...] = ()
