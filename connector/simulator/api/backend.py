"""What the endpoints work with: the accounts' books, the report types, the runs and their files."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from connector.simulator.api.idempotency import IdempotencyKeys
from connector.simulator.api.keys import Keyring
from connector.simulator.api.rate_limits import Limiter
from connector.simulator.books.ledger import Ledger
from connector.simulator.faults import Faults
from connector.simulator.protocol.errors import StripeError, no_such
from connector.simulator.report_runs import Runs
from connector.simulator.report_types.report_type import ReportType
from connector.simulator.reports.columns import Books
from connector.simulator.reports.csv_writer import document


@dataclass
class Backend:
    """The state behind the endpoints.

    Attributes:
        connected: the accounts connected to the keyring's own account.
        ledger: the books of an account.
        books_id: the identity of an account's books, as `Simulator-Books` has it.
        run_seconds: how long a run takes, by its number.
        starts, ends: `data_available_start` and `data_available_end` by type, where they are not the type's
            own; unix seconds.
        bounds_excluded: an interval lies a second inside the availability at both ends, as Stripe's
            reference asks; else it may reach from one to the other, as its guide does.
        left: the connected accounts that have left, and how a run about one is refused.
    """

    seed: int
    keyring: Keyring
    report_types: Mapping[str, ReportType]
    connected: tuple[str, ...]
    ledger: Callable[[str], Ledger]
    books_id: Callable[[str], str]
    run_seconds: Callable[[int], float]
    runs: Runs
    faults: Faults
    limiter: Limiter | None = None
    max_pending_runs: int | None = None
    summary_options: Mapping[str, bool] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    bounds_excluded: bool = False
    left: dict[str, StripeError] = field(default_factory=dict)
    idempotency: IdempotencyKeys = field(default_factory=IdempotencyKeys)

    def available(self, report_type: ReportType, account: str, now: datetime) -> tuple[int, int]:
        """`data_available_start` and `data_available_end` in unix seconds."""
        start = self.starts.get(report_type.id, self.ledger(account).opening)
        end = report_type.available_until(int(now.timestamp()))
        return start, max(start, self.ends.get(report_type.id, end))

    def requestable(self, report_type: ReportType, account: str, now: datetime) -> tuple[int, int]:
        """The first and the last second that an interval may name."""
        start, end = self.available(report_type, account, now)
        return (start + 1, end - 1) if self.bounds_excluded else (start, end)

    def accounts(self, report_type: ReportType, parameters: Mapping[str, Any], account: str) -> list[str]:
        """Whose books a run of `account` reads: its own, or those of the connected accounts requested.

        Raises:
            StripeError: an account requested is not connected.
        """
        if not report_type.connected:
            return [account]
        connected = self.connected if account == self.keyring.account else ()
        one = parameters.get("connected_account")
        wanted = [*parameters.get("connected_accounts", ()), *([one] if one else [])]
        for each in wanted:
            if each not in connected:
                name = "connected_account" if each == one else "connected_accounts"
                raise no_such("account", each, param=f"parameters[{name}]", status=400)
        return [each for each in connected if not wanted or each in wanted]

    def refuse_left(self, parameters: Mapping[str, Any]) -> None:
        """Raise Stripe's error for an account that has left."""
        one = parameters.get("connected_account")
        for each in (*parameters.get("connected_accounts", ()), *([one] if one else [])):
            if each in self.left:
                raise self.left[each]

    def check_payout(self, parameters: Mapping[str, Any], accounts: Iterable[str], as_of: int) -> None:
        """Raise Stripe's error for a payout that none of `accounts` has made by `as_of`."""
        payout = parameters.get("payout")
        if payout and not any(self.ledger(each).payout(payout, as_of=as_of) for each in accounts):
            raise no_such("payout", payout, param="parameters[payout]", status=400)

    def write(
        self, report_type: ReportType, parameters: Mapping[str, Any], account: str, as_of: int
    ) -> bytes:
        """The CSV of a run of `account` with these parameters, from what was known at `as_of`."""
        books = [
            Books(
                account=each,
                ledger=self.ledger(each),
                as_of=as_of,
                zone=ZoneInfo(parameters.get("timezone", "Etc/UTC")),
                seed=self.seed,
                **self.summary_options,
            )
            for each in self.accounts(report_type, parameters, account)
        ]
        header = parameters.get("columns", report_type.columns)
        return document(header, report_type.rows(books, {**parameters, "columns": header}))
