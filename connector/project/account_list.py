"""Lists of accounts in files: one that `defs.yaml` or a command names as `@accounts.yaml`."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from connector.accounts import AccountLives
from connector.api.credentials import is_account
from connector.errors import ConfigurationError
from connector.project.defs_yaml import refuse_slips

#: The field of a report in `defs.yaml`, under which `stripe-reports accounts` prints the list.
FIELD = "connected_accounts"


def read_accounts(given: Any, directory: Path) -> AccountLives:
    """The accounts that a configuration or a command names.

    Args:
        given: as `AccountLives.of` takes it; a text `@name`, alone or as an item of the list, is a file. The
            file holds ids, separated as in a text, with comments behind `#`; or YAML: a list, or the output
            of `stripe-reports accounts`.
        directory: where relative names of files begin.

    Raises ConfigurationError naming the item or the file.
    """
    if isinstance(given, str):
        given = [given]
    elif not isinstance(given, Sequence):
        return AccountLives.of(given)
    return AccountLives.of([life for item in given for life in _expanded(item, directory)])


def _expanded(item: Any, directory: Path) -> Iterator[Any]:
    name = item.strip().removeprefix("@") if isinstance(item, str) else ""
    if not isinstance(item, str) or not item.strip().startswith("@"):
        yield item
        return
    path = directory / name
    try:
        yield from _lives_in(path)
    except (OSError, ValueError, yaml.YAMLError, ConfigurationError) as error:
        raise ConfigurationError(f"list of accounts {path}: {' '.join(str(error).split())}") from None


def _lives_in(path: Path) -> AccountLives:
    text = path.read_text(encoding="utf-8-sig")
    ids = re.split(r"[,\s]+", re.sub(r"#.*", "", text).strip())
    if all(map(is_account, ids)):
        return AccountLives.of(ids)
    refuse_slips(text)
    content = yaml.safe_load(text)
    found = AccountLives.of(content.get(FIELD) if isinstance(content, dict) else content)
    if not found:
        raise ValueError("it names no account")
    return found
