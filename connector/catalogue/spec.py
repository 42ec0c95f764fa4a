"""A report type as a value: its parameters, its columns, what its rows mean.

The request we send, the Arrow schema, the asset, its documentation and its checks all come from a
`ReportSpec`; adding a report is adding one.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import Enum

from connector.catalogue.signs import LEAVES_NEGATIVE, UNSETTLED, Sign
from connector.reserved import unreserved

#: What ids of reports on connected accounts begin with; the rest is the id of the account's own report.
CONNECTED = "connected_account_"


class ColumnType(Enum):
    """What the text of a column means. One type per column name, in every report.

    MONEY becomes `decimal128(18, 6)`, NUMBER `decimal128(36, 18)`, TIMESTAMP `timestamp[us]`, DATE `date32`,
    INTEGER `int64`, BOOLEAN `bool`, TEXT `string`.
    """

    TEXT = "text"
    MONEY = "money"
    NUMBER = "number"
    INTEGER = "integer"
    TIMESTAMP = "timestamp"
    DATE = "date"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Column:
    """One column, as every report that has it means it.

    Attributes:
        name: Stripe's name. `payment_metadata[order_id]` and the like are made by pattern.
        about: one sentence for people.
        unit: what a number counts, e.g. "major units of `currency`"; None where there is none.
        local: a time printed in the run's `timezone` (UTC unless asked otherwise, and always in report types
            that take no `timezone`); False for `_utc` columns.
        personal: names, e-mails, addresses, metadata: requested only by name.
        free_text: people write it, so that it may be personal: stored, and shown in no stored preview.
    """

    name: str
    type: ColumnType
    about: str
    unit: str | None = None
    local: bool = False
    personal: bool = False
    free_text: bool = False

    @property
    def stored_name(self) -> str:
        """The name in Parquet: Stripe's, but `payment_metadata[order_id]` is `payment_metadata__order_id`,
        and a name that is ours gets an underscore: `account_`."""
        return unreserved(self.name.replace("[", "__").replace("]", ""))


class RowKind(Enum):
    """What a row of a summary is, so that a subtotal is not added to its parts."""

    BALANCE = "balance"
    MOVEMENT = "movement"
    SUBTOTAL = "subtotal"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class RowKindRules:
    """How the kind of a summary's row follows from one of its columns.

    Attributes:
        column: the column that names the row, e.g. `category`.
        kinds: value of that column to kind.
        otherwise: the kind of a value not named; None when the report promises a closed list, so that an
            unknown row gets no kind rather than a wrong one.
        parts: endings of values that are parts of a line: with `_gross` and `_fee`, whatever is called
            `topups_gross` or `topups_fee` is a movement, and `topups` their sum, a subtotal, in a file
            where one of them stands for the same currency. So it is for any name but that of a balance.
        currency: the column that names the currency. An empty one matches any: whether a part belongs
            to the row is unknown then, and a sum counted twice is worse than one left out.
    """

    column: str
    kinds: Mapping[str, RowKind]
    otherwise: RowKind | None = None
    parts: tuple[str, ...] = ()
    currency: str = "currency"

    def is_part(self, value: str | None) -> bool:
        """Whether a row of that name is a part of another one."""
        return value is not None and self.whole_of(value) != value

    def parts_of(self, value: str) -> tuple[str, ...]:
        """The names of the parts a row of that name may have."""
        return () if self.is_part(value) else tuple(f"{value}{each}" for each in self.parts)

    def whole_of(self, value: str) -> str:
        """The name of the row that one of that name is a part of; its own name if it is not a part."""
        endings = (each for each in self.parts if value != each and value.endswith(each))
        return value.removesuffix(next(endings, ""))

    def kind(
        self, value: str | None, currency: str | None, standing: Mapping[str, Set[str | None]]
    ) -> RowKind | None:
        """What the row is; None where that is not known.

        Args:
            value: what the row has in `column`.
            currency: the row's currency; None where it has none.
            standing: for each part that stands in the file, the currencies it stands there for.
        """
        known = self.kinds.get(value or "")
        if known is RowKind.BALANCE:
            return known
        for part in self.parts_of(value or ""):
            currencies = standing.get(part, frozenset())
            if currency in currencies or (currencies and (currency is None or None in currencies)):
                return RowKind.SUBTOTAL
        return known or (RowKind.MOVEMENT if self.is_part(value) else self.otherwise)


class Granularity(Enum):
    """Whether rows are things that happened, sums over them, or neither: a state, a computation."""

    ITEMIZED = "itemized"
    SUMMARY = "summary"
    OTHER = "other"


class Scope(Enum):
    """Which account the rows belong to."""

    OWN_ACCOUNT = "own account"
    CONNECTED_ACCOUNTS = "connected accounts"


class Status(Enum):
    """How far a report type can be relied on.

    DOCUMENTED by Stripe, with its parameters and columns. OBSERVED in use by others, by its id, while the
    pages of Stripe's that were read do not have it. CUSTOM: not in this catalogue; what it has comes from the
    configuration.
    """

    DOCUMENTED = "documented"
    OBSERVED = "observed"
    CUSTOM = "custom"


_CAUTIONS: Mapping[Status, str] = {
    Status.DOCUMENTED: "",
    Status.OBSERVED: "{id} is known from programs that use it; its parameters and columns are theirs.",
    Status.CUSTOM: "{id} is used as configured and was not compared with the catalogue.",
}

#: Of a type without known columns, whatever its status.
_BY_HEADER = "Its columns are not known, so its files are read by their header."


def table_of(report_type: str) -> str:
    """The name of a report type's table: the id without version, dots as underscores (`balance_summary`)."""
    stem, _, last = report_type.rpartition(".")
    return (stem if last.isdigit() else report_type).replace(".", "_")


@dataclass(frozen=True, slots=True)
class ReportSpec:
    """One report type, as Stripe documents it.

    Attributes:
        id: Stripe's id with the version, e.g. `balance.summary.1`; one that is described may have none.
        about: one or two sentences for people.
        required: parameters Stripe wants in every run.
        optional: further parameters the type takes.
        columns: all columns of the type, in the order of Stripe's documentation.
        metadata_prefixes: `payment_metadata` and the like: `prefix[key]` may be asked for by name.
        default_columns: asked for unless the configuration names others, in file order; never personal data.
            Where the type takes no `columns`, those stored of the file. Empty where no column is known: then
            nothing is asked for, and the file is read by its header.
        row_key: columns whose values identify a row; empty where identical rows are real, or no key is known.
        day_column: the time that decides which interval a row belongs to, in UTC where the type prints it so;
            None where none does, or it is not known.
        amount_column: the column whose sum per currency says what the file amounts to.
        row_kinds: which rows of a summary are subtotals; None for other reports.
        source: the page the facts are from.
        status: how far the type can be relied on.
        status_note: what else is known of that, as a sentence; may be empty.
        scope: which account the rows belong to.
        columns_complete: whether `columns` are all there are. Where not, any column of the dictionary may be
            asked for.
        stripe_defaults: what Stripe puts into a file when no columns are asked for, in its order; None where
            that is not known, and `default_columns` are our own choice.
        net_columns: gross, fee and net: the first less the second is the third in every row, or plus the
            second where `fee_sign` is negative.
        paid_out_sign: how money is printed that leaves the balance for a bank.
        fee_sign: how a fee is printed that is charged.
        currency_column: the column that says what currency `amount_column` is in.
        live_only: the type exists only for keys of live mode.
        own_columns: columns of this type alone, which come before the dictionary's of the same name.
    """

    id: str
    title: str
    about: str
    granularity: Granularity
    required: tuple[str, ...]
    optional: tuple[str, ...]
    columns: tuple[str, ...]
    default_columns: tuple[str, ...]
    source: str
    metadata_prefixes: tuple[str, ...] = ()
    row_key: tuple[str, ...] = ()
    day_column: str | None = None
    amount_column: str | None = None
    row_kinds: RowKindRules | None = None
    status: Status = Status.DOCUMENTED
    status_note: str = ""
    scope: Scope = Scope.OWN_ACCOUNT
    columns_complete: bool = True
    stripe_defaults: tuple[str, ...] | None = None
    net_columns: tuple[str, str, str] | None = None
    paid_out_sign: Sign = LEAVES_NEGATIVE
    fee_sign: Sign = UNSETTLED
    currency_column: str = "currency"
    live_only: bool = False
    own_columns: tuple[Column, ...] = ()

    @property
    def name(self) -> str:
        """The name of its table."""
        return table_of(self.id)

    @property
    def version(self) -> int:
        """The version in the id; 0 where the id has none."""
        last = self.id.rpartition(".")[2]
        return int(last) if last.isdigit() else 0

    @property
    def parameters(self) -> tuple[str, ...]:
        """Every parameter the type takes."""
        return self.required + self.optional

    @property
    def takes_columns(self) -> bool:
        """Whether the columns of a file can be chosen."""
        return "columns" in self.parameters

    @property
    def of_platforms(self) -> bool:
        """Whether a platform asks for it, about the accounts that are connected to it.

        Nothing documents such a type for an account that one acts for (`Stripe-Account`): that one's own
        connected accounts would be meant, and it has none.
        Source: https://docs.stripe.com/reports/report-types/connect
        """
        return (
            self.scope is Scope.CONNECTED_ACCOUNTS
            or self.id.startswith(CONNECTED)
            or not {"connected_account", "connected_accounts"}.isdisjoint(self.parameters)
        )

    @property
    def account_column(self) -> str | None:
        """The column that says whose a row is, in a platform's report with rows of several accounts; None
        where no column does."""
        named = (name for name in ("connected_account", "account_id") if name in self.columns)
        return next(named, None) if self.of_platforms else None

    @property
    def by_payout(self) -> bool:
        """Whether a run is about one payout, not about an interval."""
        return "payout" in self.required

    @property
    def caution(self) -> str | None:
        """What a user of the type must know, as a few sentences.

        None for documented types whose columns are known.
        """
        standing = _CAUTIONS[self.status].format(id=self.id)
        return (
            " ".join(filter(None, (standing, self.status_note, "" if self.columns else _BY_HEADER))) or None
        )
