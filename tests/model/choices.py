"""What Hypothesis chooses from: who wants what, what happens meanwhile, and what goes wrong."""

from datetime import timedelta

from hypothesis import strategies as st

from connector.simulator import Fault, Stage
from tests.faults.network import Reset, Respond
from tests.faults.runs import FileDeleted, FileLate, ResultReused, RunFails, RunTakes, RunVanishes
from tests.model.commands import Interruption
from tests.model.tables import CONNECTED, DAYS
from tests.model.world import OTHER_KEY, OWN_KEY

ROOTS = st.sampled_from([0, 1])
#: Which of a table's partitions: tables have one to six.
ONE, SOME = st.integers(0, 5), st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True)
COLUMNS = st.sampled_from(["all", "few", "reversed"])
OWN_OR_OTHER = st.sampled_from([OWN_KEY, OWN_KEY, OWN_KEY, OTHER_KEY])
ACCOUNTS = st.sampled_from(CONNECTED)
BOUNDS = st.none() | st.sampled_from([day.interval.start.date() for day in DAYS if day.interval])
TIMES = st.sampled_from(
    [
        timedelta(seconds=20),
        timedelta(minutes=7),
        timedelta(hours=1),
        timedelta(hours=5),
        timedelta(hours=12),
        timedelta(hours=26),
        timedelta(days=3),
        timedelta(days=8),
        timedelta(days=366),
    ]
)
HAPPENINGS = ["kill", "kill", "restated", "an hour", "half a day", "others"]
HAPPENINGS += ["refreshed", "ensured", "other columns", "an account leaves"]
INTERRUPTIONS = (
    st.none()
    | st.builds(Interruption, st.integers(1, 14), st.booleans(), st.sampled_from(HAPPENINGS))
    | st.builds(
        Interruption,
        st.integers(1, 3),
        st.booleans(),
        st.sampled_from(HAPPENINGS),
        at=st.just("download"),
    )
    | st.builds(
        Interruption,
        st.integers(1, 8),
        st.booleans(),
        st.sampled_from(HAPPENINGS),
        at=st.just("clock"),
    )
    # While a file is written its table is locked, so that nobody else comes between.
    | st.builds(Interruption, st.integers(1, 60), st.just(value=True), st.just("kill"), at=st.just("file"))
)
SPELLINGS = st.integers(0, 3)
HARM = ["lost", "refused", "cut", "garbage", "flipped", "pin lost", "pin cut"]
OTHER_COLUMNS = {"all": "few", "few": "all", "reversed": "few"}
FAULTS: dict[str, Fault] = {
    "fails": RunFails(),
    "hangs": RunTakes(None),
    "takes hours": RunTakes(3 * 3600.0),
    "reused": ResultReused(),
    "file late": FileLate(3.0),
    "file deleted": FileDeleted(),
    "vanishes": RunVanishes(),
    "vanishes later": RunVanishes(4000.0),
    "answer lost": Reset(stage=Stage.AFTER),
    "error stored": Respond(500, stage=Stage.EXECUTED),
}
#: What needs a command of its own to be seen comes more often.
TROUBLES = [*sorted(FAULTS), "file late", "file late", "hangs", "hangs"]
