"""What to ask Stripe for many partitions: a report, its columns, its filters.

A partition adds the interval or the payout, and the account where each has partitions of its own.
Everything else is the same for the whole table and makes up the table's identity.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Self

from connector.accounts import AccountLives
from connector.api.credentials import shown_setting
from connector.api.models import ReportRequest, epoch
from connector.catalogue import (
    PARAMETERS,
    REPORTS,
    Column,
    ReportSpec,
    columns_by_header,
    columns_of,
    custom_report,
    report,
    validate,
    with_columns,
)
from connector.catalogue.spec import CONNECTED
from connector.catalogue.together import refuse_nameless
from connector.clock import is_utc
from connector.dataset.identity import Dataset, check_table_name
from connector.errors import ConfigurationError
from connector.partitions import (
    ACTING_FOR,
    BY_PAYOUT,
    CONNECTED_ACCOUNT,
    KeyFormat,
    Partition,
    Windows,
    date_in,
)

_NAMES = frozenset(each.name for each in REPORTS.values())

_BOUNDS = {"interval_start", "interval_end"}

#: Parameters a partition or the column choice decides; never filters.
_NOT_FILTERS = {"interval_start", "interval_end", "payout", "columns"}

#: Placeholders for what partitions add, so that the rest can be checked before there are any.
_PROBE = {"interval_start": 0, "interval_end": 1, "payout": "po_1", "connected_account": "acct_1"}


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """A report type, the columns wanted in file order, and the filters; validated when made.

    Use `ReportQuery.of`. `name` is the table's name. Without `columns` the file is read by its header.
    `dimensions` are what distinguishes partitions besides their window or payout: whose they are.
    """

    spec: ReportSpec
    name: str
    columns: tuple[Column, ...]
    filters: Mapping[str, Any]
    window: str
    zone: str
    dimensions: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        report_type: str,
        *,
        name: str | None = None,
        columns: Sequence[str] | Mapping[str, str | None] | None = None,
        parameters: Sequence[str] | None = None,
        filters: Mapping[str, Any] | None = None,
        window: str | None = None,
        zone: str = "UTC",
        by_account: bool = False,
        acting: bool = False,
    ) -> Self:
        """Check everything that can be checked without Stripe.

        Args:
            report_type: an id (`balance.summary.1`) or a name (`balance_summary`).
            name: the table's name; the report's own when None.
            columns: in file order. One of
                None: the catalogue's default columns, or, where `parameters` are given, the same described;
                names (a sequence): these. Of a type whose files have all columns, these are stored;
                names with types (a mapping): columns that join a report of the catalogue, see
                    `with_columns`, or describe one that it does not know, see `custom_report`. A type may be
                    None for columns that are known;
                an empty mapping: Stripe chooses, and files are read by their header.
            parameters: those the type takes, where the catalogue does not know: see `custom_report`.
            filters: further run parameters: `currency`, `reporting_category`, `timezone`, …
            window, zone: what the partitions are windows of; days when None. A report about one payout has
                no windows: its partitions are payouts.
            by_account: each connected account has partitions of its own; `connected_account` cannot be a
                filter then. A report about one payout of one connected account always has them, unless a
                filter names the account.
            acting: each account that one acts for (`Stripe-Account`) has partitions of its own.

        Raises ConfigurationError naming the nearest valid names.
        """
        filters = {name: value for name, value in (filters or {}).items() if value not in (None, "")}
        spec, columns = _described(report_type, columns, parameters, filters)
        name = name or spec.name
        check_table_name(name)
        if stray := _NOT_FILTERS & filters.keys():
            raise ConfigurationError(f"{', '.join(sorted(stray))} of {spec.id} cannot be given as a filter")
        dimensions = _dimensions(spec, filters, by_account=by_account, acting=acting)
        asked = {name: _PROBE[name] for name in _PROBE if name in {*spec.required, *dimensions}} | filters
        if spec.takes_columns and columns is not None:
            asked["columns"] = list(columns)
        request = validate(spec, asked)
        chosen = request.columns if spec.takes_columns else columns
        refuse_nameless(spec, chosen or (), filters, dimensions)
        checked = {n: v for n, v in request.parameters if n in filters}
        window, zone = _calendar(spec, window, "UTC" if is_utc(zone) else zone)
        return cls(spec, name, columns_of(spec, chosen), checked, window, zone, dimensions)

    @property
    def by_payout(self) -> bool:
        """Whether partitions are payouts instead of windows of time."""
        return self.spec.by_payout

    @property
    def key_format(self) -> KeyFormat:
        """How keys of its partitions are made."""
        return KeyFormat(self.window, self.dimensions)

    def payout(self, key: str) -> Partition:
        """The partition of one payout: `po_1`, or `acct_1:po_1` where it needs the connected account too.

        Raises ConfigurationError for a key of another form, or for a report that takes no payout.
        """
        if not self.by_payout:
            raise ConfigurationError(f"{self.spec.id} is about windows of time, not about one payout")
        *account, payout = self.key_format.values(key)
        partition = self._about(Partition(key, None, {"payout": payout}), *account)
        self.request(partition)
        return partition

    def of_account(self, window: Partition, account: str) -> Partition:
        """The window of one account, for a query made `by_account` or `acting`."""
        key = self.key_format.key(account, window.key)
        return self._about(replace(window, key=key), account)

    def _about(self, partition: Partition, account: str | None = None) -> Partition:
        """The partition as it is asked for of an account: by the header, or by the run parameter. This is the
        one place that makes a difference between the two."""
        if account is None:
            return partition
        if self.acting:
            return replace(partition, acting_for=account)
        return replace(partition, parameters={**partition.parameters, CONNECTED_ACCOUNT: account})

    @property
    def acting(self) -> bool:
        """Whether each partition is asked for in the name of an account of its own."""
        return ACTING_FOR in self.dimensions

    def each_account(
        self, windows: Iterable[Partition], accounts: AccountLives | Sequence[str]
    ) -> tuple[Partition, ...]:
        """The windows of each account that lie in its life, in part or whole, for a query made `by_account`
        or `acting`; one account after the other."""
        windows, accounts = tuple(windows), AccountLives.of(accounts)
        return tuple(
            self.of_account(window, life.account)
            for life in accounts
            for window in windows
            if life.overlaps(window.interval, self.zone)
        )

    @property
    def withheld(self) -> tuple[str, ...]:
        """Columns not to be stored: those not chosen of a type whose files have all columns, whatever is
        asked for."""
        if self.spec.takes_columns:
            return ()
        chosen = {column.name for column in self.columns}
        return tuple(name for name in self.spec.columns if name not in chosen)

    @property
    def by_header(self) -> bool:
        """Whether no column is known, so that a file's header says which there are."""
        return not self.columns

    def columns_in(self, header: Sequence[str]) -> tuple[Column, ...]:
        """The columns expected in a file, in the order they are stored; unexpected ones are added to them."""
        if not self.by_header:
            return self.columns
        return tuple(each for each in columns_by_header(self.spec, header) if not each.personal)

    def left_out(self, header: Sequence[str]) -> tuple[str, ...]:
        """Columns of a file that are not stored: those not chosen, and personal data not asked for by name.

        A column that neither the catalogue nor the configuration knows is personal if it sounds like it.
        """
        chosen, unwanted = {column.name for column in self.columns}, set(self.withheld)
        return tuple(
            each.name
            for each in columns_by_header(self.spec, header)
            if each.name not in chosen and (each.personal or each.name in unwanted)
        )

    @property
    def timezone(self) -> str | None:
        """The zone Stripe prints local times in; None for UTC."""
        zone = self.filters.get("timezone")
        return str(zone) if zone else None

    def request(self, partition: Partition) -> ReportRequest:
        """What to ask Stripe for one partition. Raises ConfigurationError for what it would refuse, and for a
        window of a report that takes no interval: all its windows would have the same rows."""
        parameters: dict[str, Any] = {**self.filters, **partition.parameters}
        if partition.interval:
            if not _BOUNDS & set(self.spec.parameters):
                raise ConfigurationError(
                    f"{self.spec.id} takes no interval, so {partition.key} and every other window would have "
                    "the same rows. It is a snapshot: ask for one partition without an interval"
                )
            bounds = {
                "interval_start": epoch(partition.interval.start),
                "interval_end": epoch(partition.interval.end),
            }
            parameters |= {name: at for name, at in bounds.items() if name in self.spec.parameters}
        if self.spec.takes_columns:
            parameters["columns"] = [column.name for column in self.columns]
        return validate(self.spec, parameters)

    def refuse_other_windows(self, partitions: Iterable[Partition]) -> None:
        """Raise ConfigurationError for a partition that is not one of the windows of this query: its file
        would say one thing and its table another."""
        windows = None if self.by_payout else Windows(self.window, self.zone)
        for each in partitions:
            if windows and each.interval:
                window = windows.partition(self.key_format.values(each.key)[-1])
                if window.interval != each.interval:
                    raise ConfigurationError(
                        f"{each.key} is about {each.interval}, and the {self.window} window of that name in "
                        f"{self.zone} is {window.interval}. Give the query the window and zone of its "
                        "partitions"
                    )

    def refuse_acting_for(self, account: str | None) -> None:
        """Raise ConfigurationError where a platform's report would be asked for in the name of one of its
        accounts: that one has no connected accounts, so every file would be empty, and look right. Also where
        partitions are asked for in the name of an account each."""
        if account and self.acting:
            raise ConfigurationError(
                f"{self.name} is asked for in the name of each of its accounts, and "
                f"{shown_setting(account)} is to be acted for in all of it. Remove one of the two: the list "
                "of accounts; or STRIPE_ACCOUNT, --account of the command, or `connection.account` in "
                "defs.yaml"
            )
        if account and self.spec.of_platforms:
            own = self.spec.name.removeprefix(CONNECTED)
            instead = f"; or pull {own}, the report on one account" if own in _NAMES else ""
            raise ConfigurationError(
                f"{self.spec.id} is about the accounts connected to a platform, and it would be asked for in "
                f"the name of {shown_setting(account)}, which has none. Remove that account: STRIPE_ACCOUNT, "
                "--account of the command, or `connection.account` in defs.yaml; the platform's own key sees "
                f"them all{instead}"
            )

    def date_of(self, partition: Partition) -> date | None:
        """The calendar date on which a partition's window starts, in its own zone; None for payouts."""
        return date_in(self.zone, partition.interval.start) if partition.interval else None

    def dataset(self, *, mode: str, account: str | None) -> Dataset:
        """The identity of the table these partitions go into.

        Args:
            account: the account acted for in all partitions; None for the key's own, and where each has its
                own.

        Raises ConfigurationError for a report that cannot be asked for in the name of another account.
        """
        self.refuse_acting_for(account)
        return Dataset(
            table=self.name,
            mode=mode,
            account=account,
            report_type=self.spec.id,
            window=self.window,
            zone=self.zone,
            filters=dict(self.filters),
            dimensions=self.dimensions,
        )


def _dimensions(
    spec: ReportSpec, filters: Mapping[str, Any], *, by_account: bool, acting: bool
) -> tuple[str, ...]:
    """What distinguishes partitions besides their window or payout."""
    if acting and (by_account or spec.of_platforms):
        raise ConfigurationError(
            f"{spec.id} is asked for in the name of accounts (`Stripe-Account`), and is about accounts that "
            "are connected to a platform: these have none. Give them as connected accounts, or take the "
            "report on one account"
        )
    if acting:
        return (ACTING_FOR,)
    if by_account and CONNECTED_ACCOUNT in filters:
        raise ConfigurationError(
            f"{CONNECTED_ACCOUNT} of {spec.id} cannot be a filter and have partitions of each account"
        )
    needed = CONNECTED_ACCOUNT in spec.required and CONNECTED_ACCOUNT not in filters
    return (CONNECTED_ACCOUNT,) if by_account or needed else ()


def _calendar(spec: ReportSpec, window: str | None, zone: str) -> tuple[str, str]:
    """The window and zone of the partitions. Raises ConfigurationError for windows of a payout."""
    if not spec.by_payout:
        if window == BY_PAYOUT:
            raise ConfigurationError(f"{spec.id} is about windows of time, not about one payout")
        return window or "daily", zone
    if window not in {None, BY_PAYOUT}:
        raise ConfigurationError(f"{spec.id} is about one payout and has no {window} windows; leave them out")
    return BY_PAYOUT, "UTC"


def _described(
    report_type: str,
    columns: Sequence[str] | Mapping[str, str | None] | None,
    parameters: Sequence[str] | None,
    filters: Mapping[str, Any],
) -> tuple[ReportSpec, Sequence[str] | None]:
    """The catalogue's spec, or the one that the configuration describes; and the columns by name.

    Columns with types join a report that the catalogue knows. A type that it does not know takes what filters
    name, as far as some type takes it.
    """
    if not isinstance(columns, Mapping) and parameters is None:
        return _known(report_type), columns
    id_ = report_type if "." in report_type else _known(report_type).id
    if isinstance(columns, Mapping) and columns and parameters is None and id_ in REPORTS:
        return with_columns(report(id_), columns), list(columns)
    if columns is None:
        columns = report(id_).default_columns if id_ in REPORTS else ()
    described = columns if isinstance(columns, Mapping) else dict.fromkeys(columns)
    spec = custom_report(id_, described, parameters)
    if parameters is None and (more := [name for name in filters if name in PARAMETERS]):
        spec = custom_report(id_, described, [*dict.fromkeys([*spec.parameters, *more])])
    return spec, list(described) or None


def _known(report_type: str) -> ReportSpec:
    try:
        return report(report_type)
    except ConfigurationError as error:
        advice = ". A type the catalogue does not know can be used: give its columns with their types"
        raise ConfigurationError(f"{error}{advice if '.' in report_type else ''}") from None
