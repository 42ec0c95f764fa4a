"""Mistakes of each kind, put where the decision is, to see that the machine finds them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa

from connector import catalogue
from connector.accounts import AccountLife
from connector.api.client import StripeClient
from connector.catalogue.latency import USUAL
from connector.dataset import places, seal, store
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.pipeline import collect, conversion, conversions
from connector.pipeline.reconversion import ConfiguredShape
from connector.query import ReportQuery
from connector.runs import adoption, creation, polling, progress, restatement
from connector.runs.batch import RunBatch
from connector.runs.progress import PartitionProgress
from tests.model.planting import put


def _key_without_known_runs() -> Any:
    honest = creation.idempotency_key

    def key(request: Any, **about: Any) -> str:
        return honest(request, **(about | {"known": ()}))

    return put(creation, "idempotency_key", key)


def _not_newer_than_published() -> Any:
    return put(adoption, "_is_older", lambda *_, **__: False)


def _file_from_before_preparation() -> Any:
    honest = adoption._is_complete

    def complete(created: Any, made: Any, wanted: Any, at: Any) -> bool:
        return honest(created, made, wanted, at) if wanted.refresh else True

    return put(adoption, "_is_complete", complete)


def _named_run_not_compared() -> Any:
    honest = adoption.differences

    def differences(run: Any, wanted: Any, at: Any) -> Iterator[str]:
        return iter(()) if run.id == wanted.run_id else honest(run, wanted, at)

    return put(adoption, "differences", differences)


def _published_blindly() -> Any:
    return put(Provenance, "is_newer_than", lambda *_: False)


@contextmanager
def _replay_counts_as_new() -> Iterator[None]:
    """A refresh takes what Stripe's store of answers brings back, under a key that is always the same."""
    create, refusal = StripeClient.create_report_run, adoption.refusal
    replayed: set[str] = set()

    def blind(client: StripeClient, request: Any, **about: Any) -> Any:
        run = create(client, request, **about)
        if run.replayed:
            replayed.add(run.id)
        return replace(run, replayed=False)

    def trusting(run: Any, wanted: Any, at: Any) -> Any:
        known = {*at.own, run.id} if run.id in replayed and wanted.refresh else at.own
        return refusal(run, replace(wanted, published=None), replace(at, own=known))

    with (
        _key_without_known_runs(),
        put(StripeClient, "create_report_run", blind),
        put(progress, "refusal", trusting),
    ):
        yield


def _refresh_adopts_older() -> Any:
    honest = adoption._is_complete

    def complete(created: Any, made: Any, wanted: Any, at: Any) -> bool:
        return True if wanted.refresh else honest(created, made, wanted, at)

    return put(adoption, "_is_complete", complete)


def _made_counts() -> Any:
    honest = adoption._is_complete

    def complete(created: Any, made: Any, wanted: Any, at: Any) -> bool:
        return honest(made or created, made, wanted, at)

    return put(adoption, "_is_complete", complete)


def _older_run_follows_further_columns() -> Any:
    honest = adoption._is_older
    return put(
        adoption, "_is_older", lambda run, wanted, own: honest(run, replace(wanted, replaces=None), own=own)
    )


def _replaced_unseen() -> Any:
    return put(store, "_refuse_overtaken", lambda *_: None)


def _columns_are_lost() -> Any:
    return put(ConfiguredShape, "refuse_loss", lambda *_: None)


def _one_refusal_ends_all() -> Any:
    return put(Store, "readable", lambda store, dataset, keys: (store.provenances(dataset, keys), {}))


def _unreadable_is_refused() -> Any:
    honest = seal.read_footer

    def read(file: Any) -> bytes:
        if (footer := honest(file)) is None:
            raise OSError("damaged")
        return footer

    return put(places, "read_footer", read)


def _nobody_asks_whose_it_is() -> Any:
    return put(collect, "confirm_owner", lambda *_, **__: None)


def _seldom_polled() -> Any:
    return put(polling, "pause_before_poll", lambda *_, **__: 100.0)


def _young_files_are_gone() -> Any:
    honest = conversions.after_failure

    def after(*about: Any) -> Any:
        then = honest(*about)
        later = conversions.AfterFailure.TRY_LATER
        return conversions.AfterFailure.REPLACE_RUN if then is later else then

    return put(conversions, "after_failure", after)


def _hanging_costs_nothing() -> Any:
    return put(PartitionProgress, "hanging", lambda *_: [])


def _nothing_is_due() -> Any:
    return put(restatement, "select_due", lambda *_: [])


def _dates_are_the_next_days() -> Any:
    honest = conversion._constants

    def constants(*about: Any) -> Any:
        found = honest(*about)
        return {name: _later(value) if name == "_date" else value for name, value in found.items()}

    return put(conversion, "_constants", constants)


def _later(value: Any) -> Any:
    return pa.scalar(value.as_py() + timedelta(days=1), value.type)


def _fees_settle_like_the_rest() -> Any:
    return put(adoption, "latency_of", lambda _: USUAL)


def _fees_are_due_like_the_rest() -> Any:
    return put(catalogue, "latency_of", lambda _: USUAL)


def _snapshots_settle() -> Any:
    honest = adoption._is_complete

    def complete(created: Any, made: Any, wanted: Any, at: Any) -> bool:
        settled = wanted.partition.interval is None and not wanted.refresh
        return settled or honest(created, made, wanted, at)

    return put(adoption, "_is_complete", complete)


def _windows_of_a_snapshot() -> Any:
    honest = ReportQuery.request

    def request(query: ReportQuery, partition: Any) -> Any:
        snapshot = not query.spec.required and not query.dimensions
        return honest(query, replace(partition, interval=None) if snapshot else partition)

    return put(ReportQuery, "request", request)


def _lives_do_not_count() -> Any:
    return put(AccountLife, "overlaps", lambda *_: True)


def _one_that_is_gone_ends_all() -> Any:
    honest = RunBatch._end_queue
    return put(RunBatch, "_end_queue", lambda batch, error, _: honest(batch, error, lambda _: True))


def _whose_it_is_does_not_count() -> Any:
    """Runs about another account of the same day are taken for one's own."""
    honest = adoption.unlike

    def unlike(run: Any, alike: Any) -> list[str]:
        return [name for name in honest(run, alike) if name != "connected_account"]

    return put(adoption, "unlike", unlike)


#: Each puts the mistake there while its context lasts.
PLANTED: Mapping[str, Callable[[], Any]] = {
    "the idempotency key does not depend on the runs known": _key_without_known_runs,
    "a run is not compared with the published one": _not_newer_than_published,
    "a file from before the last preparation is adopted": _file_from_before_preparation,
    "a run that is named is not compared with the request": _named_run_not_compared,
    "what is published is not compared with what is there": _published_blindly,
    "a refresh accepts a replay": _replay_counts_as_new,
    "a refresh adopts a file from before it began": _refresh_adopts_older,
    "a run counts by when it ended": _made_counts,
    "an older run follows further columns": _older_run_follows_further_columns,
    "a file of another request is replaced unseen": _replaced_unseen,
    "columns are lost without being asked": _columns_are_lost,
    "what is refused of one file ends all": _one_refusal_ends_all,
    "what cannot be read is refused": _unreadable_is_refused,
    "nobody asks whose table it is": _nobody_asks_whose_it_is,
    "runs are polled every 100 seconds": _seldom_polled,
    "a young file is taken for gone": _young_files_are_gone,
    "a run that hangs costs no attempt": _hanging_costs_nothing,
    "nothing is ever due": _nothing_is_due,
    "rows are dated a day late": _dates_are_the_next_days,
    "fees settle like the rest": _fees_settle_like_the_rest,
    "fees are due like the rest": _fees_are_due_like_the_rest,
    "a snapshot settles": _snapshots_settle,
    "a snapshot has windows": _windows_of_a_snapshot,
    "the life of an account does not count": _lives_do_not_count,
    "an account that is gone ends all others": _one_that_is_gone_ends_all,
    "a run about another account is taken": _whose_it_is_does_not_count,
}

#: The table that a mistake is looked for with, where it does not show with balances.
SEEN_WITH: Mapping[str, str] = {
    "fees settle like the rest": "fees",
    "fees are due like the rest": "fees",
    "a snapshot settles": "a snapshot",
    "a snapshot has windows": "a snapshot",
    "the life of an account does not count": "accounts",
    "an account that is gone ends all others": "accounts",
    "a run about another account is taken": "accounts",
}
