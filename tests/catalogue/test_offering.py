"""What Stripe offers beside what the catalogue knows: nothing is passed over on either side."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.api.models import Mode, ReportType
from connector.catalogue import REPORTS, Status, report
from connector.catalogue.offering import Standing, about, offerings
from connector.column_diff import ColumnDiff
from connector.errors import ConfigurationError

SUMMARY = report("balance_summary")
LIVE_ONLY = next(spec for spec in REPORTS.values() if spec.live_only)


def offered(id: str, *columns: str) -> ReportType:
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, 12, tzinfo=UTC)
    return ReportType(id, "A report", start, end, end, columns or None)


def test_every_type_of_either_side_is_there_once() -> None:
    found = offerings([offered("balance.summary.1"), offered("brand.new.1")], REPORTS, Mode.TEST)

    assert [each.id for each in found] == [*REPORTS, "brand.new.1"]
    assert {each.standing for each in found if each.offered} == {Standing.KNOWN, Standing.UNKNOWN}


@pytest.mark.parametrize(
    ("mode", "standing"),
    [
        pytest.param(Mode.LIVE, Standing.NOT_OFFERED, id="a live key would see it"),
        pytest.param(Mode.TEST, Standing.LIVE_ONLY, id="a test key cannot"),
        pytest.param(Mode.SIMULATED, Standing.LIVE_ONLY, id="nor can a simulated one"),
    ],
)
def test_what_exists_only_in_live_mode_is_missing_for_a_reason(mode: Mode, standing: Standing) -> None:
    (found,) = offerings([], {LIVE_ONLY.id: LIVE_ONLY}, mode)

    assert found.standing is standing


@pytest.mark.parametrize(
    ("columns", "difference"),
    [
        pytest.param(("category", "description", "net_amount", "currency"), None, id="the same"),
        pytest.param(
            ("category", "description", "net_amount", "currency", "memo"),
            ColumnDiff(("memo",), ()),
            id="one more",
        ),
        pytest.param(
            ("category", "net_amount", "currency"),
            ColumnDiff((), ("description",)),
            id="one less",
        ),
        pytest.param(
            ("currency", "category", "description", "net_amount"),
            ColumnDiff((), (), reordered=True),
            id="another order",
        ),
        pytest.param(
            (),
            ColumnDiff((), ("category", "description", "net_amount", "currency")),
            id="takes no columns any more",
        ),
    ],
)
def test_default_columns_that_differ_are_named(
    columns: tuple[str, ...], difference: ColumnDiff | None
) -> None:
    (found,) = offerings([offered(SUMMARY.id, *columns)], {SUMMARY.id: SUMMARY}, Mode.LIVE)

    assert found.difference == difference


def test_defaults_nobody_documented_are_compared_with_nothing() -> None:
    unknown = replace(SUMMARY, stripe_defaults=None, status=Status.OBSERVED)
    (found,) = offerings([offered(SUMMARY.id, "a")], {SUMMARY.id: unknown}, Mode.LIVE)

    assert found.difference is None


def test_a_name_means_all_its_versions_on_either_side() -> None:
    every = offerings([offered("balance.summary.9")], REPORTS, Mode.LIVE)

    assert [each.id for each in about("balance_summary", every)] == [
        "balance.summary.1",
        "balance.summary.2",
        "balance.summary.9",
    ]


def test_a_name_that_neither_side_has_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match=r"neither .* 'brand\.new\.2'; nearest: brand\.new\.1"):
        about("brand.new.2", offerings([offered("brand.new.1")], REPORTS, Mode.LIVE))
