"""All connected accounts in one report run, or one run for each: which is cheaper, and whose a row is."""

from collections.abc import Collection

from connector.catalogue.spec import ReportSpec
from connector.errors import ConfigurationError

#: Up to so many accounts, a file for each costs little.
HANDFUL = 5

#: How often a window ends: so many runs in such a time.
_PACE = {"hourly": (24, "day"), "daily": (1, "day"), "weekly": (1, "week"), "monthly": (1, "month")}


def advise_together(spec: ReportSpec, window: str, accounts: int) -> str | None:
    """Why one run for all accounts is the better way, with the report runs either way, as a sentence.

    None for a handful of accounts, and where a report of all of them does not say whose a row is.
    """
    if accounts <= HANDFUL or not covers_all(spec) or window not in _PACE:
        return None
    runs, time = _PACE[window]
    return (
        f"{spec.name}: a file for each of {accounts:,} accounts takes {accounts * runs:,} report runs a "
        f"{time}; one file of all takes {runs}, has the same rows, and says in {spec.account_column} whose "
        "each is: leave out the list of connected accounts (in a table with another name)"
    )


def covers_all(spec: ReportSpec) -> bool:
    """Whether one run covers all accounts, and its rows say whose they are."""
    return spec.account_column is not None and "connected_account" in spec.optional


def refuse_nameless(
    spec: ReportSpec, columns: Collection[str], filters: Collection[str], dimensions: Collection[str]
) -> None:
    """Raise ConfigurationError where a file of several accounts would not say whose its rows are.

    Args:
        columns: those chosen; none where the choice is left to Stripe.
        filters: the names of the run parameters that select rows.
        dimensions: what distinguishes partitions besides their window.
    """
    name = spec.account_column
    one = {"connected_account"} & {*filters, *dimensions, *spec.required}
    if name and columns and name not in columns and not one:
        raise ConfigurationError(
            f"columns of {spec.id} lack {name}: its files have the rows of all connected accounts, and no "
            f"other column says whose a row is. Add {name}, or ask for one account with the filter "
            "connected_account"
        )
