"""The contents of a file: whole, or the range requested.

Stripe does not document ranges for this endpoint. Here they are HTTP's (RFC 9110, section 14), and a fault
turns them off.

Source: https://docs.stripe.com/file-upload
"""

import hashlib
import re

from connector.simulator.protocol.messages import Call, Reply
from connector.simulator.report_runs import ReportFile

_RANGE = re.compile(r"bytes=(?:(\d+)-(\d*)|-(\d+))")


def contents(file: ReportFile, call: Call) -> Reply:
    """200 with everything, 206 with one range, or 416. Several ranges at once get everything."""
    body = file.content
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {
        "Content-Type": "text/csv",
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{file.run_id}.csv"',
        "ETag": tag,
    }
    whole = Reply(200, headers).with_body(body)
    match = _RANGE.fullmatch(call.headers.get("Range", "").replace(" ", ""))
    if match is None or call.headers.get("If-Range", tag) != tag:
        return whole
    first, last = _bounds(match, len(body))
    if match[2] and int(match[2]) < int(match[1]):
        return whole  # not a range, so it is ignored
    if first > last:
        return Reply(416, {**headers, "Content-Range": f"bytes */{len(body)}"}).with_body(b"")
    part = Reply(206, {**headers, "Content-Range": f"bytes {first}-{last}/{len(body)}"})
    return part.with_body(body[first : last + 1])


def _bounds(match: re.Match[str], size: int) -> tuple[int, int]:
    """First and last byte, both included; first after last where the range is beyond the file."""
    start, stop, tail = match.groups()
    if tail is not None:
        return (max(size - int(tail), 0) if int(tail) else size), size - 1
    first, last = int(start), min(int(stop), size - 1) if stop else size - 1
    return (first, last) if first < size else (size, size - 1)
