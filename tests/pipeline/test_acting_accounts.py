"""Accounts that one acts for: one table of them all, asked for in the name of each."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.api.client import StripeClient
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.errors import (
    ConfigurationError,
    DatasetMismatchError,
    RateLimitError,
    ServerError,
    UnknownAccountError,
)
from connector.partitions import Partition
from connector.pipeline.collect import Asked, Done, Event, Missed, Outcome, collect
from connector.query import ReportQuery
from connector.simulator import SIMULATED_KEY, Match, RequestContext, Simulator
from tests.conftest import ClientFor, Pull
from tests.faults.network import Delay, Respond
from tests.support.clock import NOON, ManualClock
from tests.support.partitions import days, done, missed
from tests.support.workers import AsideClock, AsideWorkers, InlineWorkers

ACTING = ReportQuery.of("balance_change_from_activity_itemized", acting=True)
OWN = ReportQuery.of("balance_change_from_activity_itemized")
DAYS = days("2026-05-10", 2)
ACCOUNTS = ("acct_1a", "acct_1b", "acct_1c")


@pytest.fixture
def simulator(clock: ManualClock) -> Simulator:
    return platform(clock)


def platform(clock: ManualClock) -> Simulator:
    return Simulator(clock, seed=7, volume=3, opening=date(2026, 5, 1), connected_accounts=ACCOUNTS)


def whose(simulator: Simulator, file: Provenance) -> list[str]:
    """The accounts whose books have a file, by the truth."""
    truths = {
        account: simulator.csv(file.report_type, account=account, **file.parameters)
        for account in (simulator.account, *simulator.connected_accounts)
    }
    return [each for each, csv in truths.items() if hashlib.sha256(csv).hexdigest() == file.csv_sha256]


def owners(simulator: Simulator, events: Sequence[Event]) -> dict[str, list[str]]:
    """The same of what was pulled, by partition."""
    return {key: whose(simulator, each.published.provenance) for key, each in done(events).items()}


def in_the_name_of(account: str, method: str = "*") -> Match:
    def hits(request: RequestContext) -> bool:
        return request.call is not None and request.call.headers.get("Stripe-Account") == account

    return Match(method, where=hits)


def test_each_account_has_files_of_its_own_in_one_table(
    simulator: Simulator, pull: Pull, store: Store
) -> None:
    partitions = ACTING.each_account(DAYS, ACCOUNTS)

    events = pull(ACTING, partitions)

    assert owners(simulator, events) == {each.key: [each.acting_for] for each in partitions}
    dataset = ACTING.dataset(mode="test", account=None)
    assert store.keys(dataset) == tuple(sorted(each.key for each in partitions))
    rows = store.arrow_dataset(dataset).to_table(columns=["account", "period"]).to_pylist()
    assert {row["account"] for row in rows} == set(ACCOUNTS)
    assert all(
        f"/account={each.acting_for}/period={each.key.partition('|')[2]}/" in store.uri(dataset, each.key)
        for each in partitions
    )
    assert {each.account for each in simulator.requests} == set(ACCOUNTS), "nothing as the platform itself"


def test_what_is_there_is_not_asked_for_again(simulator: Simulator, pull: Pull) -> None:
    partitions = ACTING.each_account(DAYS, ACCOUNTS)
    pull(ACTING, partitions)
    before = len(simulator.requests)

    events = pull(ACTING, [*partitions, *ACTING.each_account(DAYS, ["acct_1b"])])

    assert len(done(events)) == len(partitions)
    assert len(simulator.requests) == before


def test_a_run_of_another_account_is_not_adopted(
    simulator: Simulator, pull: Pull, client: StripeClient
) -> None:
    """Both ask exactly the same."""
    request = OWN.request(DAYS[0])
    there = client.acting_for("acct_1b").create_report_run(request, idempotency_key="earlier")
    client.create_report_run(request, idempotency_key="own")

    events = pull(ACTING, ACTING.each_account(DAYS[:1], ("acct_1a", "acct_1b")))

    assert owners(simulator, events) == {f"{each}|2026-05-10": [each] for each in ("acct_1a", "acct_1b")}
    assert done(events)["acct_1b|2026-05-10"].published.provenance.run_id == there.id
    assert len(simulator.runs) == 3


def test_the_types_and_the_lists_of_all_accounts_are_read_side_by_side(
    client_for: ClientFor, store: Store
) -> None:
    """Three seconds of each are Stripe's; a minute from one look to the next would be ours."""
    clock = AsideClock(NOON)
    simulator = platform(clock)
    for path in ("*/report_types", "*/report_runs"):
        simulator.faults.add(Delay(3), f"GET {path}", times=None)
    client, workers = client_for(simulator.handle, clock=clock), AsideWorkers(clock)
    partitions = ACTING.each_account(DAYS[:1], ACCOUNTS)

    events = collect(client, store, ACTING, partitions, senders=workers, converters=workers)

    assert isinstance(next(events), Asked)
    assert 6 <= clock.monotonic() <= 7
    assert len(done(list(events))) == 3


@pytest.mark.parametrize("status", [400, 403])
def test_an_account_that_is_refused_ends_alone(simulator: Simulator, pull: Pull, status: int) -> None:
    simulator.leave("acct_1b", status=status)
    partitions = ACTING.each_account(DAYS, ACCOUNTS)

    events = pull(ACTING, partitions)

    gone = [each.key for each in partitions if each.account == "acct_1b"]
    assert {key: each.outcome for key, each in missed(events).items()} == dict.fromkeys(gone, Outcome.GONE)
    assert sorted(done(events)) == sorted({each.key for each in partitions} - {*gone})


def test_an_account_that_leaves_while_it_is_waited_for_ends_alone(
    simulator: Simulator, client: StripeClient, store: Store
) -> None:
    partitions = ACTING.each_account(DAYS, ACCOUNTS)
    events = []
    for event in collected(client, store, partitions):
        events.append(event)
        if isinstance(event, Asked) and event.partition.account == "acct_1b":
            simulator.keyring.left.add("acct_1b")

    assert {each.partition.account for each in events if isinstance(each, Missed)} == {"acct_1b"}
    assert {type(each.error) for each in events if isinstance(each, Missed)} == {UnknownAccountError}
    assert sum(isinstance(each, Done) for each in events) == 4


def collected(
    client: StripeClient, store: Store, partitions: Sequence[Partition], *, refresh: bool = False
) -> Iterator[Event]:
    """Pull them without threads, event by event."""
    workers, keys = InlineWorkers(), [each.key for each in partitions] if refresh else []
    yield from collect(
        client, store, ACTING, partitions, refresh=keys, senders=workers, converters=workers, draw=lambda: 0.5
    )


def test_trouble_with_the_list_of_one_account_is_that_accounts_alone(
    simulator: Simulator, pull: Pull
) -> None:
    simulator.faults.add(Respond(500), in_the_name_of("acct_1c"), times=None)

    events = pull(ACTING, ACTING.each_account(DAYS, ACCOUNTS))

    assert {type(each.error) for each in missed(events).values()} == {ServerError}
    assert {each.partition.account for each in missed(events).values()} == {"acct_1c"}
    assert len(done(events)) == 4


def test_where_stripe_answers_for_no_account_nothing_is_known(simulator: Simulator, pull: Pull) -> None:
    simulator.faults.add(Respond(500), times=None)

    with pytest.raises(ServerError):
        pull(ACTING, ACTING.each_account(DAYS, ACCOUNTS))


def test_all_accounts_share_one_pace(simulator: Simulator, client: StripeClient, clock: ManualClock) -> None:
    """Nobody knows whose limit counts, so it is taken to be the platform's: 25 a second."""
    began = clock.seconds
    for number in range(50):
        client.acting_for(ACCOUNTS[number % 3]).report_runs(limit=1)

    assert clock.seconds - began >= 49 / 25


def test_one_account_for_all_and_accounts_of_their_own_clash(pull: Pull, client_for: ClientFor) -> None:
    bound = client_for(platform(ManualClock(NOON)).handle, account="acct_1a")

    with pytest.raises(ConfigurationError, match=r"(?s)in the name of each.*acct_1a.*STRIPE_ACCOUNT"):
        pull(ACTING, ACTING.each_account(DAYS, ACCOUNTS), client=bound)


def test_a_table_of_one_account_stays_one(pull: Pull, client_for: ClientFor, simulator: Simulator) -> None:
    pull(OWN, DAYS, client=client_for(simulator.handle, account="acct_1a"))

    with pytest.raises(DatasetMismatchError, match=r"dimensions is none there and account here.*`name`"):
        pull(ACTING, ACTING.each_account(DAYS, ACCOUNTS))


def test_a_report_of_platforms_is_not_asked_for_in_the_name_of_accounts() -> None:
    with pytest.raises(ConfigurationError, match="connected accounts"):
        ReportQuery.of("connected_account_balance_summary", acting=True)


def test_a_refusal_because_of_too_many_requests_is_no_accounts_end(simulator: Simulator, pull: Pull) -> None:
    refused = simulator.faults.add(Respond(429), in_the_name_of("acct_1a", "POST"), times=3)

    events = pull(ACTING, ACTING.each_account(DAYS, ACCOUNTS))

    assert refused.hits == 3
    assert not [each for each in missed(events).values() if isinstance(each.error, RateLimitError)]
    assert len(done(events)) == 6


KEYS = [(account, number) for account in ACCOUNTS for number in range(2)]


@settings(max_examples=25)
@given(
    earlier=st.lists(st.tuples(st.sampled_from([None, *ACCOUNTS]), st.integers(0, 1)), max_size=4),
    pulls=st.lists(
        st.tuples(
            st.sets(st.sampled_from(KEYS), min_size=1),
            st.booleans(),
            st.sampled_from([None, *ACCOUNTS]),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_no_file_has_rows_of_another_account(
    earlier: list[tuple[str | None, int]],
    pulls: list[tuple[set[tuple[str, int]], bool, str | None]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Whatever is at Stripe and in the table already, whoever is refused, and whatever is refreshed."""
    clock = ManualClock(NOON)
    simulator, store = platform(clock), Store(tmp_path_factory.mktemp("root"))
    http = httpx.Client(transport=httpx.MockTransport(simulator.handle))
    with StripeClient(SIMULATED_KEY, http=http, clock=clock, draw=lambda: 0.5) as client:
        for number, (account, day) in enumerate(earlier):
            asked = client.acting_for(account)
            asked.create_report_run(OWN.request(DAYS[day]), idempotency_key=f"earlier-{number}")
        for wanted, refresh, gone in pulls:
            partitions = [ACTING.of_account(DAYS[day], account) for account, day in sorted(wanted)]
            simulator.keyring.left = {gone} if gone else set()
            events = list(collected(client, store, partitions, refresh=refresh))

            assert {each.acting_for for each in partitions} - {gone} == {
                each.partition.account
                for each in events
                if isinstance(each, Done) and each.partition.account != gone
            }
        dataset = ACTING.dataset(mode="test", account=None)
        files = store.provenances(dataset)

    assert {key: whose(simulator, file) for key, file in files.items() if file} == {
        key: [dataset.account_of(key)] for key in store.keys(dataset)
    }
    assert all(file and file.account == dataset.account_of(key) for key, file in files.items())
