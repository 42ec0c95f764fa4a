"""Tables of the READMEs that are data say what the data say."""

import pytest

from tests.readme import section
from tests.readme.tables import TABLES


@pytest.mark.parametrize(("path", "name"), TABLES)
def test_a_table_is_the_one_made_from_its_data(path: str, name: str) -> None:
    assert section(path, name) == TABLES[path, name](), "python -m tests.readme writes the tables"
