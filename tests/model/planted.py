"""Mistakes of each kind, put where the decision is, to see that the machine finds them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from connector.api.client import StripeClient
from connector.dataset.provenance import Provenance
from connector.runs import adoption, creation


def _key_without_known_runs() -> Any:
    honest = creation.idempotency_key

    def key(request: Any, **about: Any) -> str:
        return honest(request, **(about | {"known": ()}))

    return patch.object(creation, "idempotency_key", key)


def _not_newer_than_published() -> Any:
    return patch.object(adoption, "_is_older", lambda *_, **__: False)


def _file_from_before_preparation() -> Any:
    honest = adoption._is_complete

    def complete(made: Any, wanted: Any, at: Any) -> bool:
        return honest(made, wanted, at) if wanted.refresh else True

    return patch.object(adoption, "_is_complete", complete)


def _named_run_not_compared() -> Any:
    honest = adoption.differences

    def differences(run: Any, wanted: Any, at: Any) -> Iterator[str]:
        return iter(()) if run.id == wanted.run_id else honest(run, wanted, at)

    return patch.object(adoption, "differences", differences)


def _published_blindly() -> Any:
    return patch.object(Provenance, "is_newer_than", lambda *_: False)


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
        patch.object(StripeClient, "create_report_run", blind),
        patch("connector.runs.progress.refusal", trusting),
    ):
        yield


def _refresh_adopts_older() -> Any:
    honest = adoption._is_complete

    def complete(made: Any, wanted: Any, at: Any) -> bool:
        return True if wanted.refresh else honest(made, wanted, at)

    return patch.object(adoption, "_is_complete", complete)


#: Each puts the mistake there while its context lasts.
PLANTED: Mapping[str, Callable[[], Any]] = {
    "the idempotency key does not depend on the runs known": _key_without_known_runs,
    "a run is not compared with the published one": _not_newer_than_published,
    "a file from before the last preparation is adopted": _file_from_before_preparation,
    "a run that is named is not compared with the request": _named_run_not_compared,
    "what is published is not compared with what is there": _published_blindly,
    "a refresh accepts a replay": _replay_counts_as_new,
    "a refresh adopts a file from before it began": _refresh_adopts_older,
}
