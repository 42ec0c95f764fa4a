"""One finder of files: rows in SQL = rows of the Store = rows published, and everything else is named."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.dataset.disorder import Disorder


def _live(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Disorder,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whatever_people_do_below_a_root_nothing_is_counted_twice_or_lost() -> None:
    _live(examples=8, steps=25)


@pytest.mark.soak
def test_the_same_for_ten_thousand_steps() -> None:
    _live(examples=200, steps=50)
