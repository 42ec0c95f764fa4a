"""Dagster's migrations, read once in a process instead of once for every storage of every instance.

There are ninety, alembic compiles each from its source, and a storage reads them all to note that it has
them: four fifths of what a new instance in memory costs.
"""

import functools

from alembic.config import Config
from alembic.script import ScriptDirectory

_read = ScriptDirectory.from_config
_found: dict[str | None, ScriptDirectory] = {}


@functools.wraps(_read)
def _read_once(config: Config) -> ScriptDirectory:
    place = config.get_main_option("script_location")
    if place not in _found:
        _found[place] = _read(config)
    return _found[place]


def read_migrations_once() -> None:
    """From now on. They are files of an installed package, and nothing changes them."""
    ScriptDirectory.from_config = _read_once  # type: ignore[method-assign]
