"""Many files in one code location: no two take the same name, and looking takes linear work."""

import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import ConfiguredReport, StripeReporting
from assets.config.taken_names import TakenNames
from connector.errors import ConfigurationError
from connector.query import ReportQuery

REPORT = ConfiguredReport(ReportQuery.of("balance_summary"), start=date(2026, 5, 1))


class File:
    """A `defs.yaml` that counts how often it is looked at."""

    def __init__(
        self, key: str, *, prefix: str | None = None, root: str = "data", looks: Counter[str]
    ) -> None:
        self.resource_key = key
        self.analytics = True
        self.prefix = prefix
        self.connection = StripeReporting(api_key=dg.EnvVar("STRIPE_API_KEY"), root=root)
        self._looks = looks

    @property
    def reports(self) -> list[ConfiguredReport]:
        self._looks["reports"] += 1
        return [REPORT]


def looks_at(count: int) -> int:
    """How many times files are looked at until each of so many is known to clash with none."""
    looks: Counter[str] = Counter()
    files = [File(f"account_{n}", root=f"data/{n}", looks=looks) for n in range(count)]
    names = TakenNames(files)
    for each in files:
        names.refuse_clashes(each)
    return looks["reports"]


def test_ten_times_as_many_files_are_ten_times_the_work() -> None:
    assert looks_at(300) == 10 * looks_at(30)


KEYS = st.sampled_from(["a", "a_late", "a_parquet", "b"])
FILES = st.lists(
    st.tuples(
        KEYS, st.none() | st.sampled_from(["a", "a/b", "a__b", "c"]), st.sampled_from(["x", "y", "x/../y"])
    ),
    min_size=2,
    max_size=4,
)


@given(files=FILES)
def test_a_file_among_many_is_refused_if_one_of_them_clashes_with_it(files: list[Any]) -> None:
    """Looked at together, they say what each pair says by itself."""
    made = [File(key, prefix=prefix, root=root, looks=Counter()) for key, prefix, root in files]

    def refused(file: File, *among: File) -> bool:
        try:
            TakenNames(among).refuse_clashes(file)
        except ConfigurationError:
            return True
        return False

    for each in made:
        pairs = [refused(each, each, other) for other in made if other is not each]
        assert refused(each, *made) is any(pairs)


def test_the_files_that_clash_are_named_whatever_lies_between_them() -> None:
    files = [File(f"account_{n}", root=f"data/{n}", looks=Counter()) for n in range(20)]
    files.append(File("again", root="data/7", looks=Counter()))

    message = (
        f"account_7 and again would both write to the table balance_summary below {Path('data/7').resolve()}"
    )
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        TakenNames(files).refuse_clashes(files[-1])
