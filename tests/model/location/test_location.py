"""Whatever people, sensors and Stripe do to a code location, the laws hold. More: `make soak`."""

import pytest

from tests.model.location.__main__ import found_within, live
from tests.model.location.planted import PLANTED

#: Dagster 1.13 tags runs of two dimensions with keys that it deprecates itself.
pytestmark = pytest.mark.filterwarnings("ignore:Non-compliant tag keys like .'dagster/partition/")


def test_the_laws_of_a_code_location_hold() -> None:
    live(1, 3, steps=12)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_the_laws_hold_for_many_weeks() -> None:
    for number in range(2, 12):
        live(number, 12, steps=25)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_fits_the_code(name: str) -> None:
    with PLANTED[name]():
        pass


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_found_within_three_minutes(name: str) -> None:
    law, _ = found_within(180, 1, PLANTED[name])
    assert law
