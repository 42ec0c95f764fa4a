"""A table is rewritten with money in its wide type, file by file, and can be killed at any instant.

The pin says first that the files are being rewritten: from then on nobody reads the table or publishes into
it. Each file is replaced whole. When none is narrow any more, the pin says that the table is wide. What was
killed is taken up by the next call, which passes over the files that are wide already. Any number of
processes may do so at once, and others publish or forget beside them: see `Store.publish`.

Engines that read the directory, and readers that have opened the table before, see narrow files and wide ones
for a while. All amounts in them fit into the narrow type until the pin is wide, so whichever of the two an
engine takes is exact.
"""

from collections.abc import Generator

from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.dataset.widening import refuse_damaged, write_wide


def widen_table(store: Store, dataset: Dataset) -> Generator[str, None, None]:
    """Rewrite the files of a table; yields the key of each partition once it is done. Nothing where the table
    is wide already.

    Raises StoreError where a file is damaged, before anything is changed; or where one cannot be written:
    what is rewritten stays so, and the rest is left to the next call.
    """
    for _, file in store.narrow_files(dataset):
        refuse_damaged(file)
    store.mark_as_widening(dataset)
    with store.staging() as folder:
        staged, left = folder / "wide.parquet", True
        # Another machine may have been about to publish when the pin was written.
        while left:
            left = False
            for key, file in store.narrow_files(dataset):
                left = True
                store.put_rewritten(staged, dataset, write_wide(file, staged))
                yield key
    store.mark_as_wide(dataset)
