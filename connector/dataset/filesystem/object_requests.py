"""Paths, versions and contents as requests to an object store say them, and its answers."""

import mmap
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connector.dataset.filesystem.objects import WHOLE
from connector.dataset.filesystem.root import Version

if TYPE_CHECKING:
    from obstore import ObjectMeta

#: The attribute of an object that counts the copies of earlier ones, which nobody lists to find out.
COPIES = "copies"


def key_of(path: str) -> str:
    """The key of an object, or of what is common to some."""
    return path.partition("/")[2].rstrip("/")


def is_marker(meta: "ObjectMeta") -> bool:
    """Whether it stands for a directory, as consoles and other programs make them."""
    return meta["size"] == 0 and "." not in meta["path"].rpartition("/")[2]


def version_of(meta: "ObjectMeta") -> Version:
    """Which version a store's answer is about."""
    return Version(meta["e_tag"], meta["version"], meta["last_modified"])


def copies_in(attributes: Mapping[str, str]) -> int:
    """How many copies of earlier ones an object says there are; 0 where it does not say."""
    found = attributes.get(COPIES, "")
    return int(found) if re.fullmatch("[0-9]{1,3}", found) else 0


def if_match(version: Version) -> Any:
    """The options of a request that is about this version alone."""
    return {"if_match": version.tag} if version.tag is not None else {}


def body_of(content: Path | bytes) -> "bytes | mmap.mmap":
    """A file without reading it into memory, as one request needs all of it."""
    if isinstance(content, bytes):
        return content
    if content.stat().st_size <= WHOLE:
        return content.read_bytes()
    with content.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
