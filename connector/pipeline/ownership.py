"""Is this the account whose data the table holds? Looked up before the first file is published."""

from collections.abc import Collection

from connector.api.client import StripeClient
from connector.dataset.admission import refuse_foreign, refuse_other_books
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import InvalidRequestError, UnexpectedAnswerError


def confirm_owner(
    client: StripeClient, store: Store, dataset: Dataset, *, listed: Collection[str] = ()
) -> None:
    """Find one of the newest published report runs of a table among those that the key in use knows.

    Not of a table whose partitions are of accounts that are acted for: each path names its account, whose
    reports are the same for every key that may act for it.

    They are looked up by their ids where none is `listed`: that is one request, and none for an empty table.
    Of a few, since Stripe may have lost one, or answer for one with what cannot be read.

    Args:
        listed: ids of runs that this key has just been shown.

    Raises DatasetMismatchError where the key knows none of them; of a simulator, which forgets its runs when
    it ends, where its books are others than those the table was made from.
    """
    newest = store.newest(dataset)
    if not newest:
        return
    ids = [each.run_id for each in newest]
    known = dataset.acting or not set(listed).isdisjoint(ids) or _knows_one(client, ids)
    if client.books is None:  # it has answered by now, so this is not a simulator
        refuse_foreign(dataset, newest[0], known=known)
    else:
        refuse_other_books(dataset, store.books(dataset), client.books)


def _knows_one(client: StripeClient, run_ids: Collection[str]) -> bool:
    unread: UnexpectedAnswerError | None = None
    for run_id in run_ids:
        try:
            if _knows(client, run_id):
                return True
        except UnexpectedAnswerError as error:
            unread = error
    if unread:
        raise unread
    return False


def _knows(client: StripeClient, run_id: str) -> bool:
    try:
        client.report_run(run_id)
    except InvalidRequestError as error:
        if error.status != 404:
            raise
        return False
    return True
