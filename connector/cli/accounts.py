"""`accounts`: the connected accounts that the key can list, beside those in the configuration."""

from collections import Counter
from pathlib import Path

import click

from connector.api.retry import SHORT_RETRY
from connector.cli.options import STRIPE_ENVIRONMENT, account_option, json_option
from connector.errors import PermissionDeniedError, ReportingError
from connector.settings import Connection
from connector.terminal.lines import echo, echo_json
from connector.text import iso


@click.command(epilog=STRIPE_ENVIRONMENT)
@account_option
@json_option
def accounts(*, connection: Connection, as_json: bool) -> None:
    """List the connected accounts, as YAML to paste.

    They are those connected to the key's own, compared with those in the defs.yaml here. A new one
    starts on the day it was created. Nothing is changed. `pull --connected-accounts @found.yaml` reads what
    the second line below writes.

    \b
    stripe-reports accounts
    stripe-reports accounts > found.yaml
    """
    from connector.project.account_list import configured_accounts  # noqa: PLC0415 - it loads a YAML reader
    from connector.project.accounts_compared import Standing, as_yaml, compare  # noqa: PLC0415

    configured = configured_accounts(Path.cwd())
    with connection.client(retry=SHORT_RETRY) as client:
        try:
            listed = client.accounts()
        except PermissionDeniedError as error:
            raise ReportingError(
                f"{error}. To list accounts the key needs one more permission: read, for accounts, under "
                "Connect. Without it, write the list by hand"
            ) from None
        compared = compare(listed, configured, client.now().date())
    if as_json:
        for each in compared:
            found = each.listed
            echo_json({
                "type": "account",
                **each.life.as_json(),
                "created": iso(found.created) if found and found.created else None,
                "country": found.country if found else None,
                "dashboard": found.dashboard if found else None,
                "standing": each.standing.name.lower(),
                "field": each.field,
            })  # fmt: skip
        return
    if not compared:
        echo("No account is connected to the key's own, and none is configured.", err=True)
        return
    for line in as_yaml(compared):
        echo(line)
    counted = Counter(each.standing for each in compared)
    differing = [f"{counted[each]} {each}" for each in Standing if counted[each]]
    echo(f"{len(listed)} accounts are connected. {'; '.join(differing)}.", err=True)
