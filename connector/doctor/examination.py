"""The whole examination, in the order in which one thing needs another.

What cannot be asked is said and passed over; the rest is looked at all the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from connector.api.client import StripeClient
from connector.api.credentials import Hosts
from connector.api.models import Mode, ReportType
from connector.clock import Clock
from connector.dataset.identity import Dataset
from connector.doctor.dagster_home import examine_dagster
from connector.doctor.diagnosis import Diagnosis
from connector.doctor.files import examine_root, examine_tables, stored_datasets
from connector.doctor.key import account_of, examine_account, examine_key, hosts_of
from connector.doctor.permissions import IMPATIENT, ResponseLog, examine_stripe
from connector.doctor.reports import configuration, examine_report, meant_by
from connector.doctor.settings import Surroundings
from connector.errors import ReportingError

#: Makes the client to ask with: key, hosts, account, and what listens to it.
Connect = Callable[[str, Hosts, str | None, ResponseLog], StripeClient]


def connect(key: str, hosts: Hosts, account: str | None, heard: ResponseLog) -> StripeClient:
    """A client that gives up soon."""
    return StripeClient(key, hosts=hosts, account=account, retry=IMPATIENT, observe=heard)


def examine(surroundings: Surroundings, clock: Clock, *, connected: Connect = connect) -> Iterator[Diagnosis]:
    """Look at everything, and tell each thing as it is found. Creates nothing at Stripe."""
    listed: list[Mapping[str, ReportType]] = []
    livemode: bool | None = None
    hosts = hosts_of(surroundings)
    if isinstance(hosts, Diagnosis):
        yield hosts
        hosts = Hosts.of()
        may_ask = False
    else:
        may_ask = bool(surroundings.api_key)
    yield from examine_key(surroundings, hosts)
    yield from examine_account(surroundings)
    now = clock.now()
    if may_ask:
        heard = ResponseLog()
        try:
            client = connected(surroundings.api_key or "", hosts, account_of(surroundings), heard)
        except ReportingError:
            pass  # A key of no kind; it is said above.
        else:
            with client:
                yield from examine_stripe(client, heard, listed.append)
                now = client.now()
                livemode = None if client.mode is Mode.SIMULATED else client.mode is Mode.LIVE
    configured = configuration(surroundings.directory)
    yield from configured.diagnoses
    stored = stored_datasets(surroundings.root)
    meant, where = meant_by(surroundings.reports, configured, stored)
    yield where
    known = listed[0] if listed else None
    for each in meant:
        yield examine_report(each, known, livemode=livemode, now=now)
    yield from examine_root(surroundings.root, clock)
    yield from examine_tables(stored)
    yield from examine_dagster(
        surroundings.dagster_home, configured=bool(configured.files), modes=_modes(stored)
    )


def _modes(stored: Sequence[Dataset]) -> Sequence[str]:
    return sorted({each.mode for each in stored})
