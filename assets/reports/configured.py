"""One report as configured: what is requested from Stripe, in which partitions, under which asset key.

The asset, its sensors, its checks and the reader all take their answers from this value.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

import dagster as dg

from assets.reports.caretakers import AskBy, caretakers_of
from assets.reports.check_rules import CheckOptions, Rule, rules_of
from assets.reports.partitions import (
    AccountPartitions,
    adjacent,
    partition_of,
    partitions_definition,
)
from connector.accounts import NO_ACCOUNTS, AccountLives
from connector.catalogue import COLUMNS, Column, RowKindRules
from connector.convert.decode import DECODER_VERSION
from connector.errors import ConfigurationError
from connector.partitions import CONNECTED_ACCOUNT, Partition, Windows
from connector.query import ReportQuery
from connector.runs.adoption import WaitPolicy
from connector.runs.wording import Caretakers

#: Dagster runs that talk to Stripe at once are limited through this pool.
DEFAULT_POOL = "stripe_reporting"

#: Partitions in one Dagster run: enough to pay for its start, few enough to lose little with it.
DEFAULT_RANGE = 31

#: Which list a query takes: the second one where it is `acting`.
_LISTS = ("connected_accounts", "acting_accounts")


@dataclass(frozen=True)
class ConfiguredReport:
    """A report as this deployment wants it.

    Attributes:
        query: the report type, its columns and filters, the table's name, window and zone.
        start: where the first window begins, on the zone's clock; None for a report about one payout.
        end_offset: windows beyond the last whole one; negative leaves some out.
        prefix: what stands before the table's name in the asset key.
        wait_policy: how long report runs are waited for.
        max_partitions_per_run: how a backfill is cut into Dagster runs; None puts all into one.
        pool: Dagster's pool of the asset; None for no limit.
        resource: the key of the `StripeReporting` resource.
        io_manager: the key of the IO manager through which downstream assets read it.
        connected_accounts: the accounts that have partitions of their own, of a query `by_account`, each with
            its life.
        acting_accounts: the same of a query that is `acting`; of a report about one payout, the accounts
            whose payouts become partitions.
        payouts_from: the table that payouts are read from, of a report about one payout; None for the best
            one that is configured.
        checks: which checks are evaluated, and what follows from them.
        beside: the other reports of the account, with which it is compared where both are about the same
            money.
        ask_by: what requests partitions, as `Automation` has it.
        pick_up_late: whether the sensor for late reports runs.

    Raises ConfigurationError where these do not fit the query.
    """

    query: ReportQuery
    start: date | datetime | None = None
    end_offset: int = 0
    prefix: tuple[str, ...] = ("stripe",)
    wait_policy: WaitPolicy = field(default_factory=WaitPolicy)
    max_partitions_per_run: int | None = DEFAULT_RANGE
    pool: str | None = DEFAULT_POOL
    resource: str = "stripe"
    io_manager: str = "stripe_parquet"
    connected_accounts: AccountLives = NO_ACCOUNTS
    acting_accounts: AccountLives = NO_ACCOUNTS
    payouts_from: str | None = None
    checks: CheckOptions = field(default_factory=CheckOptions)
    beside: tuple["ConfiguredReport", ...] = ()
    ask_by: AskBy = "sensor"
    pick_up_late: bool = True

    def __post_init__(self) -> None:
        # Python users may give a list of ids.
        for each in _LISTS:
            object.__setattr__(self, each, AccountLives.of(getattr(self, each)))
        name = self.query.name
        if not self.query.by_payout and self.start is None:
            raise ConfigurationError(f"{name} has no start: say from which day on there are partitions")
        given = [each for each in _LISTS if getattr(self, each)]
        by_list = self.query.acting or (self.query.dimensions and not self.query.by_payout)
        fitting = [_LISTS[self.query.acting]] if by_list else []
        if given != fitting:
            raise ConfigurationError(
                f"{name}: connected accounts have partitions of their own where the report is `by_account`, "
                "accounts that one acts for where it is `acting`, and only there"
            )

    def using(
        self, *, resource: str, io_manager: str, prefix: tuple[str, ...] | None = None
    ) -> "ConfiguredReport":
        """The same report of the account behind another resource.

        Unless a pool was chosen, it gets the account's own, since Stripe limits each account.
        """
        pool = f"{resource}_reporting" if self.pool == DEFAULT_POOL else self.pool
        return replace(
            self, resource=resource, io_manager=io_manager, prefix=prefix or self.prefix, pool=pool
        )

    def compared_with(self, reports: Iterable["ConfiguredReport"]) -> "ConfiguredReport":
        """The same report, checked against these; itself may be among them."""
        others = (each for each in reports if each.query.name != self.query.name)
        return replace(self, beside=tuple(replace(each, beside=()) for each in others))

    @property
    def caretakers(self) -> Caretakers:
        """Who looks after its partitions that failed."""
        return caretakers_of(
            by_payout=self.query.by_payout, ask_by=self.ask_by, pick_up_late=self.pick_up_late
        )

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """Its checks, in the order they are shown, without those that are skipped."""
        return self._rules(self.checks)

    @property
    def checkable(self) -> frozenset[str]:
        """The names of its checks, those that are skipped too."""
        return frozenset(rule.check.name for rule in self._rules(CheckOptions()))

    def _rules(self, options: CheckOptions) -> tuple[Rule, ...]:
        return rules_of(self.query, [each.query for each in self.beside], options)

    @property
    def key(self) -> dg.AssetKey:
        """The asset's key: the name of its table, which is the report's without its version if not given."""
        return dg.AssetKey([*self.prefix, self.query.name])

    @cached_property
    def windows(self) -> dg.TimeWindowPartitionsDefinition:
        """Dagster's definition of the windows. Raises ConfigurationError for a report about one payout."""
        if self.start is None:
            raise ConfigurationError(f"{self.query.name} is about payouts, and has no windows")
        windows = Windows(self.query.window, self.query.zone)
        return partitions_definition(windows, self.start, end_offset=self.end_offset)

    @cached_property
    def payouts(self) -> dg.DynamicPartitionsDefinition:
        """The payouts as they become known, or are added by hand.

        Reports about the same payouts of one account share them.
        """
        whose = ["acting" if self.query.acting else "connected"] if self.query.dimensions else []
        whose += ["of", str(account)] if (account := self.query.filters.get(CONNECTED_ACCOUNT)) else []
        return dg.DynamicPartitionsDefinition(name="_".join([self.resource, *whose, "payouts"]))

    @property
    def accounts(self) -> AccountLives:
        """The accounts that have every window of their own, whichever way these are asked for; none of a
        report about one payout."""
        return NO_ACCOUNTS if self.query.by_payout else self.acting_accounts or self.connected_accounts

    @cached_property
    def partitions(self) -> dg.PartitionsDefinition[str]:
        """Dagster's definition of the partitions."""
        if self.query.by_payout:
            return self.payouts
        if self.accounts:
            return AccountPartitions(self.windows, self.accounts.names, *self.query.dimensions)
        return self.windows

    def partition(self, key: str) -> Partition:
        """The partition of a key. Raises ConfigurationError for a key that is not a payout."""
        if self.query.by_payout:
            return self.query.payout(key)
        if not self.accounts:
            return partition_of(self.windows, key)
        account, window = self.query.key_format.values(key)
        return self.query.of_account(partition_of(self.windows, window), account)

    def asks_for(self, key: str) -> bool:
        """Whether a partition is asked for at all: not outside of its account's life.

        Dagster has every window of each account; nothing requests the others, and they are not gaps.
        """
        if not self.accounts:
            return True
        account, window = self.query.key_format.values(key)
        life = self.accounts.get(account)
        interval = Windows(self.query.window, self.query.zone).partition(window).interval
        return life is not None and life.overlaps(interval, self.query.zone)

    def adjacent(self, key: str) -> list[tuple[str, str]]:
        """A partition with the one before it, and with the one after it, of the same account."""
        if self.query.by_payout:
            return []
        if not self.accounts:
            return adjacent(self.windows, key)
        form = self.query.key_format
        account, window = form.values(key)
        return [
            (form.key(account, before), form.key(account, after))
            for before, after in adjacent(self.windows, window)
        ]

    @cached_property
    def code_version(self) -> str:
        """Equal as long as the same bytes of Stripe's would become the same rows."""
        shape = {
            "report": self.query.spec.id,
            "columns": [_shape(column) for column in self.query.columns],
            "filters": {name: str(value) for name, value in sorted(self.query.filters.items())},
            "decoder": DECODER_VERSION,
        }
        if kinds := self.query.spec.row_kinds:
            shape["row kinds"] = _rules(kinds)
        if self.query.withheld:
            shape["withheld"] = list(self.query.withheld)
        if self.query.by_header:
            shape["dictionary"] = [_shape(column) for column in COLUMNS.values()]
        text = json.dumps(shape, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _rules(kinds: RowKindRules) -> list[Any]:
    values = {value: kind.value for value, kind in kinds.kinds.items()}
    otherwise = kinds.otherwise.value if kinds.otherwise else None
    return [kinds.column, values, otherwise, list(kinds.parts), kinds.currency]


def _shape(column: Column) -> list[Any]:
    return [column.name, column.stored_name, column.type.value, column.local]
