"""The figures of `make bench` as the README quotes them."""

from typing import Any

from tests.bench.quote import MARK, README, quoted
from tests.readme import section

MEASURED: dict[str, Any] = {
    "about": {"date": "2026-11-27 11:09 UTC", "machine": "2 × EPYC", "python": "3.11.7"},
    "versions": {"connector": "connector 0.1.0", "dlt": "dlt 1.31.0", "floor": ""},
    "skipped": {"polars": "no such wheel"},
    "figures": [
        {"case": case, "contender": contender, "ratio": ratio}
        for case, contender, ratio in [
            ("wait for 90; ratio to the floor", "dlt", 1.5),
            ("wait for 90; ratio to the floor", "connector", 1.1),
            ("wait for 90; ratio to the floor", "connector", 1.3),
            ("wait for 90; ratio to the floor", "connector", 1.2),
            ("wait for 365; ratio to the floor", "connector", 1.0),
            ("convert; ratio to the fastest peer", "dlt", 1.0),
        ]
    ],
}


def test_each_case_is_a_row_with_our_median_and_spread_and_what_failed_says_so() -> None:
    runs = [MEASURED | {"figures": MEASURED["figures"][:4]}, MEASURED | {"figures": MEASURED["figures"][4:]}]

    assert quoted(runs).splitlines() == [
        "| measured | ours | others |",
        "|---|---|---|",
        "| wait for 90, times the floor | 1.20 (1.10 to 1.30) | dlt 1.50 |",
        "| wait for 365, times the floor | 1.00 | dlt no result |",
        "| convert, times the fastest peer | no result | dlt 1.00 |",
        "",
        "2026-11-27 11:09 UTC, 2 × EPYC, Python 3.11.7; connector 0.1.0, dlt 1.31.0. "
        "Left out: polars, no such wheel.",
    ]


def test_the_readme_has_a_place_for_them() -> None:
    assert section(README, MARK).endswith("\n")
