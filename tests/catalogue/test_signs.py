"""Which way amounts count in which report, and how far that is known."""

import pytest

from connector.catalogue import REPORTS, Granularity, ReportSpec, column, columns_of, custom_report, report
from connector.catalogue.signs import Sign, Strength, describe_amounts

#: A report's name without version: the sign of what is paid out, of a fee that is charged, and how these were
#: learnt. A: 182 payouts in raw exports. B: https://github.com/NorfairKing/centjes, two months, version 2; a
#: Rails application's specification, version 1. None: in no file that was seen.
FACTS = {
    "payouts_itemized": (1, 1, Strength.SEEN),
    "payouts_summary": (None, None, Strength.UNSEEN),
    "balance_change_from_activity_itemized": (-1, 1, Strength.SEEN),
    "balance_change_from_activity_summary": (-1, -1, Strength.USED),
    "payout_reconciliation_itemized": (-1, 1, Strength.SEEN),
    "payout_reconciliation_by_id_itemized": (-1, 1, Strength.SEEN),
    "payout_reconciliation_summary": (-1, None, Strength.UNSEEN),
    "payout_reconciliation_by_id_summary": (-1, None, Strength.UNSEEN),
    "ending_balance_reconciliation_itemized": (-1, 1, Strength.SEEN),
    "ending_balance_reconciliation_summary": (-1, None, Strength.UNSEEN),
    "activity_summary": (-1, None, Strength.UNSEEN),
}
WITH_NET = [spec for spec in REPORTS.values() if spec.net_columns]
OWN = [spec for spec in WITH_NET if not spec.id.startswith("connected_account_")]

each = pytest.mark.parametrize("spec", WITH_NET, ids=lambda spec: spec.id)


@pytest.mark.parametrize("spec", OWN, ids=lambda spec: spec.id)
def test_signs_are_as_they_were_seen(spec: ReportSpec) -> None:
    paid_out, fee, strength = FACTS[spec.name]

    assert (spec.paid_out_sign.factor, spec.fee_sign.factor) == (paid_out, fee)
    assert spec.fee_sign.strength is strength


@pytest.mark.parametrize("spec", [spec for spec in WITH_NET if spec not in OWN], ids=lambda spec: spec.id)
def test_of_connected_accounts_no_file_was_seen(spec: ReportSpec) -> None:
    assert spec.fee_sign.factor is None
    assert (spec.paid_out_sign.factor is None) == ("payouts" in spec.name)


@each
def test_what_is_not_settled_was_not_seen_and_the_reverse(spec: ReportSpec) -> None:
    for sign in (spec.paid_out_sign, spec.fee_sign):
        assert (sign.factor is None) == (sign.strength is Strength.UNSEEN)


@each
def test_the_description_of_a_column_says_what_the_report_prints(spec: ReportSpec) -> None:
    texts = describe_amounts(spec.paid_out_sign, spec.fee_sign)
    found = {entry.name: entry.about for entry in columns_of(spec, spec.net_columns)}

    assert found == {name: texts[name] for name in spec.net_columns or ()}


SAID = [
    pytest.param(
        "payouts_itemized", "net", "What was paid out: gross less fee; positive when paid out", id="p"
    ),
    pytest.param("balance_summary", "net_amount", "negative when money leaves the balance", id="balance"),
    pytest.param("balance_change_from_activity_summary", "fee", "negative when charged", id="by-category"),
    pytest.param("balance_change_from_activity_summary", "net", "gross plus fee", id="net-by-category"),
    pytest.param("balance_change_from_activity_itemized", "fee", "positive when charged", id="itemized"),
    pytest.param("payouts_summary", "gross", "was not seen in any file", id="unsettled"),
]


@pytest.mark.parametrize(("name", "money", "text"), SAID)
def test_it_says_so_in_words(name: str, money: str, text: str) -> None:
    (entry,) = columns_of(report(name), [money])

    assert text in entry.about


def test_the_dictionary_says_nothing_of_a_sign() -> None:
    """It has one text for all reports."""
    assert not [
        name for name in ("gross", "fee", "net") if {"positive", "negative"} & {*column(name).about.split()}
    ]


def test_a_report_described_by_hand_has_the_signs_of_the_version_it_follows() -> None:
    spec = custom_report("payouts.itemized.9", {"payout_id": None, "net": None, "moon": "text"})
    known = report("payouts_itemized")

    assert (spec.paid_out_sign, spec.fee_sign) == (known.paid_out_sign, known.fee_sign)
    assert columns_of(spec, ["net"]) == columns_of(known, ["net"])


def test_of_a_report_nobody_knows_no_sign_is_settled() -> None:
    spec = custom_report("moon_rent.itemized.1", {"net": None})

    assert spec.fee_sign.factor is None
    assert spec.granularity is Granularity.OTHER


@pytest.mark.parametrize(("factor", "sql"), [(1, "net"), (-1, "-net"), (None, "net")])
def test_an_amount_is_turned_by_its_sign_alone(factor: int | None, sql: str) -> None:
    assert Sign(factor, Strength.SEEN).positive("net") == sql
