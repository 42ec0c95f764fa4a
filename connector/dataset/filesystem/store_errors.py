"""What an object store refuses, as the errors that files have."""

import contextlib
from collections.abc import Iterator

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)


class ReplacedError(OSError):
    """Another version is there than the one that was asked for."""


#: What a second request of another kind would not change.
FINAL = (PreconditionError, PermissionDeniedError, UnauthenticatedError)


@contextlib.contextmanager
def os_errors() -> Iterator[None]:
    """Raise OSError for what the store raises."""
    try:
        yield
    except PreconditionError as error:
        raise ReplacedError(str(error)) from None
    except AlreadyExistsError as error:
        raise FileExistsError(str(error)) from None
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise PermissionError(str(error)) from None
    except (BaseError, ValueError) as error:
        raise OSError(str(error)) from None
