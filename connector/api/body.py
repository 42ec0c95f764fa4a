"""The body of an answer: in pieces as they come, unpacked in small steps, or whole."""

import zlib
from collections.abc import Iterable, Iterator

import httpx

from connector.api.responses import FileStream, shown, span_of
from connector.clock import Clock
from connector.errors import ConnectionFailedError, UnexpectedAnswerError

#: How a body may be packed, and whether it has to be unpacked.
_ENCODINGS = {"identity": False, "": False, "gzip": True, "x-gzip": True}

#: A byte of gzip can stand for a thousand. It is unpacked by so many bytes at once.
_STEP = 1 << 16

#: A page of a hundred report runs has some 300 kB. What is far larger is not Stripe's.
_LARGEST_ANSWER = 32 << 20


def stream_of(response: httpx.Response, offset: int) -> FileStream:
    """The contents of a file, asked for from a byte on."""
    headers = response.headers
    first, total = span_of(response.status_code, headers, offset)
    return FileStream(
        status=response.status_code,
        first_byte=first,
        total=total,
        etag=headers.get("etag"),
        content_type=(shown(headers.get("content-type")) or "").lower(),
        resumable="content-encoding" not in headers,
        request_id=shown(headers.get("request-id")),
        chunks=chunks_of(response),
    )


def read_whole(response: httpx.Response, *, clock: Clock, longest: float) -> bytes:
    """The whole body, as long as that is reasonable.

    Args:
        longest: how many seconds it may take.

    Raises what `chunks_of` raises, and
        ConnectionFailedError: it takes longer.
        UnexpectedAnswerError: it is far larger than anything Stripe answers.
    """
    url, began, body = without_query(response), clock.monotonic(), bytearray()
    for chunk in chunks_of(response):
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            raise UnexpectedAnswerError(
                f"{url} answered with more than {_LARGEST_ANSWER >> 20} MiB where a JSON object was due",
                status=response.status_code,
                request_id=shown(response.headers.get("request-id")),
            )
        if clock.monotonic() - began > longest:
            raise ConnectionFailedError(f"{url} was still answering after {longest:.0f} s")
    return bytes(body)


def chunks_of(response: httpx.Response) -> Iterator[bytes]:
    """The body in pieces, as they come from the network: gathering them would lose what came before a break.

    Raises:
        ConnectionFailedError: it broke off, or is not packed as it says.
        UnexpectedAnswerError: it is packed in a way that nobody asked for.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in _ENCODINGS:
        raise UnexpectedAnswerError(
            f"{without_query(response)} answered with the Content-Encoding {shown(encoding)!r}, which nobody "
            "asked for",
            status=response.status_code,
            request_id=shown(response.headers.get("request-id")),
        )
    try:
        if response.is_stream_consumed:
            # What stands in for the network may give httpx an answer whole; then it is unpacked already.
            yield from response.iter_bytes()
        elif _ENCODINGS[encoding]:
            yield from unpack(response.iter_raw())
        else:
            yield from response.iter_raw()
        return
    except (httpx.HTTPError, httpx.StreamError, zlib.error, RuntimeError) as error:
        failure = ConnectionFailedError(f"{without_query(response)} broke off: {reason_of(error)}")
    raise failure


def unpack(packed: Iterable[bytes]) -> Iterator[bytes]:
    """What a gzipped body holds, in small pieces. Raises zlib.error for what is not gzip, or not whole."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    for each in packed:
        piece = unpacker.decompress(each, _STEP)
        while piece:
            yield piece
            piece = unpacker.decompress(unpacker.unconsumed_tail, _STEP)
    if not unpacker.eof:
        raise zlib.error("the packed body ends too early")


def without_query(answer: httpx.Response | httpx.URL | str) -> str:
    """Where an answer comes from, as it is shown."""
    url = answer.url if isinstance(answer, httpx.Response) else answer
    return str(url).partition("?")[0]


def reason_of(error: Exception) -> str:
    """The kind of an error, and what it says."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
