"""What all sensors have in common at a tick."""

from datetime import timedelta

from connector.api.retry import SHORT_RETRY

#: A tick has little time, and another one comes soon.
TICK_RETRY = SHORT_RETRY


#: How far behind the newest ready partition a missing one is asked for.
LOOK_BACK = timedelta(days=14)
