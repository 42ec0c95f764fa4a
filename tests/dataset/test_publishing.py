"""What publishing promises wherever the files are and whoever else publishes: the laws of the store.

- An older answer never replaces a newer one, at no instant.
- Two report configurations never share a table: one of them is refused.
- A reader sees the old file or the new one.
- A publication that fails or is killed leaves the old file, and the next one goes through.
- A pin is made once; of the files that were replaced the last few are there; what is forgotten is gone.

Machines share nothing but the bucket. They go on in turns, a request at a time, in orders that are drawn.
"""

import dataclasses
import random
import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obstore.exceptions import GenericError, NotSupportedError, PreconditionError
from obstore.store import MemoryStore

from connector.dataset.filesystem.bucket import Bucket
from connector.dataset.filesystem.place import Place
from connector.dataset.filesystem.root import Version
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance, Published
from connector.dataset.store import MOST_SUPERSEDED, Store
from connector.errors import DatasetMismatchError, OvertakenError, StoreError
from connector.partitions import Windows
from tests.support.datasets import DATASET, NOON, provenance, rows_in, write
from tests.support.memory_bucket import Watched, bucket
from tests.support.turns import by_fits, in_turns

DAY = "2026-06-01"
TARGET = f"prefix/{DATASET.file_path(DAY)}"
MONTHLY = dataclasses.replace(DATASET, window="monthly")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is unfinished lies below a directory of the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def answer(age: int) -> Provenance:
    """One of the answers to one request; newer ones are higher."""
    return provenance(f"frr_{age:03}", made=NOON + timedelta(hours=age))


def publish(
    store: Store, source: Provenance, dataset: Dataset = DATASET, *, over: Provenance | None = None
) -> Published:
    with store.staging() as place:
        write(place / "staged.parquet", source)
        return store.publish(place / "staged.parquet", dataset, source, over=over)


class Careless(Bucket):
    """A bucket that puts whatever is there."""

    def put(self, path: str, content: Path | bytes, *, replacing: Version | None) -> bool:  # noqa: ARG002
        body = content if isinstance(content, bytes) else content.read_bytes()
        self._store.put(path.removeprefix("bucket/"), body)
        return True


def age_in(objects: MemoryStore) -> int:
    """Of the file that is there; -1 where there is none."""
    found = Store(bucket(objects)).provenance(DATASET, DAY)
    return int(found.run_id.removeprefix("frr_")) if found else -1


def published_in_turns(
    ages: Sequence[int], machines: int, choose: Callable[[Sequence[int]], int], kind: type[Bucket] = Bucket
) -> list[int]:
    """The age of what is there before each request, while machines publish these answers of one partition,
    each as they are dealt to it; and at the end."""
    objects, seen = MemoryStore(), list[int]()

    def job(number: int) -> Callable[[Callable[[str, str], None]], None]:
        def run(pause: Callable[[str, str], None]) -> None:
            root = kind(Place.of("memory://bucket/prefix"), Watched(objects, pause))  # type: ignore[arg-type]
            store = Store(root)
            for age in ages[number::machines]:
                publish(store, answer(age))

        return run

    def noted(waiting: Sequence[int]) -> int:
        seen.append(age_in(objects))
        return choose(waiting)

    results = in_turns([job(number) for number in range(machines)], noted)
    assert results == [None] * machines
    return [*seen, age_in(objects)]


@settings(max_examples=40)
@given(st.permutations(range(8)), st.integers(2, 3), st.randoms(use_true_random=False))
def test_an_older_answer_never_replaces_a_newer_one(
    ages: list[int], machines: int, draw: random.Random
) -> None:
    seen = published_in_turns(ages, machines, draw.choice)

    assert seen == sorted(seen)
    assert seen[-1] == 7


def disordered(count: int, draw: random.Random) -> list[int]:
    """Older and newer answers beside each other, so that most are newer than what is there."""
    return sorted(range(count), key=lambda age: age + draw.uniform(0, 6))


def test_of_two_hundred_answers_by_two_machines_the_newest_stays() -> None:
    draw = random.Random(19)

    seen = published_in_turns(disordered(200, draw), 2, draw.choice)

    assert seen == sorted(seen)
    assert seen[-1] == 199
    assert len(set(seen)) > 50


def test_a_put_without_a_condition_would_be_found() -> None:
    draw = random.Random(19)

    seen = published_in_turns(disordered(40, draw), 2, draw.choice, Careless)

    assert seen != sorted(seen)


@settings(max_examples=100)
@given(st.randoms(use_true_random=False), st.sampled_from([(), (DATASET,), (MONTHLY,)]))
def test_of_two_report_configurations_one_is_refused(
    draw: random.Random, pinned: tuple[Dataset, ...]
) -> None:
    """Also where a pin is there already, and no file: it was the first step of who is publishing now."""
    objects = MemoryStore()
    for dataset in pinned:
        pins = Store(bucket(objects))._pins
        pins.write(dataset, None, provenance("frr_1").money, replacing=pins.read(dataset))
    asked = [(DATASET, provenance("frr_1")), (MONTHLY, monthly())]

    def job(dataset: Dataset, source: Provenance) -> Callable[[Callable[[str, str], None]], Published]:
        return lambda pause: publish(Store(bucket(Watched(objects, pause))), source, dataset)

    ended = in_turns([job(*each) for each in asked], draw.choice)

    refused = [each for each in ended if isinstance(each, DatasetMismatchError)]
    (won,) = [each for each in ended if isinstance(each, Published)]
    assert len(refused) == 1
    store = Store(bucket(objects))
    (table,) = store.datasets()
    assert table in pinned or not pinned
    assert [each for each in store.provenances(table).values() if each] == [won.provenance]
    assert len([each for each in listed(objects) if each.endswith(".parquet")]) == 1


@settings(max_examples=60)
@given(st.randoms(use_true_random=False))
def test_of_two_answers_to_other_requests_that_replace_the_same_file_one_is_too_late(
    draw: random.Random,
) -> None:
    objects, before = MemoryStore(), answer(0)
    publish(Store(bucket(objects)), before)

    def job(age: int, columns: list[str]) -> Callable[[Callable[[str, str], None]], Published]:
        source = dataclasses.replace(
            answer(age), parameters={"interval_start": 1, "interval_end": 2, "columns": columns}
        )
        return lambda pause: publish(Store(bucket(Watched(objects, pause))), source, over=before)

    ended = in_turns([job(1, ["net_amount", "currency"]), job(2, ["net_amount", "fee"])], draw.choice)

    (won,) = [each for each in ended if isinstance(each, Published)]
    assert [type(each) for each in ended if each is not won] == [OvertakenError]
    assert Store(bucket(objects)).provenance(DATASET, DAY) == won.provenance
    assert won.replaced == before


def monthly() -> Provenance:
    """Of the same key, at the same place."""
    return provenance("frr_2", interval=Windows("monthly").partition(DAY).interval)


def listed(objects: MemoryStore) -> list[str]:
    return [each["path"] for each in objects.list().collect()]


class Azure(Watched):
    """A store that gives no range from the end of an object: its size is asked for first."""

    def get(self, key: str, *, options: Any = None) -> Any:
        if options and "suffix" in options.get("range", ()):
            raise NotSupportedError("Azure does not support suffix range requests")
        self._before("get", key)
        return self._store.get(key, options=options)


@pytest.mark.parametrize("kind", [Watched, Azure])
@settings(max_examples=40)
@given(st.randoms(use_true_random=False))
def test_a_reader_sees_the_old_file_or_the_new_one(kind: type[Watched], draw: random.Random) -> None:
    objects = MemoryStore()
    publish(Store(bucket(objects)), answer(0))

    def write_all(pause: Callable[[str, str], None]) -> None:
        store = Store(bucket(Watched(objects, pause)))
        for age in range(1, 6):
            publish(store, answer(age))

    def read_all(pause: Callable[[str, str], None]) -> list[list[str]]:
        return [rows_in(Store(bucket(kind(objects, pause)))) for _ in range(6)]

    _, read = in_turns([write_all, read_all], draw.choice)

    flat = [run for (run,) in read]
    assert flat == sorted(flat)
    assert set(flat) <= {answer(age).run_id for age in range(6)}


@settings(max_examples=60)
@given(st.randoms(use_true_random=False))
def test_of_what_is_forgotten_nothing_is_left_whoever_publishes_meanwhile(draw: random.Random) -> None:
    objects = MemoryStore()
    publish(Store(bucket(objects)), answer(0))
    publish(Store(bucket(objects)), answer(1))

    in_turns(
        [
            lambda pause: publish(Store(bucket(Watched(objects, pause))), answer(2)),
            lambda pause: Store(bucket(Watched(objects, pause))).forget(DATASET, DAY),
        ],
        draw.choice,
    )

    assert age_in(objects) in {-1, 2}
    assert [each for each in listed(objects) if ".superseded" in each] == []


class Strict(Watched):
    """A store that refuses to remove what is not there, as Google's and Azure's do."""

    def delete(self, keys: str | Sequence[str]) -> None:
        for key in [keys] if isinstance(keys, str) else keys:
            self._before("delete", key)
            self._store.head(key)
            self._store.delete(key)


@settings(max_examples=25)
@given(st.integers(0, 1 << 32))
def test_what_others_have_removed_already_is_no_reason_to_fail(seed: int) -> None:
    """Copies beyond the last few, and what is forgotten, by two at once."""
    objects = MemoryStore()
    for age in range(2 * MOST_SUPERSEDED):
        publish(Store(bucket(objects)), answer(age))

    ended = in_turns(
        [
            lambda pause: publish(Store(bucket(Strict(objects, pause))), answer(20)),
            lambda pause: publish(Store(bucket(Strict(objects, pause))), answer(21)),
            lambda pause: Store(bucket(Strict(objects, pause))).forget(DATASET, DAY),
        ],
        by_fits(seed),
    )

    assert [each for each in ended if isinstance(each, Exception)] == []
    assert age_in(objects) in {-1, 20, 21}


class Killed(BaseException):
    """As a process ends that is killed."""


def failing(request: int, error: BaseException) -> Callable[[str, str], None]:
    """One request, by its number, is never made."""
    left = [request]

    def before(_name: str, _key: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise error

    return before


@pytest.mark.parametrize("error", [Killed(), GenericError("503 Slow Down")], ids=["killed", "refused"])
@pytest.mark.parametrize("request_", range(8))
def test_who_fails_at_any_request_leaves_the_old_file(request_: int, error: BaseException) -> None:
    objects = MemoryStore()
    publish(Store(bucket(objects)), answer(0))
    store = Store(bucket(Watched(objects, failing(request_, error))))

    ended: list[Any] = []
    try:
        ended.append(publish(store, answer(1)))
    except (Killed, StoreError) as caught:
        ended.append(caught)

    there, whole = age_in(objects), Store(bucket(objects))
    assert there == int(isinstance(ended[0], Published))
    assert rows_in(whole) == [answer(there).run_id]
    assert publish(whole, answer(2)).replaced == answer(there)
    former = [file.footer.provenance for _, file in whole.superseded(DATASET, DAY)]
    assert former[0] == answer(there)


def test_the_last_request_is_among_those_that_fail() -> None:
    objects = MemoryStore()
    publish(Store(bucket(objects)), answer(0))
    watched = Watched(objects)

    publish(Store(bucket(watched)), answer(1))

    assert watched.made.total() <= 8


class Deaf(Watched):
    """A store whose first answer to the put of a file does not arrive: it is sent again, and refused."""

    lost = 0

    def put(self, key: str, *given: Any, **named: Any) -> Any:
        answer = self._store.put(key, *given, **named)
        if key == TARGET and not self.lost:
            self.lost = 1
            raise PreconditionError("sent again; something is there")
        return answer


def test_who_does_not_hear_that_it_was_put_finds_out() -> None:
    store = Store(bucket(Deaf(MemoryStore())))

    published = publish(store, answer(1))

    assert (published.provenance, published.outdated) == (answer(1), False)
    assert list(store.superseded(DATASET, DAY)) == []


def test_others_who_are_always_faster_are_named() -> None:
    objects = MemoryStore()
    ages = iter(range(1, 100))

    def faster(name: str, key: str) -> None:
        if name == "put" and key == TARGET:
            publish(Store(bucket(objects)), dataclasses.replace(answer(next(ages)), csv_sha256="the same"))

    late = dataclasses.replace(answer(1000), csv_sha256="the same")
    with pytest.raises(StoreError, match="others have replaced it 20 times; try again"):
        publish(Store(bucket(Watched(objects, faster))), late)


@pytest.fixture(params=["directory", "memory"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(tmp_path / "data" if request.param == "directory" else bucket())


def test_a_pin_is_made_once(anywhere: Store) -> None:
    first, second = answer(0), answer(1)
    publish(anywhere, first)
    path = anywhere._path(DATASET.pin_path)
    made = anywhere._root.read(path)

    publish(anywhere, second)
    publish(Store(anywhere._root), answer(2))

    assert anywhere._root.read(path) == made
    assert anywhere.datasets() == (DATASET,)


def test_of_replaced_files_the_last_few_are_there(anywhere: Store) -> None:
    for age in range(9):
        publish(anywhere, answer(age))

    former = [str(uri) for uri, _ in anywhere.superseded(DATASET, DAY)]

    assert len(former) == MOST_SUPERSEDED
    assert [file.footer.provenance for _, file in anywhere.superseded(DATASET, DAY)] == [
        answer(age) for age in range(7, 2, -1)
    ]


def test_replaced_files_of_one_second_are_all_there(anywhere: Store) -> None:
    """Of two machines that asked at once, say."""
    same = [provenance(f"frr_{number}", made=NOON) for number in range(4)]
    for source in same:
        publish(anywhere, source)

    former = [file.footer.provenance for _, file in anywhere.superseded(DATASET, DAY)]

    assert {each.run_id for each in former if each} == {"frr_0", "frr_1", "frr_2"}


def test_what_is_forgotten_is_gone_and_may_be_published_again(anywhere: Store) -> None:
    for age in range(3):
        publish(anywhere, answer(age))

    assert (anywhere.forget(DATASET, DAY), anywhere.forget(DATASET, DAY)) == (3, 0)

    assert anywhere.keys(DATASET) == ()
    assert list(anywhere.superseded(DATASET, DAY)) == []
    assert publish(anywhere, answer(0)).replaced is None


def test_what_is_damaged_is_replaced_and_set_aside(anywhere: Store) -> None:
    publish(anywhere, answer(1))
    path = anywhere._path(DATASET.file_path(DAY))
    there = anywhere._root.read(path)
    assert there is not None
    anywhere._root.put(path, b"PAR1 torn", replacing=there[1])

    published = publish(anywhere, answer(0))

    assert published.replaced is None
    assert rows_in(anywhere) == [answer(0).run_id]
    assert len(anywhere._root.listed(anywhere._path(DATASET.superseded_path(DAY)))) == 1
