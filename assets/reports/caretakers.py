"""Who looks after the partitions of a report that failed, by what is configured to run."""

from typing import Literal

from connector.runs.wording import Caretakers

AskBy = Literal["sensor", "schedule", "hand"]

_WINDOWS: dict[AskBy, str | None] = {
    "sensor": "the availability sensor",
    "schedule": "the schedule",
    "hand": None,
}


def caretakers_of(*, by_payout: bool, ask_by: AskBy, pick_up_late: bool) -> Caretakers:
    """Those of a report.

    Args:
        by_payout: the report is about single payouts, which have a sensor of their own.
        ask_by: what requests partitions.
        pick_up_late: whether the sensor for late reports runs.
    """
    payouts = None if ask_by == "hand" else "the sensor for payouts"
    return Caretakers(
        "Materialize it again",
        late="the sensor for late reports" if pick_up_late else None,
        missing=payouts if by_payout else _WINDOWS[ask_by],
    )
