"""Where a project's data are: as Dagster finds it, so that commands look where assets are stored."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from connector.dataset.filesystem.access import Access
from connector.errors import ConfigurationError
from connector.project.roots import access_to, configured_roots, reached, root_here

FILE = """\
type: assets.StripeReportsComponent
attributes:
  connection: {%s}
  reports: [{report: balance_summary, start: 2026-06-01}]
"""


def configure(project: Path, *connections: str) -> None:
    """A file of ours for each of what may stand under `connection:`."""
    for number, connection in enumerate(connections):
        folder = project / "shop" / "defs" / f"account_{number}"
        folder.mkdir(parents=True)
        (folder / "defs.yaml").write_text(FILE % connection)


ROOTS = {
    "no file": ([], ["books"]),
    "a file without": ([""], ["books"]),
    "a path": (["root: data/eu"], ["data/eu"]),
    "a variable": (['root: "{{ env.PLACE }}"'], ["/srv/stripe"]),
    "a path with a variable": (['root: "{{ env.PLACE }}/eu"'], ["/srv/stripe/eu"]),
    "an unset variable": (['root: "{{ env.NOT_SET }}"'], ["books"]),
    "a bucket": (["root: s3://bucket/prefix"], ["s3://bucket/prefix"]),
    "several": (["root: data/eu", "", "root: data/us"], ["data/eu", "books", "data/us"]),
    "one place by several names": (["root: data", "root: ./data", "root: x/../data/"], ["data"]),
}


@pytest.mark.parametrize(("connections", "roots"), ROOTS.values(), ids=ROOTS)
def test_the_root_is_the_files_else_the_environments(
    tmp_path: Path, connections: Sequence[str], roots: Sequence[str]
) -> None:
    configure(tmp_path, *connections)

    found = configured_roots(tmp_path, {"STRIPE_REPORTS_ROOT": "books", "PLACE": "/srv/stripe"})

    assert list(found) == list(roots)


def test_of_several_roots_a_command_takes_none_by_itself(tmp_path: Path) -> None:
    configure(tmp_path, "root: data/eu", "root: s3://bucket/us")

    with pytest.raises(ConfigurationError, match="below data/eu and s3://bucket/us: choose one with --root"):
        root_here(tmp_path, {})


def test_credentials_of_a_root_are_not_shown(tmp_path: Path) -> None:
    configure(tmp_path, 'root: "{{ env.PLACE }}"', "root: data")

    with pytest.raises(ConfigurationError, match="choose one") as refused:
        root_here(tmp_path, {"PLACE": "s3://KEYID:hidden@bucket/data"})

    assert "hidden" not in str(refused.value)


def test_a_file_of_ours_that_cannot_be_read_leaves_the_root_unknown(tmp_path: Path) -> None:
    configure(tmp_path, "root: data}, {")

    with pytest.raises(ConfigurationError, match=r"shop/defs/account_0/defs.yaml cannot be read"):
        root_here(tmp_path, {})


def test_a_file_of_others_that_cannot_be_read_does_not(tmp_path: Path) -> None:
    (tmp_path / "defs" / "x").mkdir(parents=True)
    (tmp_path / "defs" / "x" / "defs.yaml").write_text("type: other.Component\nattributes: {{ here }}\n: [")

    assert root_here(tmp_path, {}) == "data"


def test_a_bucket_is_reached_as_the_file_says_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE", "https://s3.example")
    configure(
        tmp_path,
        "root: s3://other, region: us-1",
        'root: s3://books/eu, endpoint: "{{ env.PLACE }}", region: eu-1',
        "root: s3://public, anonymous: true",
        "",
    )

    assert access_to("s3://books/eu/", tmp_path) == Access("https://s3.example", "eu-1")
    assert access_to("s3://public", tmp_path) == Access(anonymous=True)
    assert access_to("s3://nobody", tmp_path) is None
    assert str(reached("s3://books/eu", tmp_path)) == "s3://books/eu"
    assert reached("s3:books", tmp_path) == "s3:books"
