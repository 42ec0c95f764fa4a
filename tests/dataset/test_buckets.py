"""What object stores promise, on which a root in a bucket relies: tried with servers on this machine.

MemoryStore makes the same promises, and has no network between.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import obstore
import pytest
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, PreconditionError
from obstore.store import MemoryStore, ObjectStore, S3Store

from tests.support.buckets import Bucket, new_bucket
from tests.support.gateway import DENIED, NO_SUCH_KEY, SLOW_DOWN, AnswerCut, BadDay, Cut, Gateway, gateway

KEY = "table/account=default/period=2026-06-01/report.parquet"


@pytest.fixture(params=["memory", "moto", pytest.param("seaweed", marks=pytest.mark.long)])
def objects(request: pytest.FixtureRequest) -> ObjectStore:
    if request.param == "memory":
        return MemoryStore()
    return new_bucket(request.getfixturevalue(request.param)).store()


@pytest.fixture
def between(bucket: Bucket) -> Iterator[Gateway]:
    with gateway(bucket.endpoint) as it:
        yield it


@pytest.fixture
def reached(bucket: Bucket, between: Gateway) -> S3Store:
    """The bucket through the gateway, by a client that tries again at once."""
    access, secret = bucket.keys
    return S3Store(
        bucket.name,
        endpoint=between.endpoint,
        region="us-east-1",
        access_key_id=access,
        secret_access_key=secret,
        client_options={"allow_http": True},
        retry_config={"max_retries": 2, "backoff": {"init_backoff": timedelta(milliseconds=1)}},
    )


def content(store: ObjectStore, key: str = KEY) -> bytes:
    return bytes(obstore.get(store, key).bytes())


def test_what_is_there_is_not_created_again(objects: ObjectStore) -> None:
    obstore.put(objects, KEY, b"first", mode="create")

    with pytest.raises(AlreadyExistsError):
        obstore.put(objects, KEY, b"second", mode="create")

    assert content(objects) == b"first"


def test_what_has_changed_meanwhile_is_not_replaced(objects: ObjectStore) -> None:
    read = obstore.put(objects, KEY, b"first")
    meanwhile = obstore.put(objects, KEY, b"second", mode={"e_tag": str(read["e_tag"])})

    with pytest.raises(PreconditionError):
        obstore.put(objects, KEY, b"third", mode={"e_tag": str(read["e_tag"])})

    assert content(objects) == b"second"
    assert obstore.head(objects, KEY)["e_tag"] == meanwhile["e_tag"]


@pytest.mark.long
def test_of_many_who_create_at_once_one_does(seaweed: str) -> None:
    store = new_bucket(seaweed).store()

    def create(number: int) -> bool:
        try:
            obstore.put(store, KEY, b"%d" % number, mode="create")
        except AlreadyExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as many:
        created = list(many.map(create, range(32)))

    assert [number for number, each in enumerate(created) if each] == [int(content(store))]


def test_what_was_put_is_listed_and_read_at_once(objects: ObjectStore) -> None:
    obstore.put(objects, KEY, b"first")

    assert [each["path"] for batch in obstore.list(objects, "table") for each in batch] == [KEY]
    assert content(objects) == b"first"


def test_a_user_who_may_only_read_puts_nothing(bucket: Bucket, between: Gateway) -> None:
    between.add(DENIED, "PUT *", times=None)

    with pytest.raises(PermissionDeniedError):
        obstore.put(bucket.at(between.endpoint).store(), KEY, b"first")

    assert bucket.objects() == []


@pytest.mark.long
def test_a_server_that_knows_its_users_tells_them_apart(seaweed: str) -> None:
    bucket = new_bucket(seaweed)

    with pytest.raises(PermissionDeniedError):
        obstore.put(bucket.read_only().store(), KEY, b"first")

    assert bucket.read_only().objects() == []


@pytest.mark.parametrize("day", [SLOW_DOWN, Cut(), Cut(1000), AnswerCut()], ids=str)
def test_an_upload_that_breaks_off_is_sent_again(
    bucket: Bucket, between: Gateway, reached: S3Store, day: BadDay
) -> None:
    between.add(day, "PUT *")

    obstore.put(reached, KEY, b"x" * 100_000)

    assert content(bucket.store()) == b"x" * 100_000
    assert between.count("PUT *") == 2


def test_an_upload_that_never_comes_through_leaves_what_was_there(
    bucket: Bucket, between: Gateway, reached: S3Store
) -> None:
    obstore.put(bucket.store(), KEY, b"first")
    between.add(Cut(1000), "PUT *", times=None)

    with pytest.raises(BaseError):
        obstore.put(reached, KEY, b"x" * 100_000)

    assert content(bucket.store()) == b"first"


def test_what_is_listed_may_be_gone(bucket: Bucket, between: Gateway, reached: S3Store) -> None:
    obstore.put(bucket.store(), KEY, b"first")
    between.add(NO_SUCH_KEY, "GET *report.parquet")

    with pytest.raises(FileNotFoundError):
        obstore.get(reached, KEY)

    assert content(reached) == b"first"


def test_an_answer_that_breaks_off_is_not_taken_for_whole(
    bucket: Bucket, between: Gateway, reached: S3Store
) -> None:
    obstore.put(bucket.store(), KEY, b"x" * 100_000)
    between.add(AnswerCut(50_000), "GET *report.parquet")

    assert content(reached) == b"x" * 100_000
