"""The tables that the `defs.yaml` files of a Dagster project configure, for commands that take names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from connector.accounts import AccountLives
from connector.catalogue import REPORTS
from connector.errors import ConfigurationError, ReportingError
from connector.project.account_list import ACTING, CONNECTED, accounts_of
from connector.project.defs_yaml import found_files
from connector.project.roots import named_root, same_root
from connector.query import ReportQuery
from connector.settings import API_KEY, Connection, filled_in, variable_in
from connector.text import join_names

_CALENDAR = {"window", "zone"}

#: The names and ids of the reports about one payout.
BY_PAYOUT_REPORTS = {name for spec in REPORTS.values() if spec.by_payout for name in (spec.id, spec.name)}


@dataclass(frozen=True, slots=True)
class ConfiguredTable:
    """A report as a file configures it.

    Attributes:
        file: where that stands.
        fields: its fields there, those of `defaults` and the `connection` among them.
    """

    file: Path
    fields: Mapping[str, Any]

    def accounts(self, field: str) -> AccountLives:
        """The accounts in one of its lists; none where it has no such list."""
        return accounts_of(self.fields, self.file.parent, field)


def configured_tables(directory: Path) -> Iterator[tuple[str, ConfiguredTable]]:
    """Every table that the files of ours in `directory` configure, with its name; without what has none
    because it is written wrongly."""
    for file in found_files(directory)[0]:
        for fields in file.reports():
            try:
                name = query_of(fields).name
            except (ReportingError, AttributeError, TypeError, ValueError):
                continue
            yield name, ConfiguredTable(file.path, fields)


def configured_table(directory: Path, name: str, root: str | None = None) -> ConfiguredTable | None:
    """The table of this name; None where no file configures one.

    Args:
        root: decides where several files do.

    Raises ConfigurationError where it does not.
    """
    found = [table for each, table in configured_tables(directory) if each == name]
    if len(found) > 1 and root:
        found = [each for each in found if same_root(named_root(each.fields["connection"]) or "", root)]
    if len(found) > 1:
        files = join_names([str(each.file.relative_to(directory)) for each in found])
        raise ConfigurationError(f"{name} is configured in {files}: choose one by its --root")
    return found[0] if found else None


def query_of(fields: Mapping[str, Any]) -> ReportQuery:
    """What a report of a file asks for.

    Raises ConfigurationError, or what Python raises, where it cannot be: `dg check yaml` says why.
    """
    # Windows among the defaults of a file are not about payouts.
    calendar = (
        {}
        if fields["report"] in BY_PAYOUT_REPORTS
        else {name: fields[name] for name in _CALENDAR & {*fields}}
    )
    return ReportQuery.of(
        fields["report"],
        name=fields.get("name"),
        columns=fields.get("columns"),
        parameters=fields.get("parameters"),
        filters=fields.get("filters"),
        by_account=bool(fields.get(CONNECTED)),
        acting=bool(fields.get(ACTING)),
        **calendar,
    )


def connection_of(
    configured: Mapping[str, Any],
    *,
    root: str | None = None,
    account: str | None = None,
    processes: int | None = None,
    share: float | None = None,
    environment: Mapping[str, str] | None = None,
) -> Connection:
    """The connection that a file configures. What it leaves out is the environment's, as in Dagster.

    Args:
        configured: what stands under `connection:`.
        root, account, processes, share: instead of what it says.
        environment: by default the process's own.
    """
    texts = {
        name: filled_in(str(configured.get(name) or ""), environment) for name in ("account", "api_base")
    }
    connection = Connection.from_environment(
        account=account if account is not None else texts["account"] or None,
        root=root or named_root(configured, environment),
        processes=configured.get("processes") if processes is None else processes,
        share=configured.get("share") if share is None else share,
        key_variable=variable_in(str(configured.get("api_key") or "")) or API_KEY,
        environment=environment,
    )
    return replace(connection, api_base=texts["api_base"] or connection.api_base)
