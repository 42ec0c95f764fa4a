"""The names of columns that are ours: no column of a report is stored under one of them."""

#: What the paths of files say of their rows, and which file they are from.
OF_PATHS = ("account", "connected", "period", "_file")

#: What every row of a file says of where it comes from.
CONSTANTS = ("_date", "_interval_start", "_interval_end", "_report_run_id")

#: What conversion adds to the columns that Stripe sent.
OF_ROWS = (*CONSTANTS, "_row_kind")

RESERVED = frozenset((*OF_PATHS, *OF_ROWS))


def unreserved(name: str) -> str:
    """The name, with an underscore behind it where it is ours; case does not count, as in SQL."""
    return f"{name}_" if name.lower() in RESERVED else name
