"""One table takes the name of another, so that a kill at any moment leaves both readable.

Two directories cannot trade names in one step. So what is meant is written down first, beside the pins; while
that note stands nothing is published to the table, and whoever comes again finishes what it says:

    <root>/<mode>/_datasets/<table>.succession

The table that had the name keeps its files and its pin under its name with the version, `<table>_v3`. Files
are moved and never rewritten, so what they say of themselves is the name they were made under.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from connector.dataset import Dataset
from connector.errors import DatasetMismatchError, StoreError
from connector.root import sync_directory

Write = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True)
class Succession:
    """Which table takes whose name.

    Attributes:
        predecessor: the table that has the name.
        successor: the one that takes it, under the name it was made with.
    """

    predecessor: Dataset
    successor: Dataset

    @property
    def retired(self) -> Dataset:
        """The predecessor under the name it gets."""
        return replace(self.predecessor, table=versioned(self.predecessor))

    @property
    def heir(self) -> Dataset:
        """The successor under the name it takes."""
        return replace(self.successor, table=self.predecessor.table)

    def to_json(self) -> str:
        """The note as people may read it; `from_json` reads it back."""
        return json.dumps(asdict(self), indent=2, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises ValueError for anything `to_json` did not write."""
        try:
            said = json.loads(text)
            return cls(*(Dataset.from_json(json.dumps(said[one])) for one in ("predecessor", "successor")))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a succession: {error!r}") from error


def versioned(dataset: Dataset, version: str | int | None = None) -> str:
    """The name of a table beside its own in another version of its report, or in the one it has."""
    return f"{dataset.table}_v{dataset.report_type.rpartition('.')[2] if version is None else version}"


def noted(base: Path, dataset: Dataset) -> Succession | None:
    """What was begun with a table below `base` and is not finished; None in peace."""
    try:
        return Succession.from_json(_note(base, dataset).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise StoreError(f"{_note(base, dataset)}: {error}; restore it, or remove it") from None


def refuse_meanwhile(base: Path, dataset: Dataset) -> None:
    """Raise DatasetMismatchError where the table is between two versions: nothing is published then."""
    if (note := noted(base, dataset)) is not None:
        old, new = note.predecessor.report_type, note.successor.report_type
        version = new.rpartition(".")[2]
        raise DatasetMismatchError(
            f"table {dataset.table} is being switched from {old} to {new}. If that was interrupted, "
            f"`stripe-reports upgrade {dataset.table} --to {version} --switch` finishes it; nothing is "
            "published there until then."
        )


def begin(base: Path, succession: Succession, write: Write) -> None:
    """Write down what is meant. Raises StoreError where the name to retire to is taken."""
    retired = base / succession.retired.path
    if any(each.is_file() for each in retired.rglob("*")):
        raise StoreError(
            f"{retired} is there already, and {succession.predecessor.table} is to be kept under that name; "
            "move it away or remove it"
        )
    shutil.rmtree(retired, ignore_errors=True)
    write(str(_note(base, succession.predecessor)), succession.to_json().encode())


def carry_out(base: Path, succession: Succession, write: Write) -> None:
    """Do what is left of it, wherever it was interrupted."""
    place, waiting = base / succession.predecessor.path, base / succession.successor.path
    aside = base / succession.retired.path
    write(str(base / succession.retired.pin_path), succession.retired.to_json().encode())
    if not aside.exists():
        _rename(place, aside)
    if waiting.exists():
        _rename(waiting, place)
    write(str(base / succession.heir.pin_path), succession.heir.to_json().encode())
    (base / succession.successor.pin_path).unlink(missing_ok=True)
    _note(base, succession.predecessor).unlink()


def _note(base: Path, dataset: Dataset) -> Path:
    return base / f"{dataset.mode}/_datasets/{dataset.table}.succession"


def _rename(place: Path, name: Path) -> None:
    place.rename(name)
    sync_directory(name.parent)
