"""Every report type can be requested, and its file has what was requested."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from connector.simulator import Simulator
from connector.simulator.report_types.documented import DOCUMENTED_TYPES
from connector.simulator.report_types.observed import REPORT_TYPES
from connector.simulator.report_types.report_type import ReportType
from tests.facts.report_types import DOCUMENTED, FACTS, LISTED
from tests.support.clock import ManualClock
from tests.support.stripe import caller

RUNS = "/v1/reporting/report_runs"
TYPES = "/v1/reporting/report_types"
JUNE_1 = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
JUNE_9 = int(datetime(2026, 6, 9, tzinfo=UTC).timestamp())


def types(chosen: Callable[[ReportType], object]) -> pytest.MarkDecorator:
    """The report types of which that is true."""
    found = [each for each in REPORT_TYPES if chosen(each)]
    return pytest.mark.parametrize("report_type", found, ids=lambda each: each.id)


def takes_columns(report_type: ReportType) -> bool:
    return "columns" in report_type.optional


def local_times(report_type: ReportType) -> list[str]:
    """Those that are printed in UTC as well."""
    return [name for name in report_type.columns if f"{name}_utc" in report_type.columns]


every_type = types(lambda _: True)


@pytest.fixture(scope="module")
def world() -> Simulator:
    """Everything there is, known from the start of May; runs end at once."""
    return Simulator(ManualClock(), seed=5, run_seconds=0, opening=date(2026, 5, 1), volume=8)


@pytest.fixture(scope="module")
def live(world: Simulator) -> Iterator[httpx.Client]:
    with caller(world, "sk_live_1234") as http:
        yield http


def form(report_type: ReportType, sim: Simulator, **parameters: Any) -> dict[str, Any]:
    """A run of eight days, or of one payout, in live mode, with what the type cannot do without."""
    account = sim.connected_accounts[0] if report_type.connected else sim.account
    payouts = sim.ledger(account).payouts(as_of=JUNE_9)
    usual = {
        "interval_start": str(JUNE_1),
        "interval_end": str(JUNE_9),
        "payout": payouts[3].id,
        "connected_account": account,
    }
    fields: dict[str, Any] = {"report_type": report_type.id}
    for name, value in ({name: usual[name] for name in report_type.required} | parameters).items():
        fields[f"parameters[{name}]" + ("[]" if isinstance(value, list) else "")] = value
    return fields


def table(http: httpx.Client, run: httpx.Response) -> list[list[str]]:
    """Header and rows of a run's file."""
    assert run.status_code == 200, run.text
    body = http.get(run.json()["result"]["url"]).text
    return list(csv.reader(io.StringIO(body, newline=""), strict=True))


def columns_of(report_type: ReportType) -> list[str]:
    """Everything it can print, with a key in place of each template."""
    return [name.replace("[key]", "[order_id]") for name in report_type.columns]


class TestWhatIsServed:
    @every_type
    def test_it_answers_with_its_default_columns_and_has_rows(
        self, world: Simulator, live: httpx.Client, report_type: ReportType
    ) -> None:
        header, *rows = table(live, live.post(RUNS, data=form(report_type, world)))

        assert header == list(report_type.default_columns or report_type.columns)
        assert {len(row) for row in rows} == {len(header)}

    @types(takes_columns)
    def test_it_answers_with_the_columns_asked_for_in_their_order(
        self, world: Simulator, live: httpx.Client, report_type: ReportType
    ) -> None:
        columns = columns_of(report_type)[::-1]
        header, *rows = table(live, live.post(RUNS, data=form(report_type, world, columns=columns)))

        assert header == columns
        assert {len(row) for row in rows} == {len(header)}

    @types(lambda each: not takes_columns(each))
    def test_where_columns_cannot_be_chosen_they_are_refused(
        self, world: Simulator, live: httpx.Client, report_type: ReportType
    ) -> None:
        run = live.post(RUNS, data=form(report_type, world, columns=columns_of(report_type)))

        assert run.status_code == 400

    @every_type
    def test_a_column_it_does_not_know_is_refused(
        self, world: Simulator, live: httpx.Client, report_type: ReportType
    ) -> None:
        for column in ("gros", "payment_metadata[]", "customer_metadata[order_id]"):
            refused = live.post(RUNS, data=form(report_type, world, columns=[column]))
            assert refused.status_code == 400

    @every_type
    def test_metadata_is_taken_by_pattern_where_it_is_taken(
        self, world: Simulator, live: httpx.Client, report_type: ReportType
    ) -> None:
        for kind in ("payment", "refund", "transfer", "invoice", "credit_note", "tax_transaction"):
            taken = f"{kind}_metadata[key]" in report_type.columns
            run = live.post(RUNS, data=form(report_type, world, columns=[f"{kind}_metadata[order_id]"]))
            assert run.status_code == (200 if taken else 400)

    @every_type
    def test_what_it_cannot_do_without_it_asks_for(
        self, world: Simulator, live: httpx.Client, report_type: ReportType
    ) -> None:
        fields = form(report_type, world)
        for key in [f"parameters[{name}]" for name in report_type.required]:
            without = {name: value for name, value in fields.items() if name != key}
            refused = live.post(RUNS, data=without).json()["error"]
            assert (refused["code"], refused["param"]) == ("parameter_missing", key)

    @every_type
    def test_what_it_does_not_take_it_refuses(
        self, world: Simulator, live: httpx.Client, report_type: ReportType
    ) -> None:
        fields = form(report_type, world)
        taken = {*report_type.required, *report_type.optional}
        for name in {"interval_start", "payout", "connected_account"} - taken:
            key = f"parameters[{name}]"
            refused = live.post(RUNS, data={**fields, key: "1"}).json()["error"]
            assert (refused["code"], refused["param"]) == ("parameter_unknown", key)

    @every_type
    def test_the_same_seed_prints_the_same_bytes(self, world: Simulator, report_type: ReportType) -> None:
        again = Simulator(
            ManualClock(), seed=5, opening=date(2026, 5, 1), report_types=[report_type], volume=8
        )
        needs: dict[str, Any] = {
            key[11:-1]: int(value) if value.isdigit() else value
            for key, value in form(report_type, world).items()
            if key.startswith("parameters[")
        }

        assert again.csv(report_type.id, **needs) == world.csv(report_type.id, **needs)

    @types(lambda each: each.live_only)
    def test_some_exist_in_live_mode_only_and_say_so(
        self, clock: ManualClock, report_type: ReportType
    ) -> None:
        sim = Simulator(clock)
        test, live = caller(sim), caller(sim, "rk_live_1")
        refused = test.post(RUNS, data=form(report_type, sim))

        assert refused.status_code == 404
        said = refused.json()["error"]["message"]
        assert "only available for live data and requires a live mode key" in said
        assert test.get(f"{TYPES}/{report_type.id}").status_code == 404
        assert live.get(f"{TYPES}/{report_type.id}").json()["default_columns"]
        assert report_type.id in {each["id"] for each in live.get(TYPES).json()["data"]}


class TestCells:
    """What a column's name promises about its cells, wherever it is printed."""

    KINDS = (
        (r"gross|fee|net|amount|balance|.*_amount|tax|total|subtotal", r"-?\d+(\.\d+)?"),
        (
            r"(created|available_on|.*_at|transaction_date|tax_date|.*_created)(_utc)?",
            r"\d{4}(-\d\d){2} \d\d(:\d\d){2}",
        ),
        (r"payout_expected_arrival_date", r"\d{4}-\d\d-\d\d 00:00:00"),
        (r"count|quantity", r"\d+"),
        (r"is_link|has_.*", r"true|false"),
        (r"card_brand", r"Visa|MasterCard|American Express|JCB"),
        (r"currency|.*_currency", r"[a-z]{3}"),
        (r"balance_transaction_id", r"txn_\w+"),
        (r"(automatic_)?payout_id", r"po_\w+"),
        (r"connected_account|account_id", r"acct_\w+"),
    )

    @every_type
    def test_they_are_of_the_columns_kind(
        self, world: Simulator, live: httpx.Client, report_type: ReportType
    ) -> None:
        wanted = {"columns": columns_of(report_type)} if takes_columns(report_type) else {}
        header, *rows = table(live, live.post(RUNS, data=form(report_type, world, **wanted)))
        kinds = {
            name: shape for pattern, shape in self.KINDS for name in header if re.fullmatch(pattern, name)
        }

        assert kinds
        for name, shape in kinds.items():
            cells = {row[header.index(name)] for row in rows} - {""}
            assert [cell for cell in cells if not re.fullmatch(shape, cell)] == [], name

    @types(lambda each: "timezone" in each.optional and local_times(each))
    def test_local_times_move_with_the_zone_and_their_utc_columns_stay(
        self, world: Simulator, live: httpx.Client, report_type: ReportType
    ) -> None:
        columns = [column for name in local_times(report_type) for column in (name, f"{name}_utc")]
        _, *rows = table(
            live,
            live.post(RUNS, data=form(report_type, world, columns=columns, timezone="Asia/Kolkata")),
        )
        pairs = {pair for row in rows for pair in zip(row[::2], row[1::2], strict=True)} - {("", "")}
        ahead = {datetime.fromisoformat(local) - datetime.fromisoformat(utc) for local, utc in pairs}

        assert ahead == {timedelta(hours=5, minutes=30)}

    def test_sales_and_tax_add_up_line_by_line(self, world: Simulator) -> None:
        body = world.csv("tax.transactions.itemized.2", interval_start=JUNE_1, interval_end=JUNE_9)
        rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))

        assert {row["type"] for row in rows} <= {"transaction", "reversal"}
        for row in rows:
            assert Decimal(row["total"]) == Decimal(row["subtotal"]) + Decimal(row["tax_amount"])
            parts = Decimal(row["taxable_amount"]) + Decimal(row["non_taxable_amount"])
            assert Decimal(row["subtotal"]) == parts
        assert any(len(row["filing_exchange_rate"]) == 18 for row in rows)

    EXPORT_FILTERS = (
        ({"country": "US"}, "country_code", {"US"}),
        ({"states": "CA"}, "state_code", {"CA"}),
        ({"states": ["CA", "NV"]}, "state_code", {"CA"}),
        ({"taxable": "false"}, "tax_rate", {"0"}),
        ({"tax_type": "vat"}, "tax_type", {"vat"}),
        ({"is_eu_vat_moss": "true"}, "tax_type", {"vat"}),
        ({"jurisdiction_key": "us-ca"}, "jurisdiction_name", {"California"}),
        ({"type": "refund"}, "transaction_type", {"reversal"}),
    )

    @pytest.mark.parametrize(
        ("filters", "column", "left"), EXPORT_FILTERS, ids=[str(each[0]) for each in EXPORT_FILTERS]
    )
    def test_filters_of_the_tax_export_leave_what_they_name(
        self, world: Simulator, live: httpx.Client, filters: dict[str, Any], column: str, left: set[str]
    ) -> None:
        export = next(each for each in REPORT_TYPES if each.id == "tax.itemized_export.1")
        _, *every = table(live, live.post(RUNS, data=form(export, world)))
        header, *rows = table(live, live.post(RUNS, data=form(export, world, **filters)))

        assert 0 < len(rows) < len(every)
        assert {row[header.index(column)] for row in rows} == left

    def test_the_tax_export_and_the_tax_summary_have_the_same_tax(self, world: Simulator) -> None:
        def tax(id: str, column: str, **filters: Any) -> Decimal:
            body = world.csv(id, interval_start=JUNE_1, interval_end=JUNE_9, country="DE", **filters)
            rows = csv.DictReader(io.StringIO(body.decode(), newline=""))
            return sum((Decimal(row[column]) for row in rows), Decimal(0))

        taxed = tax("tax.summarized_export.1", "total_tax_collected", type="checkout")
        assert tax("tax.itemized_export.1", "tax_amount", type="checkout") == taxed > 0

    @pytest.mark.parametrize("scope", ["", "connected_account_"], ids=["own", "connected"])
    def test_a_financial_account_moves_by_its_activity(self, world: Simulator, scope: str) -> None:
        def rows(stem: str) -> list[dict[str, str]]:
            (id,) = (
                each.id for each in REPORT_TYPES if each.id.startswith(f"{scope}financial_account_{stem}.")
            )
            body = world.csv(id, interval_start=JUNE_1, interval_end=JUNE_9)
            return list(csv.DictReader(io.StringIO(body.decode(), newline="")))

        lines: dict[str, Decimal] = {}
        for row in rows("balance.summary"):
            lines[row["category"]] = lines.get(row["category"], Decimal(0)) + Decimal(row["amount"])
        items = rows("balance_change_from_activity.itemized")
        moved = sum((Decimal(row["available_balance_impact"]) for row in items), Decimal(0))

        assert moved == lines["activity"] != 0
        assert lines["starting_balance"] + moved == lines["ending_balance"]


class TestFacts:
    """This reading against the facts, so that neither drifts alone."""

    def test_all_documented_types_are_served_and_of_the_others_some(self) -> None:
        served = {each.id for each in REPORT_TYPES}

        assert len(served) == len(REPORT_TYPES)
        assert served <= FACTS.keys()
        assert {each.id for each in DOCUMENTED_TYPES} == DOCUMENTED

    @every_type
    def test_columns_parameters_and_version_agree(self, report_type: ReportType) -> None:
        facts = FACTS[report_type.id]
        beyond = set(report_type.columns) - set(facts.columns)

        assert set(report_type.required) == set(facts.required)
        assert set(report_type.optional) == set(facts.optional)
        assert set(facts.columns) <= set(report_type.columns)
        assert not (facts.complete and beyond)
        assert facts.version == report_type.version

    @types(lambda each: each.id in LISTED)
    def test_default_columns_and_their_order_are_those_that_stripe_listed(
        self, report_type: ReportType
    ) -> None:
        assert report_type.default_columns == LISTED[report_type.id]

    @types(lambda each: FACTS[each.id].defaults)
    def test_default_columns_agree_where_they_are_known(self, report_type: ReportType) -> None:
        assert (report_type.default_columns or report_type.columns) == FACTS[report_type.id].defaults
