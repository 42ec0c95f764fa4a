"""All checks of one file, opened for nothing else."""

from connector.checks import CheckOutcome, check_opened_file, opened
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.query import ReportQuery


def check_file(
    store: Store, dataset: Dataset, query: ReportQuery, partition: str
) -> tuple[CheckOutcome, ...]:
    """The outcomes of all checks of a partition's own file. Raises StoreError where there is none."""
    with opened(store, dataset, query, partition) as file:
        return check_opened_file(store, dataset, query, partition, file)
