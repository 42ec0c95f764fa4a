"""Lists of accounts in files: one that `defs.yaml` or a command names as `@accounts.yaml`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from connector.accounts import AccountLife, AccountLists, AccountLives
from connector.api.credentials import is_account
from connector.catalogue import custom_report, report
from connector.errors import ConfigurationError
from connector.project.defs_yaml import found_files, refuse_slips
from connector.settings import filled_in

#: The fields of a report in `defs.yaml`, under which `stripe-reports accounts` prints the lists: of accounts
#: that a run parameter names, and of those in whose name one asks.
CONNECTED, ACTING = FIELDS = ("connected_accounts", "acting_accounts")


def read_accounts(given: Any, directory: Path, field: str) -> AccountLives:
    """The accounts that a configuration or a command names.

    Args:
        given: as `AccountLives.of` takes it; a text `@name`, alone or as an item of the list, is a file. The
            file holds ids, separated as in a text, with comments behind `#`; or YAML: a list, or the output
            of `stripe-reports accounts`.
        directory: where relative names of files begin.
        field: one of `FIELDS`; a file may hold both.

    Raises ConfigurationError naming the item or the file.
    """
    if isinstance(given, str):
        given = [given]
    elif not isinstance(given, Sequence):
        return AccountLives.of(given)
    return AccountLives.of([life for item in given for life in _expanded(item, directory, field)])


def configured_accounts(directory: Path) -> Mapping[str, AccountLives]:
    """The accounts of every `defs.yaml` of ours in a Dagster project in `directory`, each once in each field.

    Raises ConfigurationError naming the file whose list cannot be read.
    """
    found: dict[str, dict[str, AccountLife]] = {name: {} for name in FIELDS}
    for name, _, lives in _lists(directory):
        found[name] = {life.account: life for life in lives} | found[name]
    return {name: AccountLives(tuple(lives.values())) for name, lives in found.items()}


def configured_lists(directory: Path) -> AccountLists:
    """The same accounts as the lists in which they stand, by the table of the report.

    Raises ConfigurationError naming the file whose list cannot be read.
    """
    found: dict[str, list[AccountLives]] = {}
    for _, fields, lives in _lists(directory):
        found.setdefault(_table_of(fields), []).append(lives)
    return AccountLists(found)


def accounts_of(fields: Mapping[str, Any], directory: Path, field: str) -> AccountLives:
    """The accounts that a report of a file lists in one of its fields; none where it has no such list.

    Args:
        fields: the report's fields.
        directory: that of the file.
    """
    return read_accounts(_filled_in(fields.get(field) or []), directory, field)


def _lists(directory: Path) -> Iterator[tuple[str, Mapping[str, Any], AccountLives]]:
    """Every list, with the field in which it stands and the fields of its report."""
    for file in found_files(directory)[0]:
        for fields in file.reports():
            for name in FIELDS:
                if fields.get(name):
                    try:
                        lives = accounts_of(fields, file.path.parent, name)
                    except ConfigurationError as error:
                        raise ConfigurationError(f"{file.path.relative_to(directory)}: {error}") from None
                    yield name, fields, lives


def _table_of(fields: Mapping[str, Any]) -> str:
    """The table that a report writes to; what cannot be a report type names none."""
    named, report_type = str(fields.get("name") or ""), str(fields["report"])
    try:
        spec = custom_report(report_type, {}) if "." in report_type else report(report_type)
    except ConfigurationError:
        return named or report_type
    return named or spec.name


def joined(lists: Mapping[str, AccountLives]) -> AccountLives:
    """The accounts of several lists, each once."""
    found = {life.account: life for lives in lists.values() for life in lives}
    return AccountLives(tuple(found.values()))


def _filled_in(given: Any) -> Any:
    """The list with the variables that its texts name."""
    if isinstance(given, str):
        return filled_in(given)
    if isinstance(given, dict):
        return {name: _filled_in(value) for name, value in given.items()}
    return [_filled_in(each) for each in given] if isinstance(given, list) else given


def _expanded(item: Any, directory: Path, field: str) -> Iterator[Any]:
    name = item.strip().removeprefix("@") if isinstance(item, str) else ""
    if not isinstance(item, str) or not item.strip().startswith("@"):
        yield item
        return
    path = directory / name
    try:
        yield from _lives_in(path, field)
    except (OSError, ValueError, yaml.YAMLError, ConfigurationError) as error:
        raise ConfigurationError(f"list of accounts {path}: {' '.join(str(error).split())}") from None


def _lives_in(path: Path, field: str) -> AccountLives:
    text = path.read_text(encoding="utf-8-sig")
    ids = re.split(r"[,\s]+", re.sub(r"#.*", "", text).strip())
    if all(map(is_account, ids)):
        return AccountLives.of(ids)
    refuse_slips(text)
    content = yaml.safe_load(text)
    if isinstance(content, dict):
        if field not in content and (others := [name for name in FIELDS if name in content]):
            raise ValueError(f"it has a list of {others[0]} and none of {field}")
        content = content.get(field)
    found = AccountLives.of(content)
    if not found:
        raise ValueError("it names no account")
    return found
