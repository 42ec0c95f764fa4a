"""The simulator behind a port: HTTP/1.1 on this machine, for the command, the demo and other processes.

Connections stay open between requests, as Stripe's do. A fault can reset one, or close it in the middle of a
body. When the server stops it closes them all, and its threads end.
"""

import contextlib
import re
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from connector.simulator.protocol.messages import Outcome, Reply
from connector.simulator.simulator import Simulator

#: Bytes of a request's body; a larger one is a 413.
LARGEST_REQUEST = 1_048_576

_CHUNK = 262_144


@contextlib.contextmanager
def serve(simulator: Simulator, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve `simulator` in the background until the end of the block; yields the base URL.

    Port 0 takes a free one.

    >>> with serve(Simulator()) as url:
    ...     httpx.get(f"{url}/v1/reporting/report_types", auth=(SIMULATED_KEY, ""))
    """
    server = _Server((host, port), simulator)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="simulator")
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.stopping.set()
        server.shutdown()
        server.close_connections()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    """One thread per connection; has a list of open connections, to be able to close them."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], simulator: Simulator) -> None:
        self.simulator = simulator
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Close every connection, also one that somebody waits on."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print errors of the simulator, and not those of a caller that went away."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _as_sent(header: tuple[str, str]) -> tuple[bytes, bytes]:
    """A header's name and value, byte for byte, on one line: the base reads each byte as a character."""
    name, value = header
    return name.encode("iso-8859-1"), re.sub("[\r\n]", "", value).encode("iso-8859-1")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def handle_any(self) -> None:
        """Any method; the simulator knows those that exist."""
        host = self.headers.get("Host") or "{}:{}".format(*self.server.server_address[:2])
        try:
            length = int(self.headers.get("Content-Length") or 0)
            url = httpx.URL(f"http://{host}{self.path}")
        except (ValueError, httpx.InvalidURL):
            self._refuse(400)
            return
        if not 0 <= length <= LARGEST_REQUEST or "Transfer-Encoding" in self.headers:
            self._refuse(413 if length > LARGEST_REQUEST else 411)
            return
        body = self.rfile.read(length)
        headers = httpx.Headers(list(map(_as_sent, self.headers.items())), encoding="iso-8859-1")
        reply = self.server.simulator.answer(self.command, url, headers, body, sleep=self._sleep)
        if reply.delivery.outcome is Outcome.DELIVERED:
            self._send(reply)
        else:
            self._sleep(reply.delivery.hold)
            self._break_off(reset=reply.delivery.outcome is Outcome.RESET)

    do_GET = do_POST = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any  # noqa: N815

    def _refuse(self, status: int) -> None:
        """Answer what cannot be read as a request."""
        self.close_connection = True
        self.send_error(status)

    def _send(self, reply: Reply) -> None:
        delivery, body = reply.delivery, memoryview(reply.body)
        declared = int(reply.headers.get("Content-Length", len(body)))
        end = len(body) if delivery.cut_at is None else min(delivery.cut_at, len(body))
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            step = delivery.chunk or _CHUNK
            for start in range(0, end, step):
                if delivery.pause and start:
                    self._sleep(delivery.pause)
                self.wfile.write(body[start : min(start + step, end)])
            if end != declared:
                self._break_off(reset=False)

    def _break_off(self, *, reset: bool) -> None:
        """Close the connection now; with a reset the peer also loses what it has not read yet."""
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self.server.stopping.wait(seconds)

    def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002 - the base's signature
        """The `Date` of the answers that `_refuse` gives."""
        return f"{self.server.simulator.now():%a, %d %b %Y %H:%M:%S GMT}"

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: `Simulator.requests` is the log."""
