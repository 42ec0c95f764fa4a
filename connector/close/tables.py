"""Which tables a month is made of, and which of their partitions it needs.

Pure: it looks at what tables are and at keys. A month is made of one balance summary of an account, and what
stands beside it: activity, payouts, what payouts are made of, fees. All of them have the same calendar.
"""

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from connector.accounts import NO_LISTS, AccountLists
from connector.catalogue.spec import CONNECTED
from connector.close.month import WINDOWS, Month
from connector.dataset.coverage import listed
from connector.dataset.identity import OWN_ACCOUNT, Dataset
from connector.partitions import BY_PAYOUT, CONNECTED_ACCOUNT, Interval, Windows


class Role(StrEnum):
    """What a table is for."""

    BALANCE = "balance"
    ACTIVITY = "activity"
    PAYOUTS = "payouts"
    CONTENTS = "contents of payouts"
    FEES = "fees"


#: The reports of each role by their ids without versions, the better one first.
_REPORTS = {
    Role.BALANCE: ("balance.summary",),
    Role.ACTIVITY: ("balance_change_from_activity.itemized", "balance_change_from_activity.summary"),
    Role.PAYOUTS: ("payouts.itemized",),
    Role.CONTENTS: ("payout_reconciliation.itemized", "payout_reconciliation.by_id.itemized"),
    Role.FEES: (
        "all_fees.balance_transaction_created.itemized",
        "all_fees.balance_transaction_created.summary",
    ),
}

#: What stands before a command at the end of a sentence.
RUN = " Run: "

#: Without these a month cannot be closed.
NEEDED = (Role.BALANCE, Role.ACTIVITY, Role.PAYOUTS)

#: Filters that leave no row out, and the one that says whose rows they are.
_HARMLESS = {"timezone", "decimal_separator", "currency", CONNECTED_ACCOUNT}


@dataclass(frozen=True, slots=True)
class Books:
    """The tables of one account, or of the accounts that have partitions of their own.

    Attributes:
        connected: they are a platform's reports on the accounts connected to it.
        account: the account acted for in all of them; `default` for the key's own.
        tables: by role; what is not there is missing.
        unfit: tables that would be of a role, and why they are not, as clauses.
    """

    connected: bool
    account: str
    tables: Mapping[Role, Dataset]
    unfit: Mapping[Role, str] = field(default_factory=dict)

    @property
    def balance(self) -> Dataset:
        """The balance summary, which decides the calendar."""
        return self.tables[Role.BALANCE]

    def lacking(self, remedy: str = "Pull {}.") -> Iterator[str]:
        """Why the month cannot be closed with these tables, as sentences.

        Args:
            remedy: what to do about a report that is not there.
        """
        prefix = CONNECTED if self.connected else ""
        for role in NEEDED:
            if role not in self.tables:
                report = f"{prefix}{_REPORTS[role][0]}".replace(".", "_")
                why = f": {self.unfit[role]}" if role in self.unfit else ""
                yield f"There is no table of {role} beside {self.balance.table}{why}. {remedy.format(report)}"

    def without(self, role: Role) -> str:
        """Why there is nothing of that role, as a clause."""
        return self.unfit.get(role, "not there")


def find_books(
    datasets: Iterable[Dataset], place: Callable[[Dataset], int] = lambda _: 0
) -> tuple[Books, ...]:
    """The books among the tables of one mode: those with a balance summary that makes up months, first the
    key's own account.

    Args:
        place: of several tables that would do, the one with the lowest number counts; of those with the same
            the better report, and the usual name. Called where there are several.
    """
    groups: dict[tuple[bool, str, bool], dict[Role, list[Dataset]]] = {}
    for each in datasets:
        role, connected = _role(each)
        if role:
            key = (connected, each.account or OWN_ACCOUNT, each.acting)
            groups.setdefault(key, {}).setdefault(role, []).append(each)
    found = [_books(connected, account, roles, place) for (connected, account, _), roles in groups.items()]
    return tuple(
        sorted(filter(None, found), key=lambda each: (each.connected, each.account, each.balance.acting))
    )


def is_by_payout(dataset: Dataset) -> bool:
    """Whether a table has a file for each payout, not for each window."""
    return dataset.window == BY_PAYOUT


def _role(dataset: Dataset) -> tuple[Role | None, bool]:
    """What a table is for, and whether it is about connected accounts."""
    stem = dataset.report_type.rpartition(".")[0]
    connected = stem.startswith(CONNECTED)
    name = stem.removeprefix(CONNECTED)
    return next((role for role, names in _REPORTS.items() if name in names), None), connected


def _books(
    connected: bool,
    account: str,
    roles: Mapping[Role, Sequence[Dataset]],
    place: Callable[[Dataset], int],
) -> Books | None:
    balances = [each for each in roles.get(Role.BALANCE, ()) if _unfit(each) is None]
    if not balances:
        return None
    balance = _best(balances, place)
    tables: dict[Role, Dataset] = {Role.BALANCE: balance}
    unfit: dict[Role, str] = {}
    for role in [each for each in Role if each in roles and each is not Role.BALANCE]:
        reasons = [(each, _unfit(each, balance)) for each in roles[role]]
        fitting = [each for each, reason in reasons if reason is None]
        if fitting:
            tables[role] = _best(fitting, place)
        else:
            unfit[role] = "; ".join(f"{each.table} {reason}" for each, reason in reasons)
    return Books(connected, account, tables, unfit)


def _best(tables: Sequence[Dataset], place: Callable[[Dataset], int]) -> Dataset:
    ranked = sorted(tables, key=_rank)
    return min(ranked, key=place) if len(ranked) > 1 else ranked[0]


def _rank(dataset: Dataset) -> tuple[int, bool, bool, str]:
    """The better one first: as the catalogue names it, of all currencies, the better report."""
    _, connected = _role(dataset)
    stem = dataset.report_type.rpartition(".")[0].removeprefix(CONNECTED if connected else "")
    order = next(names.index(stem) for names in _REPORTS.values() if stem in names)
    return order, bool(dataset.filters.get("currency")), dataset.table != _usual_name(dataset), dataset.table


def _unfit(dataset: Dataset, balance: Dataset | None = None) -> str | None:
    """Why a table cannot be part of a month, beside that balance summary, as a predicate; None if it can."""
    if dataset.window not in WINDOWS and not is_by_payout(dataset):
        return f"has {dataset.window} windows, which do not make up a month"
    if strange := sorted(dataset.filters.keys() - _HARMLESS):
        return f"is filtered by {', '.join(strange)}"
    # A file of one payout has all of it, whatever the calendar and the currency.
    if balance is None or is_by_payout(dataset):
        return None
    if dataset.zone != balance.zone:
        return f"has windows of {dataset.zone}, and {balance.table} of {balance.zone}"
    for name in ("currency", CONNECTED_ACCOUNT):
        ours, theirs = dataset.filters.get(name), balance.filters.get(name)
        if ours != theirs and not (
            name == CONNECTED_ACCOUNT and None in {ours, theirs} and dataset.dimensions
        ):
            return f"is filtered by {name} otherwise than {balance.table}"
    return None


# The partitions that a month needs


@dataclass(frozen=True, slots=True)
class Needs:
    """The partitions of a table that a month needs.

    Attributes:
        present: keys that have a file.
        missing: keys that have none, by account; "" where files are of no account of their own.
        begins: by account the first key of all, where that lies within the month: what comes before may have
            never been.
    """

    present: tuple[str, ...]
    missing: Mapping[str, tuple[str, ...]]
    begins: Mapping[str, str]


def needs_of(dataset: Dataset, keys: Iterable[str], month: Month, lists: AccountLists = NO_LISTS) -> Needs:
    """Which partitions of a table a month needs.

    An account with partitions of its own needs all windows that its life overlaps. One whose life nobody
    configured is expected to have gone on since its first file.

    Args:
        keys: of the partitions that have a file, of any month.
        lists: the accounts that the configuration names.
    """
    form, windows = dataset.key_format, month.partitions(dataset.window, dataset.zone)
    series: dict[str, set[str]] = {}
    for key in keys:
        values = form.values(key)
        series.setdefault("".join(values[:-1]), set()).add(values[-1])
    lives = lists.of_table(dataset.table, [each for each in series if each])
    if dataset.dimensions:
        series |= {life.account: set() for life in lives if life.account not in series}
    elif not series:
        series[""] = set()
    present: list[str] = []
    missing: dict[str, tuple[str, ...]] = {}
    begins: dict[str, str] = {}
    end = max(each.key for each in windows)
    for account, there in sorted(series.items()):
        life = lives.get(account) if account else None
        if account and life is None and min(there, default="") > end:
            continue
        wanted = [each.key for each in windows if life is None or life.overlaps(each.interval, dataset.zone)]
        named = [form.key(*filter(None, [account]), each) for each in wanted if each in there]
        lacks = [each for each in wanted if each not in there]
        present += named
        if lacks:
            missing[account] = tuple(form.key(*filter(None, [account]), each) for each in lacks)
        if there and (first := min(there)) in wanted and first != wanted[0]:
            begins[account] = first
    return Needs(tuple(present), missing, begins)


def needs_beside(
    found: Mapping[Role, Needs], tables: Mapping[Role, Dataset], month: Month
) -> dict[Role, Needs]:
    """What tables need, with each account that one of them has files of and another has none: there it needs
    the windows of the time for which it has these."""
    apart = {role: tables[role] for role in NEEDED if role in found and tables[role].dimensions}
    spans: dict[str, list[Interval]] = {}
    for role, dataset in apart.items():
        windows = Windows(dataset.window, dataset.zone)
        for key in found[role].present:
            account, period = dataset.key_format.values(key)
            if interval := windows.partition(period).interval:
                spans.setdefault(account, []).append(interval)
    needs = dict(found)
    for role, dataset in apart.items():
        form, own = dataset.key_format, found[role]
        there = {form.values(key)[0] for key in own.present} | own.missing.keys()
        more = {
            account: tuple(
                form.key(account, each.key)
                for each in month.partitions(dataset.window, dataset.zone)
                if any(_overlap(each.interval, span) for span in spans[account])
            )
            for account in sorted(spans.keys() - there)
        }
        needs[role] = replace(own, missing={**own.missing, **more})
    return needs


def _overlap(one: Interval | None, two: Interval) -> bool:
    return one is not None and one.start < two.end and two.start < one.end


def explain_missing(dataset: Dataset, keys: Sequence[str], *, account: str = "") -> str:
    """What is missing and what to do, as sentences.

    Args:
        keys: partitions of the table, of one account.
        account: the one they are of, where they have one of their own.
    """
    windows = Windows(dataset.window, dataset.zone)
    spans = [windows.partition(dataset.key_format.values(each)[-1]).interval for each in keys]
    first = min(windows.day(each.start) for each in spans if each)
    last = max(windows.day(each.end - timedelta(seconds=1)) for each in spans if each)
    whose = "acting" if dataset.acting else "connected"
    filters = {name: value for name, value in dataset.filters.items() if isinstance(value, str)}
    options = [
        *("--from", f"{first}", "--to", f"{last + timedelta(days=1)}"),
        *(["--window", dataset.window] if dataset.window != "daily" else []),
        *(["--zone", dataset.zone] if dataset.zone != "UTC" else []),
        *(["--name", dataset.table] if dataset.table != _usual_name(dataset) else []),
        *(["--account", dataset.account] if dataset.account else []),
        *([f"--{whose}-accounts", account] if account else []),
        *(part for name, value in sorted(filters.items()) for part in ("--filter", f"{name}={value}")),
    ]
    return (
        f"{dataset.table} lacks {listed(keys)}."
        f"{RUN}stripe-reports pull {shlex.join([dataset.report_type, *options])}"
    )


def _usual_name(dataset: Dataset) -> str:
    return dataset.report_type.rpartition(".")[0].replace(".", "_")
