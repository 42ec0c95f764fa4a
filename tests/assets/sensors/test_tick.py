"""What a sensor does with a cursor it cannot read, and how it counts."""

from threading import Event

import dagster as dg
import pytest

from assets.sensors.payout_sources import PROGRESS_CURSOR, PayoutProgress
from assets.sensors.tick import bounded, count
from connector.errors import StoreError


def test_a_damaged_cursor_is_ignored_with_a_line_in_the_log(
    instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    with dg.build_sensor_context(instance=instance, cursor="{damaged") as context:
        state = PROGRESS_CURSOR.read(context)

    assert state is None
    assert "cursor is damaged" in capsys.readouterr().err


@pytest.mark.parametrize("cursor", [None, PROGRESS_CURSOR.write({"stripe/a": PayoutProgress(7)})])
def test_a_good_cursor_and_a_first_tick_log_nothing(
    instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str], cursor: str | None
) -> None:
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        PROGRESS_CURSOR.read(context)

    assert capsys.readouterr().err == ""


def test_numbers_read_as_sentences() -> None:
    assert [count(number, "partition") for number in (0, 1, 1000)] == [
        "0 partitions",
        "1 partition",
        "1,000 partitions",
    ]


def test_work_without_an_end_is_given_up_with_its_reason_and_other_work_is_as_if_it_were_done_here() -> None:
    never = Event()

    def refused() -> None:
        raise KeyError("no such table")

    with pytest.raises(StoreError, match="could not be read within the 0 s that the tick had left"):
        bounded(never.wait, 0.05)
    never.set()

    assert bounded(lambda: "found", 60) == "found"
    with pytest.raises(KeyError, match="no such table"):
        bounded(refused, 60)
