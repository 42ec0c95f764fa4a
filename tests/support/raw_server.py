"""A server that sends whatever bytes it is given, to show what a client does with them."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator

#: What one connection is answered with, as often as it asks; the pieces are sent one after the other.
Answer = Callable[[], Iterable[bytes]]


@contextlib.contextmanager
def raw_server(answer: Answer) -> Iterator[str]:
    """Serves until the block ends, one thread a connection; yields the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()
        serving = threading.Thread(target=_accept, args=(listening, answer, ended))
        serving.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            ended.set()
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            serving.join()


def _accept(listening: socket.socket, answer: Answer, ended: threading.Event) -> None:
    threads = []
    with contextlib.suppress(OSError):
        while not ended.is_set():
            connection, _ = listening.accept()
            threads.append(threading.Thread(target=_serve, args=(connection, answer, ended)))
            threads[-1].start()
    for each in threads:
        each.join()


def _serve(connection: socket.socket, answer: Answer, ended: threading.Event) -> None:
    with connection, contextlib.suppress(OSError):
        connection.settimeout(5)
        connection.recv(1 << 16)
        for piece in answer():
            if ended.is_set():
                break
            connection.sendall(piece)
