"""All checks of the doctor, each after those it depends on.

What cannot be checked is reported and skipped; the rest is checked all the same.
"""

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path

from connector.accounts import AccountLives
from connector.api.client import StripeClient
from connector.api.credentials import Hosts
from connector.api.models import Mode, ReportType
from connector.clock import Clock
from connector.dataset.filesystem.place import Place
from connector.dataset.store import Store
from connector.doctor.accounts import examine_connected, examine_list, examine_stored
from connector.doctor.dagster_home import examine_dagster
from connector.doctor.diagnosis import Diagnosis, Level, failure
from connector.doctor.files import examine_coverage, examine_root, examine_tables, stored_datasets
from connector.doctor.key import account_of, examine_account, examine_division, examine_key, hosts_of
from connector.doctor.permissions import IMPATIENT, ResponseLog, examine_stripe
from connector.doctor.reports import examine_report, examine_tables_of, find_defs, reports_to_check
from connector.errors import ConfigurationError, ReportingError
from connector.project.package_names import WAY_OUT, foreign_packages
from connector.project.roots import same_root
from connector.settings import Connection

#: Makes the client from key, hosts, account, and the log of its responses.
Connect = Callable[[str, Hosts, str | None, ResponseLog], StripeClient]


def connect(key: str, hosts: Hosts, account: str | None, responses: ResponseLog) -> StripeClient:
    """A client that gives up soon."""
    return StripeClient(key, hosts=hosts, account=account, retry=IMPATIENT, observe=responses)


def examine(
    connection: Connection,
    clock: Clock,
    *,
    directory: Path,
    dagster_home: str | None,
    reports: Sequence[str] = (),
    roots: Sequence[str | Place] = (),
    connected: Connect = connect,
) -> Iterator[Diagnosis]:
    """Check everything, and yield each finding as it is made. Creates nothing at Stripe.

    Args:
        directory: where configuration files are looked for.
        roots: where data are stored; below the connection's root where there are none.
        dagster_home: the value of `DAGSTER_HOME`; None where it is unset.
        reports: those to check; those configured or stored where there are none.
    """
    hosts = hosts_of(connection)
    if isinstance(hosts, Diagnosis):
        yield hosts
    about_key = list(examine_key(connection, Hosts.of() if isinstance(hosts, Diagnosis) else hosts))
    yield from about_key
    yield from examine_account(connection)
    yield from examine_division(connection)
    answers = _Answers(None, None, clock.now())
    configured, lists, unreadable = examine_list(directory)
    yield from unreadable
    if isinstance(hosts, Hosts) and not any(each.level is Level.FAIL for each in about_key):
        answers = yield from _ask_stripe(connection, hosts, configured, connected, answers)
    defs = find_defs(directory)
    yield from defs.diagnoses
    stored = {root: stored_datasets(root) for root in roots or [_root_of(connection)]}
    to_check, source = reports_to_check(reports, defs, list(chain.from_iterable(stored.values())))
    yield source
    for each in to_check:
        yield examine_report(
            each, answers.types, account=account_of(connection), livemode=answers.livemode, now=answers.now
        )
    for root, tables in stored.items():
        yield from examine_root(root, clock)
        yield from examine_tables(tables)
        with contextlib.suppress(ReportingError):
            store = Store(root)
            of_root = [each for each in to_check if same_root(each.root or connection.root, root)]
            yield from examine_tables_of(of_root, tables, store)
            yield from examine_stored(tables, store, configured)
        with contextlib.suppress(ReportingError):  # `examine_root` reports what the file system refuses
            yield from examine_coverage(root, tables, lists)
    if defs.configured:
        for hidden in foreign_packages(directory):
            yield failure("dagster", hidden, WAY_OUT)
    modes = sorted({each.mode for tables in stored.values() for each in tables})
    yield from examine_dagster(dagster_home, configured=defs.configured, modes=modes)


@dataclass(frozen=True, slots=True)
class _Answers:
    """What Stripe says: its report types by id, whether the key is of live mode, and the time; None where it
    was not asked, or did not answer."""

    types: Mapping[str, ReportType] | None
    livemode: bool | None
    now: datetime


def _ask_stripe(
    connection: Connection,
    hosts: Hosts,
    configured: Mapping[str, AccountLives],
    connected: Connect,
    before: _Answers,
) -> Generator[Diagnosis, None, _Answers]:
    responses, offered = ResponseLog(), list[Mapping[str, ReportType]]()
    try:
        client = connected(connection.api_key, hosts, account_of(connection), responses)
    except ConfigurationError as error:
        yield failure("api", str(error), "Stripe was not asked. Correct that, and run this again.")
        return before
    with client:
        yield from examine_stripe(client, responses, offered.append)
        yield from examine_connected(client, configured)
        livemode = None if client.mode is Mode.SIMULATED else client.mode is Mode.LIVE
        return _Answers(offered[0] if offered else None, livemode, client.now())


def _root_of(connection: Connection) -> str | Place:
    """Where it is and how it is reached; as it is where nothing can be there, as what opens it says."""
    try:
        return connection.place()
    except ConfigurationError:
        return connection.root
