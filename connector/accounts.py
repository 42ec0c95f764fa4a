"""The accounts that have partitions of their own, as a dimension of a table whose values have a life.

An account is ended, never removed: what it did before stays part of every sum over that time. Windows that
lie outside of its life are not asked for, and are not gaps.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Self

from connector.api.credentials import is_account, shown_setting
from connector.errors import ConfigurationError
from connector.partitions import Interval, date_in
from connector.text import hint, join_names

_FIELDS = ("account", "start", "until")

#: Between ids in a text, as of a variable or of a command's option.
_BETWEEN = re.compile(r"[,\s]+")

_FORM = "write an id, or {account: acct_1A2b3C, start: 2026-01-10, until: 2026-09-30}"


@dataclass(frozen=True, slots=True)
class AccountLife:
    """One account, and from which day until which there are reports of it.

    Attributes:
        account: its id.
        start, until: its first and its last day, both included, on the calendar of the windows' zone; None
            where it has no such bound.

    Raises ConfigurationError for what is not an id, and for a life that ends before it starts.
    """

    account: str
    start: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        if not is_account(self.account):
            raise ConfigurationError(
                f"{shown_setting(self.account)} is not an account id; one looks like acct_1A2b3C"
            )
        if self.start and self.until and self.until < self.start:
            raise ConfigurationError(
                f"{self.account} ends on {self.until}, before it starts on {self.start}; `until` is its "
                "last day"
            )

    def overlaps(self, interval: Interval | None, zone: str) -> bool:
        """Whether any day of its life lies in a window, in part or whole.

        The month in which an account was opened has rows of it, so its file is asked for as a whole; of a
        day or an hour, to overlap is to be contained.

        Args:
            interval: of the window; what has none is about any time.
            zone: the IANA zone whose calendar the windows follow.
        """
        if interval is None:
            return True
        first, last = date_in(zone, interval.start), date_in(zone, interval.end - timedelta(seconds=1))
        return (self.start is None or self.start <= last) and (self.until is None or first <= self.until)

    def as_json(self) -> dict[str, str]:
        """As a configuration says it; `AccountLives.of` reads it back."""
        bounds = {"start": self.start, "until": self.until}
        return {"account": self.account} | {name: str(day) for name, day in bounds.items() if day}


@dataclass(frozen=True, slots=True)
class AccountLives:
    """Accounts with their lives, in the order in which they were given; each account once.

    Raises ConfigurationError for an account that stands there more than once.
    """

    lives: tuple[AccountLife, ...] = ()
    _by_account: Mapping[str, AccountLife] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_account", {each.account: each for each in self.lives})
        if twice := [account for account, times in Counter(self.names).items() if times > 1]:
            raise ConfigurationError(
                f"{', '.join(twice)} is in the list more than once; an account has one life: leave `until` "
                "out once it is back"
            )

    @classmethod
    def of(cls, given: Any) -> Self:
        """The accounts that a configuration names.

        Args:
            given: a text with ids, split at commas and white space; or a list of such texts and of mappings
                with `account`, `start` and `until`, days as dates or as text.

        Raises ConfigurationError naming the item and what to write.
        """
        if isinstance(given, AccountLives):
            return cls(given.lives)
        if isinstance(given, str):
            return cls(tuple(map(AccountLife, _named(given, "the list of accounts"))))
        if not isinstance(given, Sequence):
            raise ConfigurationError(
                f"expected a list of accounts, and found {_shown(given)}; {_FORM}, each as an item of a list"
            )
        return cls(tuple(life for number, each in enumerate(given, 1) for life in _lives(each, number)))

    @property
    def names(self) -> tuple[str, ...]:
        """The ids, in order."""
        return tuple(each.account for each in self.lives)

    def __iter__(self) -> Iterator[AccountLife]:
        return iter(self.lives)

    def __len__(self) -> int:
        return len(self.lives)

    def get(self, account: str) -> AccountLife | None:
        """The life of an account; None for one that is not among them."""
        return self._by_account.get(account)

    def unlisted(self, stored: Iterable[str]) -> tuple[str, ...]:
        """Which of the accounts that have files are not among these; none where no account is listed at all:
        then each file is of all accounts, or of a payout."""
        return tuple(sorted({*stored} - {*self.names})) if self.lives else ()

    def as_json(self) -> list[dict[str, str]]:
        """As a configuration says it; `of` reads it back."""
        return [each.as_json() for each in self.lives]


NO_ACCOUNTS = AccountLives()


@dataclass(frozen=True, slots=True)
class AccountLists:
    """The lists of accounts in a configuration.

    Attributes:
        by_table: those of the reports that write to a table of that name; several where several roots have
            one.
    """

    by_table: Mapping[str, Sequence[AccountLives]] = field(default_factory=dict)

    def of_table(self, table: str, stored: Iterable[str]) -> AccountLives:
        """The accounts that a table is to have files of, each once.

        Args:
            stored: the accounts that have files there. A list of which none has any is about a table of that
                name elsewhere: of another root or mode.
        """
        lists = [each for each in self.by_table.get(table, ()) if not {*each.names}.isdisjoint(stored)]
        return AccountLives(tuple({life.account: life for each in lists for life in each}.values()))


NO_LISTS = AccountLists()


def explain_unlisted(accounts: Sequence[str]) -> str:
    """What to do about accounts that have files and are not in the list, without a full stop."""
    return (
        f"There are files of {join_names(accounts)}, not in the list of accounts: nothing brings more, and "
        "the files are read all the same. An account is ended, never taken off: put it back, with `until:` "
        "and its last day if it left"
    )


def _lives(item: Any, number: int) -> Iterator[AccountLife]:
    """The accounts of one item of a list."""
    where = f"item {number} of the list of accounts"
    if isinstance(item, AccountLife):
        yield item
    elif isinstance(item, str):
        yield from map(AccountLife, _named(item, where))
    elif isinstance(item, Mapping):
        unknown = [str(name) for name in item if name not in _FIELDS]
        if unknown:
            raise ConfigurationError(f"{where} has no field {unknown[0]!r}{hint(unknown[0], _FIELDS)}")
        account = item.get("account")
        if not isinstance(account, str):
            raise ConfigurationError(f"{where} names no account; {_FORM}")
        yield AccountLife(account.strip(), *(_day(item.get(name), name, where) for name in _FIELDS[1:]))
    else:
        raise ConfigurationError(f"{where} is {_shown(item)}; {_FORM}")


def _named(text: str, where: str) -> list[str]:
    found = [each for each in _BETWEEN.split(text) if each]
    if not found:
        # Without accounts a report of all would be asked for, which is another table.
        raise ConfigurationError(
            f"{where} is an empty text: a variable may not be set. Without accounts of their own, leave the "
            "field out"
        )
    return found


def _day(value: Any, name: str, where: str) -> date | None:
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ConfigurationError(
            f"{name} of {where} is {_shown(value)}, which is not a day such as 2026-09-30"
        ) from None


def _shown(value: Any) -> str:
    return "nothing" if value is None else shown_setting(str(value))
