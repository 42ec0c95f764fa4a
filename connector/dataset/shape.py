"""Whether a published file is the result of what is configured now: the request and the columns both count.

Stored names, types and the version of the decoder are the shape of a file. Where only that differs, the same
report run's file is converted again; nothing is requested.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from connector.api.models import ReportRequest
from connector.column_diff import ColumnDiff
from connector.dataset.provenance import Provenance
from connector.errors import DatasetMismatchError


class FileState(Enum):
    """How a published file stands to what is configured now.

    CURRENT is the result. OLDER_SHAPE holds the same data, stored otherwise: to be converted again from the
    file of its own report run. OTHER_REQUEST has to be replaced by a new report run. LACKING_COLUMNS would be
    replaced by a file without some of its columns, which only a forced pull does.
    """

    CURRENT = "current"
    OLDER_SHAPE = "older shape"
    OTHER_REQUEST = "other request"
    LACKING_COLUMNS = "lacking columns"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A published file, compared with what is configured now.

    Attributes:
        columns: how the stored columns would change.
        lost: stored columns that the file has and a new one would not.
    """

    state: FileState
    columns: ColumnDiff
    lost: tuple[str, ...] = ()


def header_asked(published: Provenance, request: ReportRequest) -> tuple[str, ...]:
    """The header to expect from a report run of `request`: the published file's, unless other columns are
    asked for."""
    asked = request.columns
    return published.header if asked is None or set(asked) == set(_asked(published)) else asked


def compared(
    published: Provenance, request: ReportRequest, columns: Mapping[str, str], decoder_version: int
) -> Comparison:
    """How a published file stands to a request.

    Args:
        request: what would be asked of Stripe now.
        columns: the columns that a file with the header `header_asked` would be stored with now, in order,
            and their Arrow types as text.
        decoder_version: the decoder's now.
    """
    diff = ColumnDiff.between(published.columns, columns)
    lost = tuple(name for name in diff.removed if name not in published.added_columns)
    if lost:
        return Comparison(FileState.LACKING_COLUMNS, diff, lost)
    if not ask_the_same(published.request, request):
        return Comparison(FileState.OTHER_REQUEST, diff)
    is_current = not diff and published.decoder_version == decoder_version
    return Comparison(FileState.CURRENT if is_current else FileState.OLDER_SHAPE, diff)


def refuse_loss(published: Provenance, lost: tuple[str, ...], columns: Mapping[str, str]) -> None:
    """Raise DatasetMismatchError naming both lists of columns and the ways out."""
    raise DatasetMismatchError(
        f"{published.table} {published.period}: the published file has the columns "
        f"{', '.join(published.columns)}; with the columns configured now, {', '.join(columns)}, it would "
        f"lose {', '.join(lost)}. Nothing was requested. Configure these columns too, give the smaller "
        "choice a `name` of its own, or replace the file with --force (in Dagster: materialize it again)."
    )


def _asked(published: Provenance) -> tuple[str, ...]:
    return published.request.columns or ()


def ask_the_same(one: ReportRequest, other: ReportRequest) -> bool:
    """Whether two requests are for the same data, whatever the order of their columns."""
    return _but_for_order(one) == _but_for_order(other)


def _but_for_order(request: ReportRequest) -> tuple[str, frozenset[tuple[str, object]]]:
    """Another order of columns is another shape of the same data."""
    return request.report_type, frozenset(
        (name, frozenset(value) if name == "columns" and isinstance(value, tuple) else value)
        for name, value in request.parameters
    )
