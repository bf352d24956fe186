"""A server on loopback that says what a test wants, byte for byte: not what HTTP allows."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_WITHIN_SECONDS = 30


class RawServer:
    """Reads a whole request from each connection, sends the pieces of `said`, and closes it.

    `requests` has all that arrived. A piece is sent at once; an iterator of pieces can wait between them.
    """

    def __init__(self, said: Callable[[], Iterable[bytes]], host: str = "127.0.0.1") -> None:
        self.said = said
        self.requests: list[bytes] = []
        self._listening = socket.create_server((host, 0))
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._listening.getsockname()
        return f"http://{host}:{port}"

    def start(self) -> None:
        """Serve, one connection after the other."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(_WITHIN_SECONDS)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                self._open.append(connection)
                connection.settimeout(_WITHIN_SECONDS)
                self.requests.append(_request(connection))
                for piece in self.said():
                    connection.sendall(piece)


@contextmanager
def saying(said: Callable[[], Iterable[bytes]], host: str = "127.0.0.1") -> Iterator[RawServer]:
    """Serve while the context lasts, on an address of this computer's."""
    server = RawServer(said, host)
    server.start()
    with ExitStack() as stack:
        stack.callback(server.stop)
        yield server


def _request(connection: socket.socket) -> bytes:
    found = b""
    while b"\r\n\r\n" not in found and (piece := connection.recv(65536)):
        found += piece
    head, _, body = found.partition(b"\r\n\r\n")
    lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while lengths and len(body) < lengths[0] and (piece := connection.recv(65536)):
        body += piece
    return head + b"\r\n\r\n" + body
