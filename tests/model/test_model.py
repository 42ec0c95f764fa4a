"""Whatever happens to whom, in any order, the laws hold. More: `make chaos`, `python -m tests.model`."""

import pytest

from tests.model.__main__ import found_within, live
from tests.model.planted import PLANTED


def test_the_laws_hold_after_every_command() -> None:
    live(1, 10, steps=14, shrink=False)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_fits_the_code(name: str) -> None:
    with PLANTED[name]():
        pass


@pytest.mark.soak
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_found_within_two_minutes(name: str) -> None:
    assert found_within(120, 1, name)
