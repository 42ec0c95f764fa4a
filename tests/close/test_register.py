"""The register of sign-offs: what is written is read back, and two never hold at once."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.close import Month, Register, SignOff, changes_since
from connector.close.rows import Owner
from connector.close.sign_off import Input, Sums
from connector.errors import ConfigurationError, StoreError
from connector.money import differences, money_text

JUNE = Month.of("2026-06")
AT = datetime(2026, 7, 3, 9, 30, tzinfo=UTC)

money = st.dictionaries(
    st.sampled_from(["usd", "jpy", "kwd", ""]),
    st.decimals(allow_nan=False, allow_infinity=False, places=18, min_value=-(10**12), max_value=10**12),
)


def input_(key: str = "2026-06-01", version: str = "a", **given: object) -> Input:
    fields = {"csv_sha256": f"csv of {version}", "run_id": f"frr_{version}", "rows": 2, **given}
    fields.setdefault("totals", {"usd": Decimal("1.50")})
    return Input("balance_summary", key, version, **fields)  # type: ignore[arg-type]


def signed(*inputs: Input) -> SignOff:
    return SignOff(str(JUNE), AT, "J. Doe", inputs, ())


@pytest.fixture
def register(tmp_path: Path) -> Register:
    return Register(tmp_path, "live")


@given(st.builds(input_, totals=money), st.builds(Sums, st.builds(Owner, st.text()), st.text(), money))
def test_what_is_signed_is_read_back(first: Input, sums: Sums) -> None:
    made = SignOff(str(JUNE), AT, None, (first,), (sums,))

    assert SignOff.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_a_month_is_signed_opened_and_signed_again(register: Register) -> None:
    one, two = signed(input_(version="a")), signed(input_(version="b"))

    register.sign(JUNE, one)
    register.reopen(JUNE, AT, "J. Doe")
    between = register.signed(JUNE)
    register.sign(JUNE, two)

    assert between is None
    assert register.signed(JUNE) == two
    assert [(each.number, each.kind, each.sign_off) for each in register.history(JUNE)] == [
        (1, "signed", one),
        (2, "reopened", None),
        (3, "signed", two),
    ]
    assert register.signed(Month.of("2026-07")) is None


def test_what_is_signed_is_not_signed_twice(register: Register) -> None:
    register.sign(JUNE, signed())

    with pytest.raises(ConfigurationError, match="signed off already"):
        register.sign(JUNE, signed())


def test_of_several_that_sign_at_once_one_does(tmp_path: Path) -> None:
    def sign(number: int) -> bool:
        try:
            Register(tmp_path, "live").sign(JUNE, signed(input_(version=f"{number}")))
        except ConfigurationError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(sign, range(8)))

    assert done.count(True) == 1
    assert len(Register(tmp_path, "live").history(JUNE)) == 1


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "at": "x", "by": null}'])
def test_a_file_that_cannot_be_read_is_named(register: Register, content: str) -> None:
    path = Path(register.sign(JUNE, signed()))
    path.write_text(content)

    with pytest.raises(StoreError, match=r"0001-signed\.json.*Restore it"):
        register.signed(JUNE)


def changes(before: tuple[Input, ...], after: tuple[Input, ...]) -> list[str]:
    return list(changes_since(signed(*before), after, ()))


@st.composite
def what_happens(draw: st.DrawFn) -> tuple[list[Input], list[Input], set[str]]:
    """The files of some days as they were signed, as they are now, and the days that are not the same."""
    before, now, changed = [], [], set()
    for number in range(1, 9):
        key = f"2026-06-{number:02}"
        was = input_(key, totals=draw(money))
        fate = draw(st.sampled_from(["same", "same", "read otherwise", "restated", "gone", "new"]))
        if fate != "new":
            before.append(was)
        if fate in {"same", "new"}:
            now.append(was)
        elif fate == "read otherwise":
            now.append(input_(key, "b", csv_sha256=was.csv_sha256, totals=was.totals))
        elif fate == "restated":
            now.append(input_(key, "c", totals=draw(money), rows=draw(st.integers(0, 3))))
        changed |= {key} - ({key} if fate in {"same", "read otherwise"} else set())
    return before, now, changed


@given(what_happens())
def test_each_file_that_is_not_as_it_was_is_named_and_no_other(
    happened: tuple[list[Input], list[Input], set[str]],
) -> None:
    before, now, changed = happened

    said = changes((*before, input_("2026-06-30")), (*now, input_("2026-06-30")))

    assert set(re.findall(r"2026-06-\d\d", " ".join(said))) == changed


@given(money, money)
def test_the_difference_is_told_in_each_currency_to_the_last_decimal(
    was: dict[str, Decimal], now: dict[str, Decimal]
) -> None:
    said = " ".join(changes((input_(totals=was),), (input_(version="b", totals=now),)))

    moved = differences(was, now)
    assert [name for name in ("usd", "jpy", "kwd") if f" {name}" in said] == [
        name for name in ("usd", "jpy", "kwd") if name in moved
    ]
    assert all(money_text(amount.copy_abs(), currency) in said for currency, amount in moved.items())


def test_what_a_project_does_not_read_is_not_missed_in_what_was_signed() -> None:
    other = Input("elsewhere", "2026-06-01", "v", "csv", "frr_v", 1, {})
    theirs = Sums(Owner("acct_1"), "usd", {"opening": Decimal(1)})
    before = SignOff(str(JUNE), AT, None, (input_(), other), (theirs,))

    own = before.about({"balance_summary"}, {Owner("default")})

    assert list(changes_since(own, (input_(),), ())) == []
    assert len(list(changes_since(before, (input_(),), ()))) == 2


def test_an_account_that_joins_or_leaves_with_nothing_is_named() -> None:
    nothing = Sums(Owner("acct_1"), "usd", {"opening": Decimal(0)})
    before = SignOff(str(JUNE), AT, None, (), (nothing,))

    assert list(changes_since(before, (), ())) == [
        "acct_1: usd is gone since the sign-off, with amounts of zero."
    ]


def test_a_changed_a_missing_and_a_new_file_are_named_with_their_money() -> None:
    dearer = input_("2026-06-02", "c", totals={"usd": Decimal("1.25"), "jpy": Decimal(3)}, rows=1)

    found = changes((input_(), input_("2026-06-02")), (dearer, input_("2026-06-03")))

    assert found == [
        "balance_summary 2026-06-01 was signed off and is missing: -1.50 usd. Pull it again.",
        "balance_summary 2026-06-02 changed after the sign-off: +3 jpy and -0.25 usd, -1 rows, report run "
        "frr_c after frr_a.",
        "balance_summary 2026-06-03 was not there at the sign-off: +1.50 usd.",
    ]


def test_files_that_differ_in_no_sum_are_named_together() -> None:
    keys = [f"2026-06-{day:02}" for day in range(1, 31)]

    found = changes(tuple(map(input_, keys)), tuple(input_(key, "b") for key in keys))

    assert found == [
        "balance_summary 2026-06-01 to 2026-06-30 changed after the sign-off in other ways: what moved adds "
        "up to the same."
    ]


def test_bytes_that_are_read_in_another_way_are_the_same_where_their_amounts_are() -> None:
    again = input_(version="b", csv_sha256="csv of a", run_id="frr_a")
    otherwise = input_(version="b", csv_sha256="csv of a", run_id="frr_a", totals={"usd": Decimal(15)})

    assert changes((input_(),), (again,)) == []
    assert changes((input_(),), (otherwise,)) == [
        "balance_summary 2026-06-01 changed after the sign-off: +13.50 usd."
    ]


def test_a_table_that_is_new_changes_nothing_that_was_signed() -> None:
    other = Input("all_fees", "2026-06-01", "v", "csv", "frr_v", 1, {})

    assert changes((input_(),), (input_(), other)) == []
