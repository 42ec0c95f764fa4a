"""Names in a sentence are as many as one reads."""

import pytest

from connector.text import join_names

NAMES = [
    pytest.param(0, "", id="none"),
    pytest.param(1, "n0", id="one"),
    pytest.param(2, "n0 and n1", id="two"),
    pytest.param(3, "n0, n1 and n2", id="three"),
    pytest.param(4, "n0, n1, n2 and 1 more", id="one-too-many"),
    pytest.param(2003, "n0, n1, n2 and 2,000 more", id="far-too-many"),
]


@pytest.mark.parametrize(("count", "text"), NAMES)
def test_names_in_a_sentence(count: int, text: str) -> None:
    assert join_names((f"n{number}" for number in range(count)), limit=3) == text
