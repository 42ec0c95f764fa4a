"""Whether a table takes another file: what does not belong to the data it holds is refused.

A path does not contain the account of a key. So before the first file is published into a table that has
files, the newest published report run is looked up by its id: a key of another account does not find it. The
simulator forgets its runs when it ends, so there the identity of its books is compared, which it names in
every response and the table's pin records.
"""

from dataclasses import replace

from connector.dataset.identity import Dataset, refuse_mixture
from connector.dataset.provenance import Provenance
from connector.errors import ConfigurationError, DatasetMismatchError
from connector.partitions import BY_PAYOUT, Windows

_OUT = (
    "Nothing was published. Use the key the table was pulled with, another root (STRIPE_REPORTS_ROOT, "
    "--root), or another `name` for this table."
)


def refuse_foreign(dataset: Dataset, newest: Provenance, *, known: bool) -> None:
    """Raise DatasetMismatchError unless the newest published run is known to the key in use."""
    if not known:
        raise DatasetMismatchError(
            f"table {dataset.table} holds data of another Stripe account: its newest report run, "
            f"{newest.run_id} ({newest.period}), is unknown to the key in use. {_OUT}"
        )


def refuse_other_books(dataset: Dataset, pinned: str | None, found: str | None) -> None:
    """Raise DatasetMismatchError where a simulated table was made from other books than there are now.

    Args:
        pinned, found: the identity in the table's pin, and the one the simulator names; None where unknown.
    """
    if pinned and found and pinned != found:
        raise DatasetMismatchError(
            f"table {dataset.table} holds data of the simulated books {pinned}, and the simulator has the "
            f"books {found}. Nothing was published. Start the simulator as before (account, --seed), or use "
            "another root (STRIPE_REPORTS_ROOT, --root) or another `name` for this table."
        )


def refuse_other_configuration(dataset: Dataset, newest: Provenance) -> None:
    """Raise DatasetMismatchError where a table without a readable pin has files of something else.

    `newest` is one of its files: what it was asked for stands for the pin.
    """
    distinguishing = {"interval_start", "interval_end", "payout", "columns", *dataset.dimensions}
    filters = {name: value for name, value in newest.parameters.items() if name not in distinguishing}
    found = replace(
        dataset,
        mode=newest.mode,
        account=newest.account,
        report_type=newest.report_type,
        filters=filters,
        window=dataset.window if _fits(dataset, newest) else f"not {dataset.window} in {dataset.zone}",
    )
    refuse_mixture(found, dataset)


def _fits(dataset: Dataset, newest: Provenance) -> bool:
    """Whether the file is about one window of the dataset."""
    if newest.interval is None or dataset.window == BY_PAYOUT:
        return newest.interval is None and dataset.window == BY_PAYOUT
    try:
        windows = Windows(dataset.window, dataset.zone).between(newest.interval.start, newest.interval.end)
    except ConfigurationError:
        return False
    return [each.interval for each in windows] == [newest.interval]
