"""Is this the account whose data the table holds? Looked up before the first file is published."""

from connector.api.client import StripeClient
from connector.dataset.admission import refuse_foreign, refuse_other_books
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import InvalidRequestError


def confirm_owner(client: StripeClient, store: Store, dataset: Dataset) -> None:
    """Look up the newest published report runs of a table by their ids, until the key in use knows one.

    That is one request, and none for an empty table. Of a few, since Stripe may have lost one.

    Raises DatasetMismatchError where the key knows none of them; of a simulator, which forgets its runs when
    it ends, where its books are others than those the table was made from.
    """
    newest = store.newest(dataset)
    if not newest:
        return
    known = any(_knows(client, each.run_id) for each in newest)
    if client.books is None:  # it has answered by now, so this is not a simulator
        refuse_foreign(dataset, newest[0], known=known)
    else:
        refuse_other_books(dataset, store.books(dataset), client.books)


def _knows(client: StripeClient, run_id: str) -> bool:
    try:
        client.report_run(run_id)
    except InvalidRequestError as error:
        if error.status != 404:
            raise
        return False
    return True
