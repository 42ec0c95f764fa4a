"""However much one account has to bring in, the others have their turn."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from assets.dagster_runs.turns import Turn, take_turns

TURNS = [Turn(asset, row, refresh) for asset in "ab" for row in (0, 1) for refresh in (False, True)]
BACKLOGS = st.dictionaries(st.sampled_from(TURNS), st.integers(1, 30), min_size=1)


@given(BACKLOGS, st.lists(st.integers(1, 6), min_size=1, max_size=20), st.data())
def test_of_those_that_wait_none_is_granted_more_than_one_run_more_than_another(
    backlog: dict[Turn, int], rooms: list[int], data: st.DataObject
) -> None:
    """As ticks grant what there is room for, and more becomes due for any of them."""
    queues = {turn: [(turn, number) for number in range(size)] for turn, size in backlog.items()}
    granted: Counter[Turn] = Counter()
    behind = None
    for room in rooms:
        for turn, number in take_turns(queues, behind)[:room]:
            assert number == queues[turn].pop(0)[1]
            granted[turn] += 1
            behind = turn
        waiting = [granted[turn] for turn, queue in queues.items() if queue]
        assert not waiting or max(waiting) - min(waiting) <= 1
        queues = {turn: queue for turn, queue in queues.items() if queue}
        for turn in data.draw(st.sets(st.sampled_from(sorted(queues)))) if queues else ():
            queues[turn].append((turn, queues[turn][-1][1] + 1))


@given(BACKLOGS, st.sampled_from([None, *TURNS]))
def test_all_are_there_each_once_and_each_queue_in_its_order(
    backlog: dict[Turn, int], behind: Turn | None
) -> None:
    queues = {turn: [(turn, number) for number in range(size)] for turn, size in backlog.items()}

    taken = take_turns(queues, behind)

    assert sorted(taken) == sorted(each for queue in queues.values() for each in queue)
    assert {turn: [each for each in taken if each[0] == turn] for turn in queues} == queues
