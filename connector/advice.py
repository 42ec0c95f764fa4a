"""What to do about an error that kept a partition from its data, in one sentence."""

from connector.errors import (
    AuthenticationError,
    ConfigurationError,
    DataError,
    DatasetMismatchError,
    DownloadError,
    InvalidRequestError,
    NotReadyError,
    PermissionDeniedError,
    ReportingError,
    RunFailedError,
    RunPendingError,
    StoreError,
    UntrustedHostError,
)

_OTHERWISE = "{again}: a report run that is under way is adopted."

#: By the kind of error; the first that fits holds.
_BY_KIND: tuple[tuple[type[ReportingError], str], ...] = (
    (RunPendingError, "{again} once Stripe is done: the report run is adopted."),
    (NotReadyError, "{again} when Stripe has the data."),
    (RunFailedError, "{again}; if it keeps failing, give Stripe's support the report run's id."),
    (
        DownloadError,
        "{again}: the file is fetched anew. If it stays so, give Stripe's support the report run's id.",
    ),
    (DataError, "Look at the file of the report run, then report the column."),
    (AuthenticationError, "Set STRIPE_API_KEY to a valid restricted key."),
    (PermissionDeniedError, "Give the restricted key the permission that is named."),
    (
        UntrustedHostError,
        "Nothing was fetched from there. Unless a proxy of yours rewrites answers, tell Stripe's support.",
    ),
    (ConfigurationError, "Mend the configuration, then {again_}."),
    (InvalidRequestError, "Mend what Stripe refuses, then {again_}."),
    (DatasetMismatchError, "Change one of the two, then {again_}."),
    (StoreError, "Mend the storage, then {again_}: the report run is adopted, not made anew."),
)


def advice(error: ReportingError, *, again: str) -> str:
    """What to do.

    Args:
        again: how another attempt is made by whoever reads this, as `Materialize it again`.
    """
    fitting = (text for kind, text in _BY_KIND if isinstance(error, kind))
    lower = f"{again[0].lower()}{again[1:]}"
    return next(fitting, _OTHERWISE).format(again=again, again_=lower)
