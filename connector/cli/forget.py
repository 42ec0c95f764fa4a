"""`forget`: remove partitions, with the files that theirs have replaced."""

import sys

import click

from connector.cli.completion import complete_stored_table
from connector.cli.options import (
    FILES_ENVIRONMENT,
    mode_option,
    root_option,
    tables_named,
    tables_of_mode,
)
from connector.errors import ConfigurationError
from connector.settings import Connection
from connector.terminal.lines import echo
from connector.text import hint, visible


@click.command(epilog=FILES_ENVIRONMENT)
@click.argument("table", shell_complete=complete_stored_table)
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before they are removed.")
@root_option
@mode_option
def forget(table: str, keys: tuple[str, ...], *, yes: bool, connection: Connection, mode: str | None) -> None:
    """Remove partitions, with the earlier files of theirs.

    For requests to erase, and for tests. Nothing is removed at Stripe, and Dagster goes on to show a
    partition that it knows as materialized. Afterwards the partition is missing: `pull` and, inside its
    look-back, the availability sensor ask Stripe for it again.

    \b
    stripe-reports forget payouts_itemized 2026-06-01 2026-06-02
    stripe-reports forget payouts_itemized 2026-06-01 --mode live --yes
    """
    store = connection.store()
    (dataset,) = tables_named([table], tables_of_mode(store.datasets(), mode, store.root))
    wanted, there = list(dict.fromkeys(keys)), store.keys(dataset)
    absent = [key for key in wanted if key not in there]
    if absent:
        named = "; ".join(f"{key!r}{hint(key, there)}" for key in absent)
        raise ConfigurationError(f"{table} has no partition {named}. Nothing was removed.")
    what = f"{len(wanted):,} of {len(there):,} partitions of {dataset.mode} {table} under {store.root}"
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigurationError(f"this removes {what} for good: add --yes. Nothing was removed.")
        if not click.confirm(visible(f"Remove {what} for good?")):
            echo("Nothing was removed.")
            sys.exit(1)
    for key in wanted:
        count = store.forget(dataset, key)
        echo(f"{table} {key}: {count:,} {'file' if count == 1 else 'files'} removed")
