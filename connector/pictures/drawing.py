"""From a chart to bytes: how all pictures look, and what draws them.

altair takes half a second to import, and vl-convert as long for its first picture, so neither is imported
before something is drawn.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

#: vl-convert brings it along, with the same widths as Arial.
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

_INK, _PALE, _GRID = "#1f2933", "#616e7c", "#e4e7eb"

_LOOK: Mapping[str, Any] = {
    "font": _FONT,
    "background": "white",
    "padding": 12,
    # What is read aloud is the text beside the picture; here it would double the size.
    "aria": False,
    "view": {"stroke": None},
    "concat": {"spacing": 24},
    "title": {
        "anchor": "start",
        "color": _INK,
        "fontSize": 13,
        "fontWeight": "bold",
        "offset": 10,
        "subtitleColor": _PALE,
        "subtitleFontSize": 11,
    },
    "axis": {
        "domain": False,
        "gridColor": _GRID,
        "labelColor": _PALE,
        "labelFontSize": 11,
        "tickColor": _GRID,
        "title": None,
    },
    "legend": {
        "labelColor": _INK,
        "labelFontSize": 11,
        "orient": "bottom",
        "symbolType": "square",
        "title": None,
    },
    "text": {"color": _INK, "fontSize": 11},
}

_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart, drawn when it is asked for.

    Attributes:
        title: what it shows, as a sentence beside it would say.
    """

    title: str
    _chart: Mapping[str, Any] = field(repr=False)

    def svg(self) -> str:
        """One `<svg>` element, complete in itself, with nothing in it that runs or is fetched."""
        return str(_converter().vegalite_to_svg(**self._arguments))

    def png(self, *, scale: float = 1) -> bytes:
        """The same as PNG.

        Args:
            scale: pixels for each unit of the SVG; 2 for a screen of high density.
        """
        return _compressed(bytes(_converter().vegalite_to_png(**self._arguments, scale=scale)))

    @property
    def _arguments(self) -> dict[str, Any]:
        # No base URL is allowed: a chart has its rows in it, and fetches nothing.
        return {"vl_spec": dict(self._chart), "config": dict(_LOOK), "allowed_base_urls": []}


def _converter() -> Any:
    import vl_convert  # noqa: PLC0415 - not needed for most of what is imported

    return vl_convert


def _compressed(png: bytes) -> bytes:
    """The same pixels in a tenth of the bytes: what draws them is quick about it instead."""
    chunks = list(_chunks(png))
    pixels = zlib.decompress(b"".join(content for kind, content in chunks if kind == b"IDAT"))
    (header,) = (content for kind, content in chunks if kind == b"IHDR")
    content = {b"IHDR": header, b"IDAT": zlib.compress(pixels, 9), b"IEND": b""}
    return _PNG + b"".join(_chunk(kind, each) for kind, each in content.items())


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_PNG)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
