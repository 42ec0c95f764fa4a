"""What every root does, a directory as a bucket: the laws of `connector.dataset.filesystem.root`."""

import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from obstore.store import MemoryStore

from connector.dataset.filesystem.clouds import open_root
from connector.dataset.filesystem.objects import END, WHOLE
from connector.dataset.filesystem.root import Root, Version
from tests.dataset.conftest import Machine
from tests.support.memory_bucket import bucket


def put(root: Root, relative: str, content: bytes, *, replacing: Version | None = None) -> bool:
    """As a writer does it: under the lock, where there is one."""
    with root.lock("table"):
        return root.put(root.path(relative), content, replacing=replacing)


def seen(root: Root, relative: str) -> Version:
    """The version that is there."""
    found = root.read(root.path(relative))
    assert found is not None
    return found[1]


def content(root: Root, relative: str) -> bytes | None:
    found = root.read(root.path(relative))
    return None if found is None else found[0]


def test_where_nothing_was_seen_nothing_is_replaced(machine: Machine) -> None:
    here, there = machine(), machine()

    assert put(here, "a/x", b"first")
    assert not put(there, "a/x", b"second")

    assert content(there, "a/x") == b"first"


def test_what_was_seen_is_replaced_once(machine: Machine) -> None:
    here, there = machine(), machine()
    put(here, "a/x", b"first")
    first = seen(there, "a/x")

    assert put(here, "a/x", b"second", replacing=seen(here, "a/x"))
    assert not put(there, "a/x", b"third", replacing=first)

    assert content(there, "a/x") == b"second"


def test_what_was_seen_and_is_gone_is_not_replaced(machine: Machine) -> None:
    here, there = machine(), machine()
    put(here, "a/x", b"first")
    first = seen(here, "a/x")
    there.remove(there.path("a/x"))

    assert not put(here, "a/x", b"second", replacing=first)

    assert content(there, "a/x") is None
    there.remove(there.path("a/x"))


def test_of_many_who_put_at_once_one_does(machine: Machine) -> None:
    def one_more(number: int) -> bool:
        return put(machine(), "a/x", b"%d" % number)

    with ThreadPoolExecutor(8) as many:
        done = list(many.map(one_more, range(16)))

    assert [number for number, each in enumerate(done) if each] == [int(content(machine(), "a/x") or b"-1")]


def test_a_file_that_was_made_elsewhere_is_put_whole(machine: Machine, tmp_path: Path) -> None:
    here, staged = machine(), tmp_path / "staged"
    large = bytes(range(256)) * ((WHOLE >> 8) + 1)
    with here.staging() as place:
        staged = place / "x"
        staged.write_bytes(large)
        here.prepare(staged)
        with here.lock("table"):
            assert here.put(here.path("a/x"), staged, replacing=None)

    assert content(machine(), "a/x") == large


def test_what_was_put_is_listed(machine: Machine) -> None:
    here, there = machine(), machine()
    for name in ("t/a/b/report.parquet", "t/a/b/other", "t/a/report.parquet", "ta/x"):
        put(here, name, b"1")

    assert sorted(there.listed(there.path("t/a"))) == [there.path("t/a/b"), there.path("t/a/report.parquet")]
    assert list(dict(there.at_depth(there.path("t"), 2, "report.parquet"))) == [
        there.path("t/a/b/report.parquet")
    ]
    assert sorted(there.everything_below(there.path("t"), through=())) == [
        there.path(f"t/a/{name}") for name in ("b/other", "b/report.parquet", "report.parquet")
    ]
    for empty in (there.listed(there.path("no")), there.everything_below(there.path("no"), through=())):
        assert empty == []
    assert list(there.at_depth(there.path("no"), 0, "x")) == []


@pytest.mark.parametrize("size", [0, 1, END - 1, END, END + 1, WHOLE, WHOLE + 3 * END])
def test_any_stretch_of_a_file_is_read(machine: Machine, size: int) -> None:
    here, written = machine(), bytes(range(251)) * (size // 251 + 1)
    written = written[:size]
    put(here, "a/x", written)
    spots = sorted({0, 1, size // 2, max(size - END - 1, 0), max(size - 8, 0), size})

    with here.opened(here.path("a/x")) as file:
        assert file.bytes.size() == size
        for start in [*reversed(spots), *spots]:
            for length in (0, 1, 8, END, size):
                file.bytes.seek(start)
                assert file.bytes.read(length) == written[start : start + length]


@pytest.mark.parametrize("size", [100, 3 * END, WHOLE + END])
def test_a_file_that_is_replaced_while_it_is_read_is_one_of_both_and_never_mixed(
    machine: Machine, size: int
) -> None:
    here, there = machine(), machine()
    put(here, "a/x", b"1" * size)

    with here.opened(here.path("a/x")) as file:
        put(there, "a/x", b"2" * size, replacing=seen(there, "a/x"))
        found = b""
        with contextlib.suppress(OSError):
            found = bytes(file.bytes.read())

    assert found in {b"", b"1" * size}
    with there.filesystem.open_input_file(there.path("a/x")) as again:
        assert again.read() == b"2" * size


def test_of_copies_the_last_few_stay(machine: Machine) -> None:
    here, counts, there = machine(), set(), None
    for number in range(10, 40):
        if number > 10:
            with here.opened(here.path("a/x")) as file:
                there = here.set_aside(
                    here.path("a/x"), here.path(f"old/a/{number}"), seen=file.version, most=5
                )
            assert there
            copies = sorted(here.listed(here.path("old/a")))
            assert [content(here, f"old/a/{each[-2:]}") for each in copies[-5:]] == [
                b"%d" % before for before in range(max(10, number - 5), number)
            ]
            counts.add(len(copies))
        put(here, "a/x", b"%d" % number, replacing=there)

    assert max(counts) < 10


def test_of_a_version_that_is_there_no_more_no_copy_is_made(machine: Machine) -> None:
    here, there = machine(), machine()
    put(here, "a/x", b"first")
    first = seen(here, "a/x")
    put(there, "a/x", b"second", replacing=first)

    assert not here.set_aside(here.path("a/x"), here.path("old/a/first"), seen=first, most=5)
    there.remove(there.path("a/x"))
    assert not here.set_aside(here.path("a/x"), here.path("old/a/first"), seen=first, most=5)

    assert here.listed(here.path("old/a")) == []


def test_a_large_file_is_copied_too(machine: Machine) -> None:
    here = machine()
    put(here, "a/x", b"x" * (WHOLE + 1))

    assert here.set_aside(here.path("a/x"), here.path("old/x"), seen=seen(here, "a/x"), most=5)

    assert content(here, "old/x") == b"x" * (WHOLE + 1)


def test_the_files_of_a_directory_are_removed_and_not_what_lies_deeper(machine: Machine) -> None:
    here = machine()
    for name in ("a/x", "a/y", "a/b/z", "ab"):
        put(here, name, b"1")

    assert (here.remove_all("a"), here.remove_all("a"), here.remove_all("none")) == (2, 0, 0)

    assert (content(here, "a/b/z"), content(here, "ab")) == (b"1", b"1")


def test_a_rehearsal_leaves_nothing(machine: Machine) -> None:
    here = machine()

    here.rehearse()

    left = here.everything_below(here.path(""), through=())
    assert [each for each in left if "/locks/" not in each] == []


class Model(RuleBasedStateMachine):
    """Any number of writes by two machines, against a dictionary: a put is done where what was seen is what
    is there, and everything is found by both as it was put."""

    machines: Sequence[Root]
    names = st.sampled_from(["t/a/report.parquet", "t/b/report.parquet", "t/a/c/report.parquet", "u/x"])

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.versions: dict[str, list[tuple[bytes, Version | None]]] = {}
        self.count = 0

    @rule(name=names, who=st.booleans(), which=st.integers(0, 3))
    def put(self, name: str, *, who: bool, which: int) -> None:
        """Over nothing, what is there, or what was there before: the last first."""
        root, self.count = self.machines[who], self.count + 1
        known: list[tuple[bytes | None, Version | None]] = [(None, None), *self.versions.get(name, [])]
        expected, version = known[-1 - which % len(known)]
        new = b"%d" % self.count
        assert put(root, name, new, replacing=version) == (self.files.get(name) == expected)
        if self.files.get(name) == expected:
            self.files[name] = new
            self.versions.setdefault(name, []).append((new, seen(self.machines[not who], name)))

    @rule(name=names, who=st.booleans())
    def remove(self, name: str, *, who: bool) -> None:
        root = self.machines[who]
        root.remove(root.path(name))
        self.files.pop(name, None)

    @invariant()
    def both_find_what_was_put(self) -> None:
        for root in self.machines:
            for name in ("t/a/report.parquet", "t/a/c/report.parquet"):
                assert content(root, name) == self.files.get(name)
            below = root.everything_below(root.path("t"), through=())
            assert sorted(below) == sorted(root.path(each) for each in self.files if each.startswith("t/"))
            listed = dict(root.at_depth(root.path("t"), 1, "report.parquet"))
            assert set(listed) == {root.path(name) for name in self.files if name.count("/") == 2} - {
                root.path("u/x")
            }
            for path, version in listed.items():
                with root.opened(path, version) as file:
                    assert file.bytes.read() == self.files[path.removeprefix(root.path(""))]


class InMemory(Model):
    @initialize()
    def open(self) -> None:
        objects = MemoryStore()
        self.machines = [bucket(objects), bucket(objects)]


def test_buckets_agree_with_the_model() -> None:
    hold_to_the_model(InMemory)


def test_directories_agree_with_the_model(tmp_path: Path) -> None:
    class OnDisk(Model):
        runs = iter(range(1_000_000))

        @initialize()
        def open(self) -> None:
            place = tmp_path / str(next(self.runs))
            self.machines = [open_root(place), open_root(place)]

    hold_to_the_model(OnDisk)


def hold_to_the_model(kind: type[Any]) -> None:
    run_state_machine_as_test(kind, settings=settings(max_examples=30, stateful_step_count=20, deadline=None))


def test_arrow_does_not_write_past_the_root() -> None:
    with pytest.raises((NotImplementedError, pa.ArrowException)):
        bucket().filesystem.open_output_stream("bucket/x")
