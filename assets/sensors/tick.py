"""What all sensors have in common at a tick."""

from datetime import timedelta

from connector.api.retry import RetryPolicy

#: A tick has little time, and another one comes soon.
TICK_RETRY = RetryPolicy(give_up_after=10.0, longest=4.0)


#: How far behind the newest ready partition a missing one is asked for.
LOOK_BACK = timedelta(days=14)
