"""The register of sign-offs: below the root, outside of all tables, one small file for each event of a month.

    <root>/<mode>/_closes/2026-06/0001-signed.json
    <root>/<mode>/_closes/2026-06/0002-reopened.json
    <root>/<mode>/_closes/2026-06/0003-signed.json

Files are added and never changed: the last one says how the month stands, those before it are its history.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from connector.close.month import Month
from connector.close.sign_off import FORMAT, SignOff, written
from connector.dataset.filesystem.clouds import open_root
from connector.dataset.filesystem.place import Place
from connector.errors import ConfigurationError, StoreError

#: No table is called like this: names of tables begin with a letter.
DIRECTORY = "_closes"

_SIGNED = "{} is {} already; --reopen opens it, and it can be signed again"

_NAME = re.compile(r"(\d{4})-(signed|reopened)\.json")


@dataclass(frozen=True, slots=True)
class Event:
    """A sign-off, or a re-opening. `sign_off` is None for the latter."""

    number: int
    kind: str
    at: str
    by: str | None
    sign_off: SignOff | None


class Register:
    """The sign-offs of one mode below a root. All methods raise StoreError naming the path when the file
    system refuses, or a file there cannot be read."""

    def __init__(self, place: str | Path | Place, mode: str) -> None:
        self._root, self._mode = open_root(place), mode

    def history(self, month: Month) -> tuple[Event, ...]:
        """What became of a month, the oldest event first."""
        listed = self._root.listed(self._root.path(self._directory(month)))
        named = [
            (int(found[1]), found[2], path)
            for path in listed
            if (found := _NAME.fullmatch(path.rpartition("/")[2]))
        ]
        return tuple(self._event(number, kind, path) for number, kind, path in sorted(named))

    def signed(self, month: Month) -> SignOff | None:
        """The sign-off that holds; None where the month is open."""
        events = self.history(month)
        return events[-1].sign_off if events else None

    def refuse_signed(self, month: Month) -> None:
        """Raise ConfigurationError where the month is signed off, before it is read for nothing."""
        signed = self.signed(month)
        if signed is not None:
            raise ConfigurationError(_SIGNED.format(month, signed))

    def sign(self, month: Month, sign_off: SignOff) -> str:
        """Write a sign-off down; where it is.

        Raises ConfigurationError where the month is signed off already.
        """
        return self._add(month, "signed", sign_off.to_json(), _SIGNED.format(month, "signed off"))

    def reopen(self, month: Month, at: datetime, by: str | None) -> str:
        """Undo the sign-off, which stays in the history; where that is written.

        Raises ConfigurationError where there is none.
        """
        refusal = f"{month} is not signed off, so there is nothing to open again"
        event = {"format": FORMAT, "event": "reopened", "month": str(month), "at": at.isoformat(), "by": by}
        return self._add(month, "reopened", event, refusal)

    def _directory(self, month: Month) -> str:
        return f"{self._mode}/{DIRECTORY}/{month}"

    def _add(self, month: Month, kind: str, content: Mapping[str, Any], refusal: str) -> str:
        """Put the next event into place, unless the last one is of that kind already: of two processes that
        sign at once, wherever they are, one is refused."""
        directory = self._directory(month)
        with self._root.lock(directory):
            events = self.history(month)
            last = events[-1].kind if events else "reopened"
            # Kinds take turns, so that of two with the same number both have the same name.
            relative = f"{directory}/{len(events) + 1:04}-{kind}.json"
            path, bytes_ = self._root.path(relative), written(content)
            try:
                is_ours = last != kind and self._root.put(path, bytes_, replacing=None)
            except OSError as error:
                raise self._root.failure("write", path, error, needed=len(bytes_)) from None
        if not is_ours:
            raise ConfigurationError(refusal)
        return self._root.uri(relative)

    def _event(self, number: int, kind: str, path: str) -> Event:
        read = self._root.read(path)
        try:
            found = json.loads(read[0] if read else b"")
            if found["format"] != FORMAT:
                raise ValueError(f"format {found['format']!r:.20} is of another version of the connector")
            sign_off = SignOff.from_json(found) if kind == "signed" else None
            return Event(number, kind, str(found["at"]), found["by"], sign_off)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StoreError(f"could not read {path}: {error}. Restore it from a backup") from None
