"""How the versions of one report become specs: what they share once, then a line for each version.

Source: https://docs.stripe.com/reports/report-types
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from connector.catalogue.dictionary import COLUMNS
from connector.catalogue.signs import (
    FEE_POSITIVE,
    LEAVES_NEGATIVE,
    UNSETTLED,
    Sign,
    describe_amounts,
)
from connector.catalogue.spec import (
    CONNECTED,
    Column,
    Granularity,
    ReportSpec,
    RowKind,
    RowKindRules,
    Scope,
    Status,
)

INTERVAL = ("interval_start", "interval_end")
AS_OF = ("interval_end",)

GROSS_FEE_NET = ("gross", "fee", "net")

#: What itemized reports of a balance take besides an interval.
OF_ROWS = ("timezone", "currency", "reporting_category", "decimal_separator", "columns")

#: Stripe's default columns of a report with a row for each balance transaction.
TRANSACTION = (
    "balance_transaction_id", "created", "available_on", "currency", *GROSS_FEE_NET, "reporting_category",
    "description",
)  # fmt: skip

#: The payout that paid a transaction out.
_PAID_BY = ("automatic_payout_id", "automatic_payout_effective_at")

#: The same in the first versions of these reports.
FIRST_TRANSACTION = (
    "balance_transaction_id", "created", "available_on", "currency", *GROSS_FEE_NET, "reporting_category",
    "source_id", "description", "customer_facing_amount", "customer_facing_currency", *_PAID_BY, "charge_id",
)  # fmt: skip

#: The same with the payout first.
PAID_TRANSACTION = (*_PAID_BY, *TRANSACTION)

#: What ties a row of one account to those of another, and to objects of the API: asked for wherever a report
#: of balance transactions has them, though Stripe prints them in first versions alone.
_TIES = ("source_id", "charge_id", "connected_account_id")

#: Last in reports on connected accounts.
OF_CONNECTED = ("connected_account",)
FIRST_OF_CONNECTED = (*FIRST_TRANSACTION, *OF_CONNECTED)
PAID_OF_CONNECTED = (*PAID_TRANSACTION, *OF_CONNECTED)

#: How groups of columns write metadata of any key.
_ANY_KEY = "[key]"

_CONNECT = "https://docs.stripe.com/reports/report-types/connect"

#: Sums by category may end with a row over all of them.
#: Source: https://github.com/wikimedia/wikimedia-fundraising-SmashPig
_CATEGORIES = RowKindRules(
    column="reporting_category", kinds={"total": RowKind.TOTAL}, otherwise=RowKind.MOVEMENT
)


@dataclass(frozen=True, slots=True)
class Family:
    """What the versions of one report have in common.

    Attributes:
        id: Stripe's id without the version.
        optional: what the newest version takes; `version` says what an older one lacks.
        defaults: the columns of a file for which none were chosen, local times by their local name; Stripe's
            choice, unless `version` says it is ours. Empty means all columns.
        also: what we ask for besides, since checks rely on it.
        day: the time that decides a row's day, by its local name.
        amount, net, currency: `amount_column`, `net_columns` and `currency_column` of the spec.
        texts: what columns mean in this report, where it is more than the dictionary says.
        own: columns that no other report has, typed by what was seen of them; for files read by their header.
        paid_out, fee: `paid_out_sign` and `fee_sign` of the spec.

    The others are as in `ReportSpec`.
    """

    id: str
    title: str
    about: str
    source: str
    granularity: Granularity = Granularity.ITEMIZED
    required: tuple[str, ...] = INTERVAL
    optional: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    row_key: tuple[str, ...] = ()
    day: str | None = None
    amount: str | None = None
    net: tuple[str, str, str] | None = None
    paid_out: Sign = LEAVES_NEGATIVE
    fee: Sign = FEE_POSITIVE
    currency: str = "currency"
    texts: Mapping[str, str] = field(default_factory=dict)
    own: tuple[Column, ...] = ()
    row_kinds: RowKindRules | None = None
    scope: Scope = Scope.OWN_ACCOUNT
    live_only: bool = False

    def version(
        self,
        number: int,
        columns: Iterable[str] = (),
        *,
        lacks: Iterable[str] = (),
        status: Status = Status.DOCUMENTED,
        note: str = "",
        complete: bool = True,
        defaults: tuple[str, ...] | None = None,
        defaults_known: bool = True,
    ) -> ReportSpec:
        """The spec of one version.

        Args:
            number: the version.
            columns: its columns, in Stripe's order; `prefix[key]` stands for metadata columns. Without any
                the file is read by its header, and nothing is said about key, day or amount.
            lacks: parameters of the family it does not take.
            status, note, complete: `status`, `status_note` and `columns_complete` of the spec.
            defaults: its defaults, where they are not the family's.
            defaults_known: whether Stripe prints the family's defaults for this version, too; if not, they
                are our choice.
        """
        listed = tuple(columns)
        named = tuple(name for name in listed if not name.endswith(_ANY_KEY))
        chosen = self.defaults if defaults is None else defaults
        defaults = tuple(_printed(name, named) for name in chosen)
        key = self.row_key if named else ()
        also = tuple(_printed(name, named) for name in self.also)
        return ReportSpec(
            id=f"{self.id}.{number}",
            title=self.title,
            about=self.about,
            granularity=self.granularity,
            required=self.required,
            optional=tuple(name for name in self.optional if name not in set(lacks)),
            columns=named,
            default_columns=_wanted(named, defaults, (*key, *also)),
            source=self.source,
            metadata_prefixes=tuple(n.removesuffix(_ANY_KEY) for n in listed if n.endswith(_ANY_KEY)),
            row_key=key,
            day_column=_printed_utc(self.day, named) if self.day and named else None,
            amount_column=self.amount if named else None,
            row_kinds=self.row_kinds,
            status=status,
            status_note=note,
            scope=self.scope,
            columns_complete=complete,
            stripe_defaults=(defaults or None) if named and defaults_known else None,
            net_columns=self.net if named else None,
            paid_out_sign=self.paid_out,
            fee_sign=self.fee,
            own_columns=(*self._signed(named), *self.own),
            currency_column=self.currency,
            live_only=self.live_only,
        )

    def _signed(self, named: tuple[str, ...]) -> tuple[Column, ...]:
        """The columns of money whose description says which way they count here."""
        texts = {**describe_amounts(self.paid_out, self.fee), **self.texts}
        return tuple(replace(COLUMNS[name], about=about) for name, about in texts.items() if name in named)

    def connected(self, *, several: bool = False) -> Self:
        """The same report for connected accounts: all of them, unless the run names one.

        No file of these was seen, so the signs of payouts and fees are unsettled.
        `several` says that a run may name more than one.
        """
        one = ("connected_account",)
        by_payout = "payout" in self.required
        itemized = self.granularity is Granularity.ITEMIZED
        filters = () if by_payout else (*one, *(("connected_accounts",) if several else ()))
        return replace(
            self,
            id=f"{CONNECTED}{self.id}",
            title=f"{self.title}, connected accounts",
            about=f"For a platform's connected accounts. {self.about}",
            required=(*one, *self.required) if by_payout else self.required,
            optional=(*filters, *self.optional),
            row_key=(*one, *self.row_key) if itemized and self.row_key else self.row_key,
            defaults=(*self.defaults, *one) if itemized else self.defaults,
            paid_out=self.paid_out if self.paid_out == LEAVES_NEGATIVE else UNSETTLED,
            fee=UNSETTLED,
            scope=Scope.CONNECTED_ACCOUNTS,
            source=_CONNECT,
        )


def by_category(report: str, title: str, about: str, source: str, *, fee: Sign = UNSETTLED) -> Family:
    """The family of a report that sums up by reporting category."""
    return Family(
        id=report,
        title=title,
        about=about,
        source=source,
        granularity=Granularity.SUMMARY,
        optional=("timezone", "currency", "columns"),
        defaults=("reporting_category", "currency", "count", *GROSS_FEE_NET),
        row_key=("currency", "reporting_category"),
        amount="net",
        net=GROSS_FEE_NET,
        fee=fee,
        row_kinds=_CATEGORIES,
    )


def added_up(family: Family) -> Family:
    """A summary of connected accounts, whose description warns that it adds them up."""
    warning = "Sums over all accounts unless the run names one: no column says which account."
    return replace(family, about=f"{family.about} {warning}")


def _wanted(named: tuple[str, ...], defaults: tuple[str, ...], needed: tuple[str, ...]) -> tuple[str, ...]:
    """What to ask for by default: what Stripe would print, each local time followed by the same in UTC.

    What is needed beyond that comes first, and what ties rows to others last. Personal data are never among
    them.
    """
    chosen = defaults or named
    ties = _TIES if "balance_transaction_id" in chosen else ()
    keyed = (*(name for name in needed if name not in chosen), *chosen, *ties)
    with_utc = (each for name in keyed for each in (name, f"{name}_utc") if each in named)
    return tuple(dict.fromkeys(name for name in with_utc if not COLUMNS[name].personal))


def _printed(name: str, named: tuple[str, ...]) -> str:
    """The column a version has for that time: those from before time zones may have the one in UTC alone."""
    return name if name in named else _printed_utc(name, named)


def _printed_utc(name: str, named: tuple[str, ...]) -> str:
    """The column a version has for that time, in UTC where it has that."""
    utc = f"{name}_utc"
    return utc if utc in named else name
