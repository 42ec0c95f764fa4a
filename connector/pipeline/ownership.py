"""Is this the account whose data the table holds? Looked up before the first file is published."""

from connector.api.client import StripeClient
from connector.dataset.admission import refuse_foreign, refuse_other_books
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import InvalidRequestError


def confirm_owner(client: StripeClient, store: Store, dataset: Dataset) -> None:
    """Look up the newest published report run of a table by its id: one request, none for an empty table.

    Raises DatasetMismatchError where the key in use does not know it; of a simulator, which forgets its runs
    when it ends, where its books are others than those the table was made from.
    """
    newest = store.newest(dataset)
    if newest is None:
        return
    try:
        client.report_run(newest.run_id)
        known = True
    except InvalidRequestError as error:
        if error.status != 404:
            raise
        known = False
    if client.books is None:
        refuse_foreign(dataset, newest, known=known)
    else:
        refuse_other_books(dataset, store.books(dataset), client.books)
