"""A root as it is used and as it is shown: credentials in a URL are in nothing that is shown."""

import itertools
import json
import os
import stat
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from obstore.store import MemoryStore

from connector.checks import UnreadableError, check_opened_file, open_file
from connector.cli import main
from connector.dataset.filesystem.clouds import open_root
from connector.dataset.filesystem.place import Place
from connector.dataset.store import Store
from connector.errors import ConfigurationError, ReportingError, StoreError
from connector.query import ReportQuery
from connector.settings import Connection
from connector.sql.warehouse import open_warehouse
from connector.text import visible
from tests.support.datasets import DATASET, provenance, write
from tests.support.memory_bucket import Watched, bucket
from tests.support.raw_server import raw_server

SECRET = "s3cretRecognisable"
URL = f"memory://KEY:{SECRET}@bucket/prefix?region=x"
ODD = st.text(st.sampled_from("aZ0 /?#@:%&=+;,'\"\\é\u202e\n~*[.-_"), max_size=6)
SCHEMES = st.sampled_from(["s3", "gs", "abfs", "abfss", "hdfs", "mock", "file", "S3", "nowhere"])


def shown(place: str) -> str:
    """All that is shown of a root, whatever becomes of it."""
    try:
        parsed = Place.of(place)
    except ConfigurationError as error:
        return everything_of_message(error)
    said = [
        str(parsed),
        repr(parsed),
        f"{parsed}",
        parsed.uri("t/report.parquet"),
        parsed.hide(f"'{place}'!"),
    ]
    said += [repr(Connection(root=place)), visible(str(parsed))]
    return "\n".join(said)


def everything_of_message(error: ReportingError) -> str:
    return f"{error}{error!r}{error.args}{error.__cause__}{error.__context__}"


@st.composite
def urls(draw: st.DrawFn) -> str:
    """URLs that hold a secret somewhere, well or badly written."""
    before, after = draw(ODD), draw(ODD)
    secret = f"{before}{SECRET}{after}"
    escaped = draw(st.sampled_from([quote(secret, safe=""), secret]))
    user = draw(st.sampled_from([f"KEY:{escaped}", f":{escaped}", f"{quote(secret, safe='')}:", None]))
    query = draw(
        st.sampled_from(["", "?region=x", f"?client_secret={escaped}", f"?a=b&sas_token={escaped}"])
        if user
        else st.sampled_from(
            [
                *(f"?client_secret={escaped}", f"?{quote('x y')}={escaped}&region=x"),
                "?endpoint_override=" + quote(f"http://u:{secret}@host:1", safe=""),
                f"?region=x&endpoint_override=http://u:{quote(secret, safe='')}@host",
            ]
        )
    )
    at = "" if user is None else f"{user}@"
    return f"{draw(SCHEMES)}://{at}bucket{draw(st.sampled_from(['', ':1']))}/{draw(ODD)}{query}"


@given(urls())
@example(f"s3://KEY:12/{SECRET}@bucket/x")
@example(f"s3://KEY:12?{SECRET}@bucket/x")
@example(f"s3://KEY:{SECRET}#@bucket/x")
@example(f"s3://bucket/?=?client_secret={SECRET}")
@example(f"s3://bucket/?region=?client_secret={SECRET}")
@example(f"s3://KEY:@{SECRET}?@bucket/")
@example(f"s3://KEY:@{SECRET}/@bucket/")
@example(f"s3:/KEY:{SECRET}@bucket/x")
@example(f"s3:KEY:{SECRET}@bucket/x")
@example(f"s3://KEY:{SECRET}@bucket/\udce9")
@example(f"s3://KEY:{SECRET}@bucket/\0")
def test_nothing_that_is_shown_of_a_place_holds_the_secret(url: str) -> None:
    assert SECRET not in shown(url)


@given(SCHEMES, ODD, ODD)
def test_the_file_system_gets_the_place_as_it_was_given_and_people_its_path(
    scheme: str, before: str, after: str
) -> None:
    secret = quote(f"{before}{SECRET}{after}", safe="")
    place = Place.of(f"{scheme}://KEY:{secret}@bucket/prefix/?region=x&client_secret={secret}")

    uri = urlsplit(place.uri("t/period=1/report.parquet"))

    assert place.real == f"{scheme}://KEY:{secret}@bucket/prefix/?region=x&client_secret={secret}"
    assert uri.path == "/prefix/t/period=1/report.parquet"
    assert uri.query == "region=x&client_secret=…"
    assert (uri.username, uri.hostname) == ("…", "bucket")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20))
def test_a_directory_is_shown_as_it_is(name: str) -> None:
    place = Place.of(f"/d/{name.replace('://', '')}")

    assert (str(place), place.is_remote, place.secrets) == (place.real, False, ())


REFUSED = {
    "a parameter that is none": f"s3://KEY:{SECRET}@bucket/p?bogus=1",
    "no bucket": f"s3://KEY:{SECRET}@/p",
    "a port": f"s3://KEY:{SECRET}@bucket:99/p?bogus=1",
    "a scheme that is none": f"s4://KEY:{SECRET}@bucket/p",
    "half an identity": f"abfs://c@acc.dfs.core.windows.net/p?client_secret={SECRET}",
    "an escape that is none": f"s3://KEY:{SECRET}%zz@bucket/p",
}


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
def test_an_error_of_the_store_does_not_carry_the_secret(url: str) -> None:
    place = Place.of(url)

    with pytest.raises(ConfigurationError, match="reports root") as caught:
        open_root(place)

    assert SECRET not in everything_of_message(caught.value)


def test_an_error_of_the_file_system_does_not_carry_the_secret() -> None:
    root = bucket(url=URL)

    error = root.failure("read", "bucket/x", OSError(f"AccessDenied for KEY with {SECRET}"))

    assert str(error).startswith("could not read bucket/x: AccessDenied for … with ….")


@pytest.mark.parametrize(
    "command",
    [
        ("pull", "balance_summary", "--from", "2026-06-01", "--to", "2026-06-02"),
        *(("check",), ("sql",), ("doctor",), ("sql", "SELECT 1"), ("check", "--json")),
        ("init", "--yes", "--reports", "balance_summary"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(
    "root",
    [f"s3://KEY:{SECRET}@bucket/p?bogus=1", f"s3:/KEY:{SECRET}@bucket", f"s3://KEY:a/{SECRET}@bucket"],
)
def test_no_command_prints_or_writes_the_secret(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    root: str,
    command: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STRIPE_API_KEY", "rk_test_51something")

    refused = b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
    with raw_server(lambda: [refused]) as url:
        monkeypatch.setenv("STRIPE_API_BASE", url)
        with pytest.raises(SystemExit) as ended:
            main([*command, "--root", root])

    said = "".join(capfd.readouterr())
    assert ended.value.code in {1, 2}
    assert said
    assert SECRET not in said
    assert "Traceback" not in said
    assert [path for path in tmp_path.rglob("*") if SECRET in str(path) or path.is_file()] == []


# What is published below such a place


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Store(bucket(url=URL))


def refusing(requests: int) -> Callable[[str, str], None]:
    """So many requests are answered, then one is refused, quoting the credentials."""
    left = itertools.count(requests, -1)

    def refuse(_name: str, _key: str) -> None:
        if next(left) <= 0:
            raise OSError(f"AccessDenied for KEY with {SECRET}")

    return refuse


@pytest.mark.parametrize("row_groups", [1, 2])
def test_whatever_read_is_refused_a_check_does_not_carry_the_secret(tmp_path: Path, row_groups: int) -> None:
    staged, query, said = tmp_path / "staged.parquet", ReportQuery.of("balance_summary"), []
    objects = MemoryStore()
    write(staged, provenance(), row_groups=row_groups)
    Store(bucket(objects, URL)).publish(staged, DATASET, provenance())

    for requests in range(6):
        store = Store(bucket(Watched(objects, refusing(requests)), URL))
        try:
            with open_file(store, DATASET, query, "2026-06-01") as file:
                found = check_opened_file(store, DATASET, query, "2026-06-01", file)
                said.append("".join(each.finding.reason for each in found))
                said.append(f"{file.head(3).num_rows} rows")
        except (StoreError, UnreadableError) as error:
            said.append(str(error))

    assert f"{row_groups} rows" in said
    assert any("AccessDenied for … with …" in each for each in said)
    assert SECRET not in "".join(said)


def test_neither_files_nor_metadata_hold_the_secret(store: Store, tmp_path: Path) -> None:
    write(tmp_path / "staged.parquet", provenance())
    published = store.publish(tmp_path / "staged.parquet", DATASET, provenance())

    files = store._root.everything_below(store._path(""), through=())
    assert len(files) == 2
    assert [each for each in files if SECRET.encode() in (store._root.read(each) or [b""])[0]] == []
    assert SECRET not in f"{published}{published!r}{store}{store!r}{store.root}"
    assert published.uri.endswith(
        "/prefix/test/balance_summary/account=default/period=2026-06-01/report.parquet?region=x"
    )
    assert SECRET not in json.dumps(store.datasets()[0].to_json())


# Directories


def test_the_home_directory_is_found_wherever_a_root_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    roots = {Store("~/data").root, Store(Path("~/data")).root, Connection(root="~/data").store().root}

    assert roots == {f"{tmp_path}/data"}


@pytest.mark.parametrize("root", ["/tmp/caf\udce9", "s3://bucket/caf\udce9", "/tmp/a\0b"])
def test_a_root_that_is_not_text_is_refused_once(
    root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for make in (open_root, Store, open_warehouse):
        with pytest.raises(ConfigurationError, match="is not UTF-8"):
            make(root)

    with pytest.raises(SystemExit, match="2"):
        main(["check", "--root", root])

    said = capfd.readouterr()
    assert said.err.count("is not UTF-8") == 1
    assert "Traceback" not in said.err


# Who may read


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_unfinished_work_is_its_owners_alone(tmp_path: Path) -> None:
    with open_root(tmp_path / "data").staging() as place:
        assert mode(place) == 0o700


def test_temporary_files_of_an_object_store_are_their_owners_alone(store: Store, tmp_path: Path) -> None:
    private = tmp_path / f"stripe-reports-{os.getuid()}"
    private.mkdir(mode=0o777)
    private.chmod(0o777)

    with store.staging() as place:
        assert place.parent == private
        assert (mode(place), mode(private)) == (0o700, 0o700)


def test_a_link_in_the_place_of_temporary_files_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / f"stripe-reports-{os.getuid()}").symlink_to(tmp_path / "theirs")

    with pytest.raises(StoreError, match="not a directory of this user"), store.staging():
        pass

    assert list((tmp_path / "theirs").iterdir()) == []


def test_a_directory_of_another_user_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = os.getuid()
    (tmp_path / f"stripe-reports-{me + 1}").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: me + 1)

    with pytest.raises(StoreError, match="set TMPDIR"), store.staging():
        pass


def test_a_link_planted_in_the_place_of_a_lock_empties_nothing(tmp_path: Path) -> None:
    root, target = open_root(tmp_path / "data"), tmp_path / "precious"
    with root.lock("test/sales"):
        (lock,) = (tmp_path / "data" / ".staging" / "locks").iterdir()
    lock.unlink(missing_ok=True)
    target.write_text("books")
    lock.symlink_to(target)

    with pytest.raises(StoreError, match="could not write"), root.lock("test/sales"):
        pass

    assert target.read_text() == "books"


def test_a_store_takes_a_place_with_credentials() -> None:
    root = open_root(f"s3://KEY:{SECRET}%2F@bucket/p?region=x&scheme=http&endpoint_override=127.0.0.1:9")

    assert root.path("x") == "bucket/p/x"
    assert root.uri("x").startswith("s3://…@bucket/p/x")
    assert SECRET not in repr(root) + repr(root.filesystem)


NOT_A_URL = (
    "the reports root is not a valid URL, and is not shown, as it may hold credentials; an example is "
    "s3://bucket/prefix. In a user or password / ? # @ : % and spaces are written as %2F %3F %23 %40 %3A %25 "
    "%20"
)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("/a\0b", "the reports root is not UTF-8 text; rename the directory, or use another one"),
        (
            "S3:/bucket",
            "the reports root begins with S3: and is not a URL; one has two slashes, as in "
            "s3://bucket/prefix",
        ),
        ("s3://a b/c", NOT_A_URL),
        ("s3://bucket/x?a=b@c", NOT_A_URL),
        ("s3://k:p@bucket/x@y", NOT_A_URL),
        ("s3://bucket:1/x@y", NOT_A_URL),
    ],
)
def test_what_is_wrong_with_a_place_is_said(place: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Place.of(place)

    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("place", "shown_as", "query", "secrets"),
    [
        ("s3://bucket", "s3://bucket", "", ()),
        ("s3://bucket/x@y?", "s3://bucket/x@y", "?=", ()),
        ("s3://bucket:12/p?region=x", "s3://bucket:12/p", "?region=x", ()),
        ("s3://@bucket/p", "s3://…@bucket/p", "", ()),
        ("s3://k@bucket", "s3://…@bucket", "", ("s3://k@bucket", "k")),
        (
            "s3://k:a%2Fb@bucket",
            "s3://…@bucket",
            "",
            ("s3://k:a%2Fb@bucket", "a%252Fb", "a%2Fb", "a/b", "k"),
        ),
        (
            "abfs://c/p?client_secret=s+1&x=&enable_tls=true&sas_token=",
            "abfs://c/p",
            "?client_secret=…&…&enable_tls=true&sas_token=…",
            None,
        ),
        ("s3://b/p?endpoint_override=http%3A%2F%2Fu%3Ap%40h", "s3://b/p", "?…", None),
    ],
)
def test_of_a_place_all_but_its_secrets_is_shown(
    place: str, shown_as: str, query: str, secrets: tuple[str, ...] | None
) -> None:
    found = Place.of(place)

    assert (found.real, found.base, found.query) == (place, shown_as, query)
    assert str(found) == f"{shown_as}{query}"
    assert found.uri("x") == f"{shown_as}/x{query}"
    assert secrets is None or found.secrets == secrets
    assert Place.of(found) is found


@pytest.mark.parametrize(
    ("place", "remote"), [("s3://bucket", True), ("FILE:///d", False), ("/d/file:", False)]
)
def test_a_place_is_remote_where_it_is_not_on_this_disk(place: str, *, remote: bool) -> None:
    assert Place.of(place).is_remote is remote


def test_a_name_that_ends_as_a_path_begins_is_kept() -> None:
    assert open_root("/tmp/X").path("a") == "/tmp/X/a"
    assert open_root("/").path("a") == "/a"
    assert Place.of("s3://bucket/X/").uri("a") == "s3://bucket/X/a"


@pytest.mark.parametrize(
    ("error", "needed", "said"),
    [
        (OSError(28, "No space left on device"), 1234, "No space left on device; 1,234 bytes are needed"),
        (OSError("two\nlines"), None, "two"),
        (OSError(), None, "OSError"),
    ],
)
def test_what_the_file_system_refused_is_said(
    tmp_path: Path, error: OSError, needed: int | None, said: str
) -> None:
    found = open_root(tmp_path).failure("write", "a/b", error, needed=needed)

    assert str(found) == f"could not write a/b: {said}. What was there before is untouched."


def test_where_a_request_takes_long_many_are_made_at_once(tmp_path: Path) -> None:
    """On a disk they follow one another."""
    together, threads = threading.Barrier(32, timeout=10), set()

    def read(number: int) -> int:
        threads.add(threading.get_ident())
        return together.wait() * 0 + number

    assert bucket().each(read, range(64)) == list(range(64))
    assert len(threads) == 32
    assert open_root(tmp_path).each(lambda _: threading.get_ident(), [1, 2]) == [threading.get_ident()] * 2


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("abfs://books@acc.dfs.core.windows.net/p", "abfs://books@acc.dfs.core.windows.net/p"),
        ("abfss://books@acc.blob.core.windows.net", "abfss://books@acc.blob.core.windows.net"),
        ("abfs://books:secret@acc.dfs.core.windows.net", "abfs://…@acc.dfs.core.windows.net"),
        ("abfs://Secret1234@acc.dfs.core.windows.net", "abfs://…@acc.dfs.core.windows.net"),
        ("abfs://secret@acc.example.com", "abfs://…@acc.example.com"),
        ("s3://secret@acc.dfs.core.windows.net", "s3://…@acc.dfs.core.windows.net"),
    ],
)
def test_a_container_of_azure_is_shown_and_nothing_else_before_an_at_sign(url: str, shown: str) -> None:
    assert str(Place.of(url)) == shown
    assert Place.of(url).hide("there is no such container") == "there is no such container"
